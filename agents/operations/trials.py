"""Dry runs that people order of a run: replayed from its record, or taken on otherwise. `carrying` has them done; nothing of them acts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from agents import history
from agents.errors import BadInput, WrongState
from agents.models import Pause, Run, Trial
from agents.operations import events, overriding, versions, waking
from agents.operations.found import found_run, hold
from agents.operations.played import check_declared
from agents.states import RunState, TrialKind
from approvals import permissions
from approvals.models.people import User
from approvals.queries import policies
from audit import canonical, log
from audit.sentences import say

MAX_MODEL = 100  # characters of a model's name
RECORDED, NEW, ANEW = "recorded", "new", "anew"
ASSUMED = ("", "approve", "reject")
UNTAKEN = Q(lease_until=None) | Q(lease_until__lte=Now())


@dataclass(frozen=True)
class Wanted:
    """What is to be different in a fork; a replay wants nothing of it but `answers` and `tools`.

    Attributes:
        checkpoint: where it begins; "" at the first that holds the input. values: put into the state there.
        answers: by action id, what its call gives back instead.
        assume: "approve" or "reject" for what the record does not know; "": it stops there.
        policy: the id of the version or proposal that assesses it; 0: the one in force.
        models: "recorded" and no others, "new" where nothing is recorded, "anew" for every answer, by `model`.
        tools: by tool, the implementation that is tried in its place.
    """

    checkpoint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    assume: str = ""
    policy: int = 0
    models: str = RECORDED
    model: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def order_trial(run_id: Any, kind: str, wanted: Wanted, *, by: User, door: str) -> Trial:
    """Have a worker try it.

    Raises:
        NotAllowed: a fork is for operators, a replay for operators and auditors. UnknownRun, UnknownCheckpoint, NotFound.
        WrongState: there is nothing to begin from, an order stops the run's models, or one is being tried already.
        BadInput: values, answers or a model that cannot be.
    """
    who = permissions.standing(by)
    permissions.check_replay(who) if kind == TrialKind.REPLAY else permissions.check_override(who)
    run = found_run(run_id)
    _check_run(run, wanted)
    if kind == TrialKind.REPLAY:
        wanted = Wanted(answers=wanted.answers, tools=wanted.tools)
    asked = _looked_at(run, wanted)
    hold(run.pk)
    try:
        with transaction.atomic():
            trial = Trial.objects.create(
                run=run, kind=TrialKind(kind), wanted=asked, by=who.user, by_name=who.user.get_username(), door=door
            )
    except IntegrityError as error:
        raise WrongState(say("A dry run of this run is under way: wait for what comes of it")) from error
    log.append(events.entry(run, "run.trial_ordered", by=who.user.actor, door=door, trial=str(trial.pk), trial_kind=kind, wanted=asked))
    waking.wake(waking.TRIAL, trial.pk)
    return trial


def _check_run(run: Run, wanted: Wanted) -> None:
    if not run.agent.project:
        raise WrongState(say("This run's graph goes on elsewhere: try it there"))
    if run.state in {RunState.RUNNING, RunState.CREATED}:
        raise WrongState(say("The run is moving: wait until it stands, or pause it"))
    if wanted.models != RECORDED and versions.halted(run):
        raise WrongState(say("This run is halted, and its models with it: a dry run uses recorded answers only until it is released"))


def _looked_at(run: Run, wanted: Wanted) -> dict[str, Any]:
    """The order as it is kept, checked as far as it can be without the project's code."""
    if wanted.checkpoint:
        history.checkpoint(run.thread, wanted.checkpoint)
    at = wanted.checkpoint or history.first(run.thread).id
    values = dict(wanted.values)
    if values:
        values, _ = overriding.changed(history.values(run.thread, at), values, begins=run.version.input_schema)
    if wanted.assume not in ASSUMED or wanted.models not in {RECORDED, NEW, ANEW}:
        raise BadInput(say("A dry run cannot be ordered so"), fields={"assume": say("approve, reject or nothing")})
    if (wanted.models == ANEW) != bool(wanted.model) or len(wanted.model) > MAX_MODEL or not wanted.model.isprintable():
        raise BadInput(say("Name the model that is to answer everything anew"), fields={"model": say("a name, with `anew` only")})
    check_declared(run.agent.current.tools if run.agent.current else [], wanted.tools)
    if wanted.policy:
        policies.version(wanted.policy)
    return {**asdict(wanted), "checkpoint": at, "values": values, "answers": _answers(run, wanted.answers)}


def _answers(run: Run, answers: Mapping[str, Any]) -> dict[str, Any]:
    asked = {str(action) for pause in Pause.objects.filter(run=run) for action in pause.actions}
    if lost := [action for action in answers if action not in asked]:
        raise BadInput(say("This run asked for no action %(id)s", id=lost[0][:60]), fields={"answers": say("not of this run")})
    try:
        canonical.dumps(dict(answers))
    except canonical.NotCanonical as error:
        raise BadInput(say("These answers cannot be kept: %(why)s", why=str(error)), fields={"answers": str(error)}) from error
    return dict(answers)


def wanted_trials(*, limit: int = 20) -> list[str]:
    """Those nobody works on: for the sweeper, while no other is worked on."""
    if Trial.objects.filter(ended_at=None, lease_until__gt=Now()).exists():
        return []
    late = Trial.objects.filter(UNTAKEN, ended_at=None, ordered_at__lte=Now() - timedelta(seconds=1))
    return [str(pk) for pk in late.order_by("ordered_at").values_list("pk", flat=True)[:limit]]
