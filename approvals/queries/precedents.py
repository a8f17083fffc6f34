"""Calls like one: what became of the last of them, and what people approved last. Reads only."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from approvals import envelopes
from approvals.errors import Tampered
from approvals.models import Action, Requirement
from approvals.queries.inbox import InboxRow, decided, inbox_row
from approvals.states import ActionState

# Of the newest so many approvals: where policy or a grant passes nearly all of them, there may be none by people among them.
LOOKED_AT = 200


@dataclass(frozen=True)
class Approved:
    """The last call of the same tool by the same agent that people approved before this one."""

    id: str
    summary: str
    args: Any
    by: str
    at: datetime | None


def similar(action: Action) -> list[InboxRow]:
    """The last five actions of the same tool and agent that were decided; what ran out or was withdrawn nobody judged."""
    found = decided(agent=action.agent, tool=action.tool, judged=True, limit=6).rows
    rows = [r for r in found if r.id != str(action.pk)][:5]
    edits = Requirement.objects.filter(action__in=[r.id for r in rows], why="edited").values_list("action", flat=True)
    edited = set(map(str, edits))
    return [replace(r, edited=r.id in edited) for r in rows]


def approved(action: Action) -> Approved | None:
    """What people approved last, proved against its digest; None for a question, and when there is none. Whoever may read this may read that."""
    if action.kind != Action.Kind.TOOL:
        return None
    rows = Action.objects.filter(agent=action.agent, tool=action.tool, state=ActionState.APPROVED).exclude(pk=action.pk)
    rows = rows.filter(resolved_at__lt=action.resolved_at) if action.resolved_at else rows
    newest = rows.order_by("-resolved_at", "-pk").values_list("pk", "resolution__door")[:LOOKED_AT]
    last = next((pk for pk, door in newest if door not in {"worker", "grant"}), None)
    found = Action.objects.filter(pk=last).first() if last else None
    requirement = Requirement.objects.filter(action=found, version=found.version).first() if found else None
    if found is None or requirement is None:
        return None
    try:
        args = envelopes.opened(found, requirement).args
    except Tampered:
        return None
    return Approved(str(found.pk), found.summary, args, str(found.resolution.get("by", "")), found.resolved_at)


def approved_in_run(run: str, *, before: datetime) -> InboxRow | None:
    """What people approved last in a run before a moment; what policy or a grant passed is nobody's look at it."""
    rows = Action.objects.filter(run=run, state=ActionState.APPROVED, resolved_at__lt=before, drill=False)
    newest = rows.order_by("-resolved_at", "-pk").values_list("pk", "resolution__door")[:LOOKED_AT]
    last = next((pk for pk, door in newest if door not in {"worker", "grant"}), None)
    return inbox_row(last) if last else None
