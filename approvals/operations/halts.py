"""Stop orders: giving one, lifting one, and what the claim asks.

A claim holds the halt lock shared, an order takes it alone: when `halt` returns, every claim that came
before it is committed and visible, and every later one sees the order.
"""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotFound, Tampered
from approvals.models import Action, Halt, User
from approvals.operations import drills, kept
from approvals.operations.notices import Hint, tell
from approvals.operations.reopening import reopen
from approvals.states import ActionState
from audit import canonical, log
from audit.log import Entry
from audit.sentences import cause, say

_LOCK = 4_711_001
HOLD_OFF = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"  # what `hold_off` does, for a connection that is not Django's
MAX_REASON = 2_000
MAX_TARGET = 200


@transaction.atomic
def halt(*, scope: str, target: str = "", reason: str, by: User, door: str) -> Halt:
    """Stop everything, one agent or one run. When this returns, no new claim can succeed in that scope.

    Raises:
        NotAllowed: not an operator. BadRequest: unknown scope, no target, no reason.
        Conflict: this very scope is halted already.
    """
    who = permissions.standing(by)
    permissions.check_halt(who)
    reason = check_reason(reason)
    if scope not in Halt.Scope.values:
        raise BadRequest(say("%(scope)s cannot be halted; choose everything, agent or run", scope=repr(scope[:40])))
    if (scope == Halt.Scope.EVERYTHING) == bool(target):
        raise BadRequest(say("Say which agent or run to halt; everything takes no name"))
    if len(target) > MAX_TARGET or not target.isprintable():
        raise BadRequest(say("That is not the name of an agent or a run"))
    _lock(shared=False)
    try:
        with transaction.atomic():
            order = Halt.objects.create(scope=scope, target=target, reason=reason, by=who.user, by_name=who.user.get_username(), door=door)
    except IntegrityError as error:
        raise Conflict(say("That is halted already; release it first")) from error
    log.append(_entry(order, "halt.ordered", who.user, door, reason))
    tell(Hint("halts", "halt", str(order.pk), "halt.ordered"))
    return order


def release(halt_id: Any, *, reason: str, by: User, door: str) -> Halt:
    """Lift an order. Approvals given before it and not yet used go back to the people as a new version.

    The order is lifted in one transaction; approvals are reopened one by one after it, without holding claims
    up: the claim refuses (and reopens) whatever was approved before a halt, whether we got to it or not.

    Raises:
        NotAllowed, BadRequest: not an operator, no reason. NotFound, Conflict: no such order, lifted already.
    """
    order = _lift(halt_id, reason=reason, by=by, door=door)
    for action_id in _approved_under(order):
        _reopen(action_id, ActionState.APPROVED, kept.BEFORE_A_HALT(), by, door)
    return order


@transaction.atomic
def _lift(halt_id: Any, *, reason: str, by: User, door: str) -> Halt:
    who = permissions.standing(by)
    permissions.check_halt(who)
    reason = check_reason(reason)
    _lock(shared=False)
    order = Halt.objects.select_for_update().filter(pk=int(halt_id)).first() if str(halt_id).isdecimal() else None
    if order is None:
        raise NotFound(say("There is no such halt"))
    if order.released_at:
        raise Conflict(say("Released already by %(released_by_name)s", released_by_name=order.released_by_name))
    Halt.objects.filter(pk=order.pk, released_at=None).update(
        released_at=Now(), released_by_name=who.user.get_username(), release_reason=reason
    )
    log.append(_entry(order, "halt.released", who.user, door, reason))
    tell(Hint("halts", "halt", str(order.pk), "halt.released"))
    # What ran out of time while nobody could decide gets its time again, before the sweeper sees it uncovered.
    for action_id in list(
        _under(order).filter(state=ActionState.PENDING, expires_at__lte=Now()).order_by("pk").values_list("pk", flat=True)
    ):
        _reopen(action_id, ActionState.PENDING, kept.RAN_OUT_IN_HALT(), who.user, door)
    order.refresh_from_db()
    return order


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


def voided(action: Action) -> bool:
    """Whether the approval was given before a halt that covered the action; it does not survive the release."""
    return Halt.objects.filter(covers(action.agent, action.run), created_at__gt=action.resolved_at, released_at__isnull=False).exists()


def hold_off() -> None:
    """Take the halt lock shared until the transaction ends: an order given meanwhile waits for us."""
    _lock(shared=True)


def nobody_decides() -> None:
    """Take the lock alone until the transaction ends: whoever decides or claims meanwhile waits, and reads what we wrote."""
    _lock(shared=False)


def not_changing() -> bool:
    """Hold orders off as `hold_off` does, without waiting: False while one is being given or lifted.

    For whoever holds locks already: they must not wait for an order that may wait for them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [_LOCK])
        free: bool = cursor.fetchone()[0]
    return free


def active_for(agent: str | OuterRef, run: str | OuterRef) -> Q:
    """The orders that stop this agent and run."""
    return Q(released_at=None) & covers(agent, run)


def covers(agent: str | OuterRef, run: str | OuterRef) -> Q:
    """The orders, active or not, whose scope this agent and run are in."""
    return Q(scope=Halt.Scope.EVERYTHING) | Q(scope=Halt.Scope.AGENT, target=agent) | Q(scope=Halt.Scope.RUN, target=run)


def covering(action: Action) -> list[Halt]:
    """Active orders that stop this action, widest first."""
    return list(Halt.objects.filter(active_for(action.agent, action.run)).order_by("pk"))


def check_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadRequest(say("Say why; the reason is shown on every page and kept in the audit log"))
    if len(reason) > MAX_REASON:
        raise BadRequest(say("The reason has %(n)d characters; at most %(max_reason)d are kept", n=len(reason), max_reason=MAX_REASON))
    try:
        canonical.dumps(reason)
    except canonical.NotCanonical as error:
        raise BadRequest(say("The reason cannot be kept: %(why)s", why=cause(error))) from error
    return reason


def _approved_under(order: Halt) -> list[UUID]:
    waiting = _under(order).filter(state=ActionState.APPROVED, claimed_at=None, settled_at=None, resolved_at__lt=order.created_at)
    return list(waiting.filter(kind=Action.Kind.TOOL).order_by("pk").values_list("pk", flat=True))


def _under(order: Halt) -> QuerySet[Action]:
    if order.scope == Halt.Scope.AGENT:
        return Action.objects.filter(agent=order.target)
    return Action.objects.filter(run=order.target) if order.scope == Halt.Scope.RUN else Action.objects.all()


def _entry(order: Halt, kind: str, user: User, door: str, reason: str) -> Entry:
    return Entry(
        stream="halt",
        kind=kind,
        by=user.actor,
        door=door,
        agent=order.target if order.scope == Halt.Scope.AGENT else "",
        run=order.target if order.scope == Halt.Scope.RUN else "",
        data={"halt": order.pk, "scope": str(order.scope), "target": order.target, "reason": reason},
    )


def _lock(*, shared: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(%s)", [_LOCK])
