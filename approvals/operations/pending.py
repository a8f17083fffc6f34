"""The action a person acts on: its row locked, and still waiting, in nobody's way and as they were shown it. Called under every write about one
action; writes nothing.
"""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from approvals import envelopes
from approvals.covering import stopped_sql
from approvals.doors import DOORS
from approvals.errors import AlreadyDecided, Checking, Expired, Halted, NotFound, Stale, Tampered
from approvals.models import Action, Requirement
from approvals.operations import drills
from approvals.operations.halts import covering
from approvals.queries.stops import undecidable
from approvals.states import ActionState, word
from audit import rows
from audit.actors import spoken
from audit.sentences import say

_LOCKED = f"""
SELECT {rows.columns(Action, "a")}, {rows.columns(Requirement, "r")}
FROM approvals_action a LEFT JOIN approvals_requirement r ON r.action_id = a.id AND r.version = a.version
WHERE a.id = %s FOR UPDATE OF a
"""  # noqa: S608  names of ours only
_REQUIREMENT = "SELECT * FROM approvals_requirement WHERE action_id = %s AND version = %s"
_STANDING = f"""
SELECT clock_timestamp(), {stopped_sql("%(agent)s", "%(run)s", tool="%(tool)s", customer="%(customer)s", versions="%(agent_version)s")},
    EXISTS (SELECT 1 FROM approvals_edit WHERE action_id = %(id)s AND state = 'WANTED')
"""  # noqa: S608  names of ours only


def locked(action_id: Any) -> tuple[Action, Requirement]:
    """The action, its row locked until the transaction ends, and its current requirement."""
    try:
        found = rows.pair(Action, Requirement, _LOCKED, [UUID(str(action_id))])
    except ValueError:
        found = None
    if found is None:
        raise NotFound(say("There is no such action; it may belong to another installation"))
    action, requirement = found
    if requirement is None:  # while we waited for the lock, a new version came: the join had looked for the old one's
        requirement = rows.first(Requirement, _REQUIREMENT, [action.pk, action.version])
    if requirement is None:
        raise Tampered(envelopes.NO_VERSION)
    return action, requirement


def check_open(action: Action, seen_digest: str) -> None:
    """Whether it can be decided now, by what this person saw.

    Raises:
        AlreadyDecided, Halted, Expired, Checking, Stale: which of these stands in the way.
    """
    if action.state != ActionState.PENDING:
        raise AlreadyDecided(receipt(action), state=str(action.state), resolution=action.resolution)
    now, halted, checking = _standing(action)
    if halted and (stops := covering(action)):
        raise Halted(undecidable(stops[0].scope, stops[0].target, who=stops[0].by_name, why=stops[0].reason))
    if action.expires_at <= now:
        raise Expired(say("The time to decide this has passed; the agent is told that it expired"))
    if checking:
        raise Checking(say("Edited arguments are being checked; wait a moment and look at the new version"))
    if not secrets.compare_digest(seen_digest.encode("utf-8", "replace"), action.digest.encode()):
        raise Stale(say("This changed since you opened it; look at what will run now, then decide"))


def _standing(action: Action) -> tuple[datetime, bool, bool]:
    """The database's clock, whether a stop order covers the action, and whether an edit of it is being checked."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {name: getattr(action, name) for name in ("id", "agent", "run", "tool", "customer", "agent_version")})
        now, halted, checking = cursor.fetchone()
    return now, halted, checking


def receipt(action: Action) -> str:
    """What became of it, by whom and where, for whoever comes too late."""
    if action.drill:
        return drills.OVER
    resolution = action.resolution or {}
    state, who, door = word(action.state), spoken(str(resolution.get("by") or "")), resolution.get("door", "")
    door = DOORS.get(door, door)
    if not who:
        return say("Already %(state)s", state=state)
    return (
        say("Already %(state)s by %(who)s, %(door)s", state=state, who=who, door=door)
        if door
        else say("Already %(state)s by %(who)s", state=state, who=who)
    )
