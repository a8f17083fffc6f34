"""Stop orders: giving one, and what the claim asks. Lifting one is in `releasing`.

A claim holds the halt lock shared, an order takes it alone: when `halt` returns, every claim that came
before it is committed and visible, and every later one sees the order.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from approvals import permissions
from approvals.covering import covers_sql, let_go_sql
from approvals.errors import BadRequest, Conflict
from approvals.models import Action, Halt, User
from approvals.operations import entering
from approvals.operations.notices import Hint, tell
from audit import canonical, log
from audit.actors import Actor
from audit.log import Entry
from audit.sentences import cause, say

_LOCK = 4_711_001
HOLD_OFF = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"  # what `hold_off` does, for a connection that is not Django's
_COVERS = covers_sql("%(agent)s", "%(run)s", tool="%(tool)s", customer="%(customer)s", versions="%(agent_version)s, %(version)s")
_LET_GO = let_go_sql("%(agent)s", "%(run)s")
_COVERING = f"SELECT h.* FROM approvals_halt h WHERE h.released_at IS NULL AND {_COVERS} AND NOT {_LET_GO} ORDER BY h.id"  # noqa: S608
_VOIDED = f"""
SELECT EXISTS (SELECT 1 FROM approvals_halt h
WHERE {_COVERS} AND h.created_at > %(since)s AND (h.released_at IS NOT NULL OR {_LET_GO}))
"""  # noqa: S608  names of ours only
MAX_REASON = 2_000
MAX_TARGET = 200


@transaction.atomic
def halt(*, scope: str, target: str = "", reason: str, by: User, door: str) -> Halt:
    """Stop everything, an agent, a version of one, a tool, a customer's actions or a run. When this returns, no claim can succeed in that scope, and no call begins that was claimed before.

    Raises:
        NotAllowed: not an operator. BadRequest: unknown scope, no target, no reason.
        Conflict: this very scope is halted already.
    """
    who = permissions.standing(by)
    permissions.check_halt(who)
    reason = check_reason(reason)
    check_scope(scope, target)
    nobody_decides()
    order = place(scope=scope, target=target, reason=reason, by=who.user.actor, person=who.user, door=door)
    if order is None:
        raise Conflict(say("That is halted already; release it first"))
    entering.wait_for_those_on_their_way()
    return order


def check_scope(scope: str, target: str) -> None:
    """Raises BadRequest for what no order can be about."""
    if scope not in Halt.Scope.values:
        raise BadRequest(
            say("%(scope)s cannot be halted; choose everything, agent, version, tool, customer or run", scope=repr(scope[:40]))
        )
    if (scope == Halt.Scope.EVERYTHING) == bool(target):
        raise BadRequest(say("Say what to halt by its name; everything takes no name"))
    if len(target) > MAX_TARGET or not target.isprintable():
        raise BadRequest(say("That is not the name of anything that can be halted"))


def place(*, scope: str, target: str, reason: str, by: Actor, door: str, person: User | None = None, rule: str = "") -> Halt | None:
    """Write an order with its event, in the caller's transaction; None when this very scope is halted already, and that order stands."""
    try:
        with transaction.atomic():
            order = Halt.objects.create(scope=scope, target=target, reason=reason, by=person, by_name=by.name, door=door, rule=rule)
    except IntegrityError:
        return None
    more = {"rule": rule} if rule else {}
    log.append(entry(order, "halt.ordered", by, door, reason, **more))
    tell(Hint("halts", "halt", str(order.pk), "halt.ordered"))
    return order


def voided(action: Action, version: str = "", *, since: datetime | None = None) -> bool:
    """Whether the approval was given before a halt that covered it; it does not survive that it may go on. `version` as in `covering`. `since`: of leave that was given then."""
    with connection.cursor() as cursor:
        cursor.execute(_VOIDED, {**_of(action, version), "since": since or action.resolved_at})
        found: bool = cursor.fetchone()[0]
    return found


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


def covering(action: Action, version: str = "") -> list[Halt]:
    """Active orders that stop this action, widest first.

    Args:
        version: of the agent that would act, beside the one that asked.
    """
    return list(Halt.objects.raw(_COVERING, _of(action, version)))


def _of(action: Action, version: str) -> dict[str, str]:
    named = {name: getattr(action, name) for name in ("agent", "run", "tool", "customer", "agent_version")}
    return {**named, "version": version}


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


def entry(order: Halt, kind: str, by: Actor, door: str, reason: str, **more: Any) -> Entry:
    """What the log says of an order or of its release."""
    return Entry(
        stream="halt",
        kind=kind,
        by=by,
        door=door,
        agent=order.target if order.scope == Halt.Scope.AGENT else "",
        run=order.target if order.scope == Halt.Scope.RUN else "",
        data={"halt": order.pk, "scope": str(order.scope), "target": order.target, "reason": reason, **more},
    )


def _lock(*, shared: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(%s)", [_LOCK])
