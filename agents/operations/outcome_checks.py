"""The remote side is asked what became of a call of unknown outcome: by the tool's own `check_outcome`, in a worker, never in web.

`unknown.ask_outcome` wrote the row. What is said is evidence: a person says what became of the call all the same.
"""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agents import kept
from agents.errors import AgentError
from agents.graphs.loader import load_agent
from agents.models import Effect, OutcomeCheck, Run
from agents.operations import events
from agents.operations.preparing import context
from agents.operations.unknown import check_entry
from agents.tools import runner
from approvals import operations as approvals
from approvals import queries as approvals_queries
from audit import log
from audit.actors import SYSTEM

MAX_TRIES = 3  # workers that may die of it


def check_outcome(check_id: int) -> None:
    """Ask, and write down what was said. Asking changes nothing, so two workers at once do no harm: the first answer counts."""
    wanted = OutcomeCheck.objects.filter(pk=check_id, answered_at=None)
    if not wanted.update(tries=F("tries") + 1):
        return
    check = OutcomeCheck.objects.select_related("effect__run__agent").get(pk=check_id)
    effect = check.effect
    if check.tries > MAX_TRIES:
        _answer(check, "", kept.WORKERS_DIED(n=MAX_TRIES))
        return
    try:
        answer, error = _asked(effect, effect.run)
    except AgentError as refused:
        answer, error = "", refused.message
    _answer(check, answer, error)


def _asked(effect: Effect, run: Run) -> tuple[str, str]:
    approved = approvals_queries.shown(effect.pk)
    tool = None if effect.by_agent else load_agent(*run.agent.code).tools.get(effect.tool)
    if tool is None or tool.check_outcome is None or approved is None:
        return "", kept.NO_CHECK(tool=effect.tool)
    return runner.outcome(tool, approved.args, context(run, action_id=str(effect.pk)))


@transaction.atomic
def _answer(check: OutcomeCheck, answer: str, error: str) -> None:
    approvals.lock([check.effect.pk])  # its events are written by one at a time
    mine = OutcomeCheck.objects.filter(pk=check.pk, answered_at=None)
    if not mine.update(answer=answer, error=error[:2_000], answered_at=Now()):
        return
    log.append(check_entry(check.effect, "effect.checked", by=SYSTEM, door="worker", answer=answer, error=error[:2_000]))
    events.tell_run(check.effect.run, "run.unknown")
