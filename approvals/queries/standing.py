"""What other rooms and doors ask of the tables: what is settled, what is halted, what is wanted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.models import Action, Edit, Halt, Requirement
from approvals.states import ActionState, EditState
from audit import canonical


@dataclass(frozen=True)
class Settled:
    """The final outcome of an action."""

    action_id: str
    outcome: dict[str, Any]


@dataclass(frozen=True)
class Stop:
    """A stop order as pages and workers see it; `released_at` is None while it is active."""

    id: int
    scope: str
    target: str
    reason: str
    by: str
    at: datetime
    door: str
    released_at: datetime | None = None
    released_by: str = ""
    release_reason: str = ""

    def covers(self, *, agent: str, run: str) -> bool:
        return (
            self.scope == "everything" or (self.scope == "agent" and self.target == agent) or (self.scope == "run" and self.target == run)
        )


@dataclass(frozen=True)
class WantedEdit:
    """Edited arguments waiting to be checked. `read` is the text of the evidence beside the action: what they may repeat from outside."""

    id: int
    action_id: str
    run: str
    tool: str
    args: Any
    agent: str = ""
    read: tuple[str, ...] = ()


_SETTLED = "SELECT id::text, outcome::text FROM approvals_action WHERE id = ANY(%s::uuid[]) AND settled_at IS NOT NULL"


def settled(action_ids: Sequence[str]) -> dict[str, Settled]:
    """The outcomes of those of these actions that are settled, by id."""
    if not action_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [list(action_ids)])
        return {action_id: Settled(action_id, json.loads(outcome or "{}")) for action_id, outcome in cursor.fetchall()}


def level_waiting(action_id: UUID) -> str | None:
    """The level of an action that still waits for people; None when it does not, or there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT level FROM approvals_action WHERE id = %s AND state = 'PENDING'", [action_id])
        row = cursor.fetchone()
    return row[0] if row else None


def is_known(action_id: UUID) -> bool:
    """Whether there is such an action."""
    return Action.objects.filter(pk=action_id).exists()


def unsettled_sql(action: str) -> str:
    """The condition, in SQL, that the action this expression names has no outcome yet (never a value from outside)."""
    return f"EXISTS (SELECT 1 FROM approvals_action AS u WHERE u.id = {action} AND u.settled_at IS NULL)"  # noqa: S608


def halted_sql(agent: str, run: str) -> str:
    """The condition, in SQL, that a stop order covers now what these two expressions name (never values from outside)."""
    return f"""EXISTS (SELECT 1 FROM approvals_halt AS h WHERE h.released_at IS NULL AND (
        h.scope = 'everything' OR h.scope = 'agent' AND h.target = {agent} OR h.scope = 'run' AND h.target = {run}))"""  # noqa: S608


def halted_since_sql(agent: str, run: str, moment: str) -> str:
    """The condition, in SQL, that a stop order covers it now, or did at any time since a moment: leave given before does not survive it."""
    return f"""EXISTS (SELECT 1 FROM approvals_halt AS h WHERE (h.released_at IS NULL OR h.created_at > {moment}) AND (
        h.scope = 'everything' OR h.scope = 'agent' AND h.target = {agent} OR h.scope = 'run' AND h.target = {run}))"""  # noqa: S608


_HALTED = f"SELECT {halted_sql('%s', '%s')}"


def halted(*, agent: str, run: str) -> bool:
    """Whether a stop order covers this agent or run now."""
    with connection.cursor() as cursor:
        cursor.execute(_HALTED, [agent, run])
        found: bool = cursor.fetchone()[0]
    return found


def active_halts() -> list[Stop]:
    """Every active stop order, oldest first."""
    return [_stop(h) for h in Halt.objects.filter(released_at=None).order_by("pk")]


def recent_halts(*, limit: int = 20) -> list[Stop]:
    """The latest stop orders, active and released."""
    return [_stop(h) for h in Halt.objects.order_by("-pk")[:limit]]


def halt(halt_id: int) -> Stop:
    """One stop order that is known to exist."""
    return _stop(Halt.objects.get(pk=halt_id))


def unsettled_counts(*, agent: str = "", run: str = "") -> dict[str, int]:
    """What a halt of this scope would freeze: {"pending": waiting for people, "approved": not yet executed}."""
    rows = Action.objects.filter(settled_at=None)
    if agent:
        rows = rows.filter(agent=agent)
    if run:
        rows = rows.filter(run=run)
    return {
        "pending": rows.filter(state=ActionState.PENDING).count(),
        "approved": rows.filter(state=ActionState.APPROVED, claimed_at=None).count(),
        "in_flight": rows.filter(state=ActionState.APPROVED, claimed_at__isnull=False).count(),
    }


def wanted_edit(edit_id: int) -> WantedEdit | None:
    """The edit, while it is still to be checked."""
    edit = Edit.objects.select_related("action").filter(pk=edit_id, state=EditState.WANTED).first()
    if edit is None:
        return None
    action = edit.action
    evidence = Requirement.objects.values_list("evidence", flat=True).filter(action=action, version=action.version).first() or []
    read = tuple(str(one.get("text", "")) for one in evidence)
    return WantedEdit(edit.pk, str(action.pk), action.run, action.tool, canonical.parse(bytes(edit.args)), action.agent, read)


_OVERDUE_EDITS = """
SELECT id FROM approvals_edit WHERE state = 'WANTED' AND created_at <= statement_timestamp() - interval '2 s' ORDER BY id LIMIT %s
"""


def wanted_edits(*, limit: int) -> list[int]:
    """Edits nobody has checked for two seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE_EDITS, [limit])
        return [edit_id for (edit_id,) in cursor.fetchall()]


def _stop(halt: Halt) -> Stop:
    return Stop(
        halt.pk,
        halt.scope,
        halt.target,
        halt.reason,
        halt.by_name,
        halt.created_at,
        halt.door,
        halt.released_at,
        halt.released_by_name,
        halt.release_reason,
    )
