"""A worker has a dry run done that people ordered (`trials`), and writes down what came of it. Nothing of it acts.

The project's code runs in a process of its own (`trial_child`): it may think with another model, and the record of a model stands in for it
there, for the whole process.
"""

import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agents import kept
from agents.models import Trial
from agents.operations import events, leases, versions
from agents.operations.found import hold
from agents.operations.trials import RECORDED, UNTAKEN
from agents.tools import alone
from agents.tools.runner import Ran
from audit import log
from audit.actors import SYSTEM

COMMAND = (sys.executable, "-m", "agents.operations.trial_child")
TIMEOUT_S = 300.0  # of the run itself, once Python and the project are there
MAX_TRIES = 2  # workers that may die of it


def carry_out_trial(trial_id: UUID) -> None:
    """Try it, and write down what came of it. One at a time here, so that runs keep their workers: another waits for the sweeper."""
    trial = _taken(trial_id)
    if trial is None:
        return
    if trial.tries > MAX_TRIES:
        _end(trial, None, kept.WORKERS_DIED_TRYING(n=MAX_TRIES))
        return
    asks_models = trial.wanted["models"] != RECORDED
    held = leases.Held("trial", trial.pk, trial.fence, trial.run.agent_id)
    with leases.holding(held):
        ran = alone.run(
            COMMAND, {"trial": str(trial.pk)}, cwd=settings.BASE_DIR, timeout_s=TIMEOUT_S,
            stopped=lambda: asks_models and versions.halted(trial.run),
        )  # fmt: skip
    if ran.status == "done":
        _end(trial, ran.result, "")
    else:
        _end(trial, None, _why(ran))


def _why(ran: Ran) -> str:
    """In words for a dry run: those of a call that was cut off would say that it may have been done."""
    if ran.code == "halted":
        return kept.TRIAL_HALTED()
    if ran.code == "timeout":
        return kept.TRIAL_TOO_LONG(seconds=f"{TIMEOUT_S:g}")
    return kept.TRIAL_FAILED() if ran.code in {"died", "no_process"} else ran.error


def _taken(trial_id: UUID) -> Trial | None:
    if Trial.objects.filter(ended_at=None, lease_until__gt=Now()).exclude(pk=trial_id).exists():
        return None
    mine = Trial.objects.filter(UNTAKEN, pk=trial_id, ended_at=None)
    if not mine.update(fence=F("fence") + 1, tries=F("tries") + 1, lease_until=leases.lease()):
        return None
    return Trial.objects.select_related("run__agent", "run__version").get(pk=trial_id)


@transaction.atomic
def _end(trial: Trial, result: Any, error: str) -> None:
    hold(trial.run_id)
    mine = Trial.objects.filter(pk=trial.pk, fence=trial.fence, ended_at=None)
    if not mine.update(ended_at=Now(), lease_until=None, result=result, error=error[:4_000]):
        return  # another worker has it since
    told = {"trial": str(trial.pk), "trial_kind": trial.kind, "error": error[:2_000], "came_to": _came_to(result)}
    log.append(events.entry(trial.run, "run.trial_ended", by=SYSTEM, **told))
    events.tell_run(trial.run, "run.trial_ended")


def _came_to(result: Any) -> str:
    """In a word, for the log: how a fork ended, or whether a replay was equal."""
    if not isinstance(result, Mapping):
        return ""
    if "end" in result:
        return str(result["end"])
    return "otherwise" if result.get("difference") else "equal"
