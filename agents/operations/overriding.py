"""An operator changes what a run does next: other values in its state, an earlier checkpoint once more, or a node taken as done.

One transaction orders it and ends everything that was asked from where the run stands: actions are SUPERSEDED and pauses with them, before
any worker moves the graph (`forking`). What has been done stays done and is named in the record; a call that has begun, or whose outcome
nobody knows, comes first. Locks: actions, then the run. Needs only the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from agents import history, kept, queries
from agents.errors import BadInput, Moved, WrongState
from agents.models import Effect, Override, Pause, Run
from agents.operations import events, owing, waking
from agents.operations.found import as_uuid, locked_run
from agents.operations.unheard import say_unheard
from agents.states import SECOND_WITHIN, UNFINISHED, EffectState, Hold, OverrideKind, OverrideState, PauseState, RunState, word
from approvals import operations as approvals
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations.halts import check_reason
from approvals.permissions import MAY_HALT, Standing
from approvals.states import ActionState
from audit import canonical, log, schemas
from audit.actors import Actor
from audit.sentences import say

KINDS: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float)}


@dataclass(frozen=True)
class Wanted:
    """What is to be changed. `head`: the newest checkpoint as the operator saw it; `stay`: pause there."""

    kind: str
    head: str
    checkpoint: str = ""
    node: str = ""
    values: Mapping[str, Any] | None = None
    stay: bool = False


@transaction.atomic
def override(run_id: Any, wanted: Wanted, *, reason: str, by: User, door: str) -> Override:
    """Order it. It is carried out by the worker that takes the run next; a skip first waits for a second person, when there is one.

    Raises:
        NotAllowed, BadRequest, UnknownRun, UnknownCheckpoint. Moved: the run has gone on since it was looked at.
        WrongState: it moves, has ended, goes on elsewhere, waits for another order, or has a call whose outcome is not known.
        BadInput: values that are not there, of another type, or not other values.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    reason = check_reason(reason)
    known = as_uuid(run_id)
    asked = _open(known) if known else []
    approvals.lock([UUID(action) for pause in asked for action in pause.actions])
    run = locked_run(run_id)
    _check_stands(run, wanted.head)
    if [pause.pk for pause in _open(run.pk)] != [pause.pk for pause in asked]:
        raise Moved(say("The run has gone on while you were looking at it: look again"))
    owing.check_not_ordered(run)
    _check_calls(run)
    order = _confirmed(run, wanted, who, reason, door) if wanted.kind == OverrideKind.SKIP else _written(run, wanted, who, reason, door)
    if order.state == OverrideState.ORDERED:
        _go(run, order, asked, who, door)
    return order


def editors_of(run: Run, parents: Sequence[Run] = ()) -> frozenset[str]:
    """The persons who put values of their own into this run: what it proposes afterwards is theirs as well, and they do not approve it.

    Going back to a checkpoint puts nothing in; nor does it take out what the state had been given before. A fork's state is of its parents,
    with what was put into those.
    """
    changed = Override.objects.filter(
        Q(kind__in=[OverrideKind.EDIT, OverrideKind.SKIP, OverrideKind.ANSWER]) | Q(kind=OverrideKind.FORK) & ~Q(values={}),
        run__in=[run, *parents],
        state__in=[OverrideState.ORDERED, OverrideState.DONE],
    )
    names = {name for pair in changed.values_list("by_name", "confirmed_by_name") for name in pair if name}
    return frozenset(User.objects.filter(username__in=names).values_list("person", flat=True)) if names else frozenset()


def drop(run: Run, *, why: str, by: Actor, door: str, those: Q | None = None) -> None:
    """What was asked or ordered of it (all, or those) is carried out no more. The caller holds the run's row."""
    unfinished = Override.objects.filter(those or Q(), run=run, state__in=[OverrideState.ASKED, OverrideState.ORDERED])
    for order in unfinished.order_by("pk"):
        Override.objects.filter(pk=order.pk, state=order.state).update(state=OverrideState.DROPPED, closed_at=Now())
        said = {"order": order.pk, "what": order.kind, "node": order.node, "was": order.state, "of": order.by_name, "why": why}
        log.append(events.entry(run, "run.override_dropped", by=by, door=door, **said))


def _open(run_id: UUID) -> list[Pause]:
    return list(Pause.objects.filter(run=run_id, state=PauseState.OPEN).order_by("pk"))


def _check_stands(run: Run, head: str) -> None:
    """The run stands still, here, where the operator saw it. Raises WrongState, Moved."""
    if not run.agent.project:
        raise WrongState(say("This run's graph goes on elsewhere, and its state with it: change it there"))
    if run.state not in {*UNFINISHED, RunState.FAILED}:
        raise WrongState(say("The run has ended: %(state)s. What it did cannot be changed any more", state=word(run.state)))
    if run.state == RunState.RUNNING:
        raise WrongState(say("The run is moving: pause it first"))
    if run.to_change:
        raise WrongState(say("Another order waits to be carried out on this run; look again in a moment"))
    if not (newest := history.head(run.thread)):
        raise WrongState(say("The run has no checkpoint yet: there is nothing to change"))
    if head != newest:
        raise Moved(say("The run has gone on since you looked at it: look again, and decide anew"))


