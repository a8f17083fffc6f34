"""What other rooms and doors ask of the tables: what is settled, what is known, what is wanted."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from approvals import envelopes
from approvals.models import Action, Edit, Requirement
from approvals.states import EditState
from audit import canonical


@dataclass(frozen=True)
class Settled:
    """The final outcome of an action."""

    action_id: str
    outcome: dict[str, Any]


@dataclass(frozen=True)
class WantedEdit:
    """Edited arguments waiting to be checked.

    Attributes:
        read: the text of the evidence beside the action: what they may repeat from outside. before: the arguments that were edited.
    """

    id: int
    action_id: str
    run: str
    tool: str
    args: Any
    agent: str = ""
    read: tuple[str, ...] = ()
    before: Any = None


_SETTLED = "SELECT id::text, outcome::text FROM approvals_action WHERE id = ANY(%s::uuid[]) AND settled_at IS NOT NULL"


def settled(action_ids: Sequence[str]) -> dict[str, Settled]:
    """The outcomes of those of these actions that are settled, by id."""
    if not action_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [list(action_ids)])
        return {action_id: Settled(action_id, json.loads(outcome or "{}")) for action_id, outcome in cursor.fetchall()}


def same_calls(runs: Collection[str], calls: Collection[str]) -> dict[str, str]:
    """The actions in which these runs proposed one of these calls, each with the fingerprint of its call."""
    rows = Action.objects.filter(run__in=list(runs), call_sha256__in=list(calls), kind=Action.Kind.TOOL, drill=False)
    return {str(pk): call for pk, call in rows.values_list("pk", "call_sha256")}


def levels(action_ids: Sequence[str]) -> dict[str, str]:
    """The levels of these actions, by id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, level FROM approvals_action WHERE id = ANY(%s::uuid[])", [list(action_ids)])
        return dict(cursor.fetchall())


def level_waiting(action_id: UUID) -> str | None:
    """The level of an action that still waits for people; None when it does not, or there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT level FROM approvals_action WHERE id = %s AND state = 'PENDING'", [action_id])
        row = cursor.fetchone()
    return row[0] if row else None


def is_known(action_id: UUID) -> bool:
    """Whether there is such an action."""
    return Action.objects.filter(pk=action_id).exists()


def is_called(*, tool: str = "", customer: str = "") -> bool:
    """Whether any action was ever a call of this tool, or for this customer."""
    name, column = (tool, "tool") if tool else (customer, "customer")
    return name.isprintable() and name != "" and Action.objects.filter(**{column: name}).exists()


def unsettled_sql(action: str) -> str:
    """The condition, in SQL, that the action this expression names has no outcome yet (never a value from outside)."""
    return f"EXISTS (SELECT 1 FROM approvals_action AS u WHERE u.id = {action} AND u.settled_at IS NULL)"  # noqa: S608


def wanted_edit(edit_id: int) -> WantedEdit | None:
    """The edit, while it is still to be checked."""
    edit = Edit.objects.select_related("action").filter(pk=edit_id, state=EditState.WANTED).first()
    if edit is None:
        return None
    action = edit.action
    asked = Requirement.objects.filter(action=action, version=action.version).first()
    read = tuple(str(one.get("text", "")) for one in (asked.evidence if asked else []))
    before = envelopes.parse(asked).args if asked else None
    return WantedEdit(edit.pk, str(action.pk), action.run, action.tool, canonical.parse(bytes(edit.args)), action.agent, read, before)


_OVERDUE_EDITS = """
SELECT id FROM approvals_edit WHERE state = 'WANTED' AND created_at <= statement_timestamp() - interval '2 s'
    AND (taken_until IS NULL OR taken_until <= statement_timestamp()) ORDER BY id LIMIT %s
"""


def wanted_edits(*, limit: int) -> list[int]:
    """Edits no worker has taken for two seconds, or whose worker is overdue."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE_EDITS, [limit])
        return [edit_id for (edit_id,) in cursor.fetchall()]
