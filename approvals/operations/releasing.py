"""Lifting a stop order: all of it, or step by step, a run or an agent first while the order stands for the rest.

What lets everything go on, or a whole agent under an order for everything, needs two people: the first asks, another one confirms by asking
for the same. Approvals given before the order do not survive any of it.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotFound, Stale, Tampered
from approvals.models import Action, Halt, Release, User
from approvals.operations import drills, halts, kept
from approvals.operations.notices import Hint, tell
from approvals.operations.reopening import reopen
from approvals.permissions import Standing
from approvals.queries.stops import COLUMN, asked_for
from approvals.states import ActionState
from audit import log
from audit.sentences import say

ALL = Release.Scope.ALL


@dataclass(frozen=True)
class Released:
    """What came of it. `waits`: nothing yet; a second person has to ask for the same within an hour."""

    order: Halt
    step: Release
    waits: bool


def release(halt_id: Any, *, scope: str = "all", target: str = "", reason: str, by: User, door: str, seen: int | None = None) -> Released:
    """Let go on what an order stops: "all" of it, an "agent" or a "run". Approvals given before it and not yet used go back to the people.

    It counts in one transaction; approvals are reopened one by one after it, without holding claims
    up: the claim refuses (and reopens) whatever was approved before a halt, whether we got to it or not.

    Args:
        seen: the asking by somebody else (`Wanted.id`) that the one who gives this has read, 0 for none; None: they confirm whatever there is.

    Raises:
        NotAllowed, BadRequest: not an operator, no reason, or what is named is not under this order.
        NotFound, Conflict: no such order, lifted already, let go already, or asked for already by the same person.
        Stale: somebody has asked for it since it was read, or what was asked counts no more.
    """
    done = _step(halt_id, scope, target, reason=reason, by=by, door=door, seen=seen)
    if not done.waits:
        for action_id in _approved_before(done):
            _reopen(action_id, ActionState.APPROVED, kept.BEFORE_A_HALT(), by, door)
    return done


@transaction.atomic
def _step(halt_id: Any, scope: str, target: str, *, reason: str, by: User, door: str, seen: int | None) -> Released:
    who = permissions.standing(by)
    permissions.check_halt(who)
    reason = halts.check_reason(reason)
    halts.nobody_decides()
    order = Halt.objects.select_for_update().filter(pk=int(halt_id)).first() if str(halt_id).isdecimal() else None
    if order is None:
        raise NotFound(say("There is no such halt"))
    if order.released_at:
        raise Conflict(say("Released already by %(released_by_name)s", released_by_name=order.released_by_name))
    _check_step(order, scope, target)
    asked = asked_for().filter(halt=order, scope=scope, target=target).select_related("by").order_by("-pk").first()
    if asked is not None and asked.by.person == who.person:
        raise Conflict(say("You have asked for this already; somebody else who may release has to confirm it"))
    _check_seen(asked, seen)
    if asked is None:
        asked = Release.objects.create(
            halt=order, scope=scope, target=target, reason=reason, by=who.user, by_name=who.user.get_username(), door=door, asked_at=Now()
        )
        if needs_two(order, scope) and permissions.others_may_halt(who):
            return _waits(order, asked, who, door)
    return _goes_on(order, asked, who, reason, door)


def needs_two(order: Halt, scope: str) -> bool:
    """Whether one person alone cannot let this go on; a single run is for trying whether it is safe, and takes one."""
    return order.scope == Halt.Scope.EVERYTHING and scope in {ALL, Release.Scope.AGENT}


def _check_step(order: Halt, scope: str, target: str) -> None:
    if scope not in Release.Scope.values or (scope == ALL) == bool(target):
        raise BadRequest(say("Release all of it, or one agent or run by its name"))
    if len(target) > halts.MAX_TARGET or not target.isprintable():
        raise BadRequest(say("That is not the name of an agent or a run"))
    if scope == Release.Scope.AGENT and order.scope not in {Halt.Scope.EVERYTHING, Halt.Scope.TOOL, Halt.Scope.CUSTOMER}:
        raise BadRequest(say("This order stops no other agents: release a run of it, or all"))
    if scope == Release.Scope.RUN and order.scope == Halt.Scope.RUN:
        raise BadRequest(say("This order stops one run only: release all of it"))
    if Release.objects.filter(halt=order, scope=scope, target=target, confirmed_at__isnull=False).exists():
        raise Conflict(say("That goes on already"))


def _check_seen(asked: Release | None, seen: int | None) -> None:
    """Nobody confirms what they have not read: two who ask at one moment are not two people who agree."""
    if seen is None or seen == (asked.pk if asked else 0):
        return
    if asked is None:
        raise Stale(say("What was asked for counts no more (after an hour, or without whoever asked): nothing goes on, look at it again"))
    raise Stale(say("%(who)s has asked for this meanwhile: nothing goes on yet, look at why and confirm it", who=asked.by_name))


def _waits(order: Halt, asked: Release, who: Standing, door: str) -> Released:
    log.append(halts.entry(order, "halt.release_asked", who.user.actor, door, asked.reason, lets_go=asked.scope, name=asked.target))
    tell(Hint("halts", "halt", str(order.pk), "halt.release_asked"))
    return Released(order, asked, waits=True)


def _goes_on(order: Halt, asked: Release, who: Standing, reason: str, door: str) -> Released:
    name = who.user.get_username()
    Release.objects.filter(pk=asked.pk, confirmed_at=None).update(confirmed_at=Now(), confirmed_by=who.user, confirmed_by_name=name)
    names = list(dict.fromkeys([asked.by_name, name]))
    more = {"people": names} if len(names) > 1 else {}
    if asked.scope == ALL:
        Halt.objects.filter(pk=order.pk, released_at=None).update(
            released_at=Now(), released_by_name=", ".join(names), release_reason=reason
        )
        log.append(halts.entry(order, "halt.released", who.user.actor, door, reason, **more))
        tell(Hint("halts", "halt", str(order.pk), "halt.released"))
    else:
        log.append(halts.entry(order, "halt.let_go", who.user.actor, door, reason, lets_go=asked.scope, name=asked.target, **more))
        tell(Hint("halts", "halt", str(order.pk), "halt.let_go"))
    # What ran out of time while nobody could decide gets its time again, before the sweeper sees it uncovered.
    late = _under(order, asked).filter(state=ActionState.PENDING, expires_at__lte=Now())
    for action_id in list(late.order_by("pk").values_list("pk", flat=True)):
        _reopen(action_id, ActionState.PENDING, kept.RAN_OUT_IN_HALT(), who.user, door)
    order.refresh_from_db()
    asked.refresh_from_db()
    return Released(order, asked, waits=False)


@transaction.atomic
def _reopen(action_id: UUID, state: ActionState, why: str, by: User, door: str) -> None:
    """Ask one action again, if it still is as it was listed. A tampered one stays: the claim will refuse it and say so."""
    action = Action.objects.select_for_update().filter(pk=action_id, state=state, claimed_at=None, settled_at=None).first()
    if action is None:
        return
    if action.drill:  # there is nothing to ask again: the halt took its time
        drills.run_out(action, ActionState.CANCELLED, by=by.actor, door=door)
        return
    try:
        reopen(action, why=why, by=by.actor, door=door)
    except Tampered:
        return


def _approved_before(done: Released) -> list[UUID]:
    order = done.order
    waiting = _under(order, done.step).filter(
        state=ActionState.APPROVED, claimed_at=None, settled_at=None, resolved_at__lt=order.created_at
    )
    return list(waiting.filter(kind=Action.Kind.TOOL).order_by("pk").values_list("pk", flat=True))


def _under(order: Halt, step: Release) -> QuerySet[Action]:
    """What the order covers, of what goes on."""
    covered = Q() if order.scope == Halt.Scope.EVERYTHING else Q(**{COLUMN[order.scope]: order.target})
    narrower = Q() if step.scope == ALL else Q(**{COLUMN[step.scope]: step.target})
    return Action.objects.filter(covered & narrower)