def _check_calls(run: Run) -> None:
    """Raises WrongState while a call is under way, or nobody knows what became of one."""
    for effect in Effect.objects.filter(run=run, state__in=[EffectState.CLAIMED, EffectState.UNKNOWN]):
        if effect.state == EffectState.UNKNOWN:
            raise WrongState(say("Nobody knows whether %(tool)s was done: look, and say so on this page first", tool=effect.tool))
        raise WrongState(say("%(tool)s has begun and cannot be taken back: wait for its outcome", tool=effect.tool))


def _written(run: Run, wanted: Wanted, who: Standing, reason: str, door: str, state: OverrideState = OverrideState.ORDERED) -> Override:
    """The order, looked at and written down."""
    start = wanted.checkpoint or wanted.head
    values: dict[str, Any] = dict(wanted.values or {})
    before: dict[str, Any] = {}
    if wanted.kind == OverrideKind.REWIND:
        if not history.checkpoint(run.thread, start).next:
            raise WrongState(say("Nothing comes after that checkpoint: go back to an earlier one"))
        values = {}
    elif wanted.kind == OverrideKind.EDIT:
        start = wanted.head
        values, before = changed(history.values(run.thread, start), values, begins=run.version.input_schema)
    elif wanted.kind == OverrideKind.SKIP:
        start = wanted.head
        _check_skip(run, wanted.node, values, history.values(run.thread, start))
    else:
        raise BadInput(say("There is no such order"), fields={"kind": say("edit, rewind or skip")})
    check_nodes(run.agent_id, history.checkpoint(run.thread, start).next)
    return Override.objects.create(
        run=run, kind=wanted.kind, state=state, checkpoint=start, head=wanted.head,
        node=wanted.node if wanted.kind == OverrideKind.SKIP else "", values=values, before=before, stay=wanted.stay,
        reason=reason, by=who.user, by_name=who.user.get_username(), door=door,
    )  # fmt: skip


def check_nodes(agent: str, nodes: Sequence[str]) -> None:
    """Raises WrongState where the graph lacks a node by now that is to run: LangGraph would leave it out, and call the rest the end."""
    if gone := queries.gone_nodes(agent, nodes):
        raise WrongState(
            say("The graph does not have %(nodes)s any more: go back to a checkpoint before it, or put it back", nodes=", ".join(gone))
        )


