"""An operator gives the result of a call that waits, instead of the call being made: the call is superseded, and the graph gets the result.

One transaction ends the action, settles it with that result and readies the run, so that a claim either came before (and this is refused)
or never comes. Where the policy asks two people for the call, two operators give the same result. Locks: action, effect, run.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agents import history, kept
from agents.errors import BadInput, WrongState
from agents.models import Override, Run
from agents.operations import events, overriding
from agents.operations.found import as_uuid
from agents.states import SECOND_WITHIN, OverrideKind, OverrideState
from approvals import permissions
from approvals.errors import AlreadyDecided, NotFound
from approvals.models.people import User
from approvals.operations import drills, settling
from approvals.operations.halts import check_reason
from approvals.operations.settling import Answerable
from approvals.permissions import MAY_HALT, Standing
from audit import canonical, log
from audit.sentences import say

MAX_RESULT = 200_000  # bytes; what a tool gives back is shown to people and read by a model


def answer_for(action_id: Any, result: Any, *, seen_digest: str, reason: str, by: User, door: str) -> Override:
    """Give the result. ASKED while a second operator has to give the same; DONE when the graph gets it.

    Args:
        result: a JSON object, as a tool gives one back.
        seen_digest: the digest of the call as the operator saw it.

    Raises:
        NotAllowed, BadRequest, BadInput, NotFound. Stale: the call was changed. AlreadyDecided: it has begun, or is over.
        WrongState: this person has given it already, and another has to confirm it.
    """
    given = _answer(action_id, result, seen_digest=seen_digest, reason=reason, by=by, door=door)
    if given is None:  # its ending is kept: nothing above may undo it
        raise AlreadyDecided(drills.OVER)
    return given


@transaction.atomic
def _answer(action_id: Any, result: Any, *, seen_digest: str, reason: str, by: User, door: str) -> Override | None:
    who = permissions.standing(by)
    permissions.check_override(who)
    reason = check_reason(reason)
    result = check_result(result)
    known = as_uuid(action_id)
    if known is None:
        raise NotFound(say("There is no such action; it may belong to another installation"))
    found = settling.answerable(known, seen_digest=seen_digest, by=who.user.actor, door=door)
    if found.test:
        return None
    first = _first(found, result, who) if found.two else None
    if found.two and first is None:
        return _ask(found, result, reason, who, door)
    return _give(found, result, reason, first, who, door)


def check_result(result: Any) -> dict[str, Any]:
    """What a tool could have given back. Raises BadInput."""
    if not isinstance(result, Mapping):
        raise BadInput(say("The result has to be a JSON object, as a tool gives it back"), fields={"result": say("an object")})
    try:
        size = len(canonical.dumps(dict(result)))
    except canonical.NotCanonical as error:
        raise BadInput(say("The result cannot be kept: %(why)s", why=str(error)), fields={"result": str(error)}) from error
    if size > MAX_RESULT:
        raise BadInput(say("The result has %(n)d bytes; at most %(most)d are kept", n=size, most=MAX_RESULT), fields={"result": ""})
    return dict(result)


def _values(found: Answerable, result: Mapping[str, Any]) -> dict[str, Any]:
    return {"action": str(found.action.pk), "digest": found.action.digest, "result": dict(result)}


def _first(found: Answerable, result: Mapping[str, Any], who: Standing) -> Override | None:
    """The same result, given by another operator who still is one, within the hour."""
    able = User.objects.filter(is_active=True, groups__name__in=MAY_HALT)
    asked = Override.objects.filter(
        run=UUID(found.action.run), kind=OverrideKind.ANSWER, state=OverrideState.ASKED, created_at__gt=Now() - SECOND_WITHIN, by__in=able
    ).distinct()
    wanted = canonical.dumps(_values(found, result))
    same = [one for one in asked.select_related("by").order_by("pk") if canonical.dumps(one.values) == wanted]
    if any(one.by.person == who.person for one in same):
        raise WrongState(say("You have given this already; another operator has to give the same"))
    return same[0] if same else None


def _ask(found: Answerable, result: Mapping[str, Any], reason: str, who: Standing, door: str) -> Override:
    """Nothing changes before a second operator gives the same; people may still decide meanwhile."""
    run = Run.objects.select_for_update().get(pk=found.action.run)
    order = _written(run, found, result, reason, who, door, OverrideState.ASKED)
    log.append(
        events.entry(run, "run.answer_asked", by=who.user.actor, door=door, order=order.pk, tool=order.node, reason=reason, **order.values)
    )
    events.tell_run(run, "run.override_asked")
    return order


def _give(found: Answerable, result: Mapping[str, Any], reason: str, first: Override | None, who: Standing, door: str) -> Override:
    people = [*([first.by_name] if first else []), who.user.get_username()]
    second = {"confirmed_why": reason} if first else {}
    reason = first.reason if first else reason
    settling.answer_for(found, result, reason=reason, people=people, by=who.user.actor, door=door)
    run = Run.objects.select_for_update().get(pk=found.action.run)  # after the action and its effect: the one order of locks
    if first:
        mine = Override.objects.filter(pk=first.pk)
        mine.update(state=OverrideState.ORDERED, confirmed_by_name=who.user.get_username(), confirmed_why=second["confirmed_why"])
        mine.update(state=OverrideState.DONE, closed_at=Now())
        first.refresh_from_db()
    order = first or _written(run, found, result, reason, who, door, OverrideState.DONE)
    others = Q(kind=OverrideKind.ANSWER, state=OverrideState.ASKED, values__action=str(found.action.pk))
    overriding.drop(run, why=kept.GIVEN_OTHERWISE(), by=who.user.actor, door=door, those=others)
    log.append(
        events.entry(
            run, "run.answered_for", by=who.user.actor, door=door, order=order.pk, tool=order.node, people=people, reason=reason,
            **second, **order.values,
        )
    )  # fmt: skip
    return order


def _written(
    run: Run, found: Answerable, result: Mapping[str, Any], reason: str, who: Standing, door: str, state: OverrideState
) -> Override:
    head = history.head(run.thread) if run.agent.project else ""
    return Override.objects.create(
        run=run, kind=OverrideKind.ANSWER, state=state, checkpoint=head, head=head, node=found.action.tool, values=_values(found, result),
        reason=reason, by=who.user, by_name=who.user.get_username(), door=door,
        closed_at=None if state == OverrideState.ASKED else Now(),
    )  # fmt: skip