def changed(state: Mapping[str, Any], values: Mapping[str, Any], *, begins: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those that differ, and what they were. `begins`: the schema of what a run of this agent begins with. Raises BadInput, naming fields."""
    plain, wrong = history.editable(state), {}
    for name, value in values.items():
        if name not in plain:
            wrong[name] = say("holds objects of the agent's own code") if name in state else say("is not in the state")
        elif _type(value) != _type(plain[name]) and plain[name] is not None:
            wrong[name] = say("was %(old)s and would be %(new)s", old=_type(plain[name]), new=_type(value))
        elif name == "input" and not schemas.why_not(begins, plain[name]) and (why := schemas.why_not(begins, value)):
            wrong[name] = say("is not what a run begins with any more (%(why)s)", why=why)
    if wrong:
        name, why = next(iter(wrong.items()))
        raise BadInput(say("The state cannot be changed so: %(name)s %(why)s", name=name, why=why), fields=wrong)
    _check_values(values)
    changed = {name: value for name, value in values.items() if canonical.dumps(value) != canonical.dumps(canonical.storable(plain[name]))}
    if not changed:
        raise BadInput(say("These are the values it has: nothing would change"), fields={})
    return changed, {name: canonical.storable(plain[name]) for name in changed}


def same_values(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two orders write the same: true is not 1, whatever Python says."""
    try:
        return canonical.dumps(dict(one)) == canonical.dumps(dict(other))
    except canonical.NotCanonical:
        return False


def _check_values(values: Mapping[str, Any]) -> None:
    try:
        canonical.dumps(dict(values))
    except canonical.NotCanonical as error:
        raise BadInput(say("These values cannot be kept: %(why)s", why=str(error)), fields={}) from error


def _type(value: Any) -> str:
    return next((name for name, kind in KINDS.items() if isinstance(value, kind)), "null")


def _check_skip(run: Run, node: str, values: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """What the node would have written: the graph adds it to lists in its own way, but of a plain value or an object the next is of the same type."""
    if not node:
        raise BadInput(say("Say which node is skipped"), fields={"node": say("missing")})
    following, begins = history.checkpoint(run.thread, history.head(run.thread)).next, run.version.input_schema
    if following != (node,) or node.startswith("__"):
        raise WrongState(
            say("Only the one node that comes next can be skipped; next is %(nodes)s", nodes=", ".join(following) or say("nothing"))
        )
    _check_values(values)
    wrong = {
        name: say("is %(old)s and would be %(new)s", old=_type(was), new=_type(value))
        for name, value in values.items()
        if isinstance(was := state.get(name), str | bool | int | float | Mapping) and value is not None and _type(value) != _type(was)
    }
    if "input" in values and not schemas.why_not(begins, state.get("input")) and (why := schemas.why_not(begins, values["input"])):
        wrong["input"] = say("is not what a run begins with any more (%(why)s)", why=why)
    if wrong:
        name, why = next(iter(wrong.items()))
        raise BadInput(say("A node cannot have written this: %(name)s %(why)s", name=name, why=why), fields=wrong)


def _confirmed(run: Run, wanted: Wanted, who: Standing, reason: str, door: str) -> Override:
    """A skip takes two people: the second's order for the same thing is what counts. Alone, when nobody else could confirm it."""
    elsewhere = Q(kind=wanted.kind, state=OverrideState.ASKED) & ~Q(head=wanted.head)
    drop(run, why=kept.MOVED_SINCE(), by=who.user.actor, door=door, those=elsewhere)
    waiting = Override.objects.filter(
        run=run, state=OverrideState.ASKED, kind=wanted.kind, node=wanted.node, created_at__gt=Now() - SECOND_WITHIN
    )
    able = User.objects.filter(is_active=True, groups__name__in=MAY_HALT)
    alike = waiting.filter(by__in=able, stay=wanted.stay).select_related("by")
    same = [one for one in alike if same_values(one.values, wanted.values or {})]
    if any(one.by.person == who.person for one in same):
        raise WrongState(say("You have asked for this already; another operator has to confirm it"))
    if same:
        name = who.user.get_username()
        Override.objects.filter(pk=same[0].pk, state=OverrideState.ASKED).update(
            state=OverrideState.ORDERED, confirmed_by_name=name, confirmed_why=reason
        )
        same[0].refresh_from_db()
        return same[0]
    alone = not permissions.others_may_halt(who)
    order = _written(run, wanted, who, reason, door, OverrideState.ORDERED if alone else OverrideState.ASKED)
    if not alone:
        log.append(
            events.entry(
                run,
                "run.override_asked",
                by=who.user.actor,
                door=door,
                order=order.pk,
                node=order.node,
                values=order.values,
                stay=order.stay,
                reason=reason,
            )
        )
        events.tell_run(run, "run.override_asked")
    return order


def _go(run: Run, order: Override, asked: Sequence[Pause], who: Standing, door: str) -> None:
    """The order counts: the run is readied for it, and what it asked is superseded, all in this transaction."""
    state = run.state if run.state == RunState.HALTED else RunState.READY
    held = {"hold": Hold.PAUSE, "held_by": who.user.get_username(), "held_why": order.reason} if order.stay else {}
    done = queries.done_since(run.pk, history.checkpoint(run.thread, order.checkpoint).at)
    # First, so that the last of its questions to close does not let it go on as it was.
    Run.objects.filter(pk=run.pk, fence=run.fence).update(
        state=state, fence=F("fence") + 1, to_change=True, attempts=0, error="", finished_at=None, changed_at=Now(), **held
    )
    run.state, run.fence = state, run.fence + 1
    superseded = _supersede(run, asked, who, door)
    log.append(
        events.entry(
            run, "run.override_ordered", by=who.user.actor, door=door, order=order.pk, what=order.kind, checkpoint=order.checkpoint,
            head=order.head, node=order.node, before=order.before, values=order.values, stay=order.stay, reason=order.reason,
            **({"confirmed_why": order.confirmed_why} if order.confirmed_why else {}),
            people=[order.by_name, *([order.confirmed_by_name] if order.confirmed_by_name else [])],
            superseded=superseded, stays_done=[{"action": effect.action_id, "tool": effect.tool} for effect in done],
        )
    )  # fmt: skip
    events.tell_run(run, "run.ready")
    waking.wake(waking.RUN, run.pk)


def _supersede(run: Run, asked: Sequence[Pause], who: Standing, door: str) -> list[str]:
    """End what was asked from where the run stands. Raises WrongState when one of it has begun after all."""
    ended = []
    say_unheard(run, asked, reason=kept.OVERRIDDEN())
    for pause in asked:
        settled = approvals_queries.settled(pause.actions)
        for action in pause.actions:
            if action in settled:
                continue
            if not approvals.close(UUID(action), ActionState.SUPERSEDED, reason=kept.OVERRIDDEN(), by=who.user.actor, door=door):
                raise WrongState(say("A call of this run has just begun and cannot be taken back: wait for its outcome"))
            ended.append(action)
        Pause.objects.filter(pk=pause.pk, state=PauseState.OPEN).update(state=PauseState.SUPERSEDED, closed_at=Now())
        log.append(events.entry(run, "pause.superseded", by=who.user.actor, door=door, node=pause.node, interrupt=pause.interrupt_id))
    return ended
