"""What operators ordered of a run."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models.functions import Now

from agents.models import Override
from agents.states import SECOND_WITHIN, OverrideKind, OverrideState


@dataclass(frozen=True)
class OverrideRow:
    """An operator's order to change what a run does next."""

    id: int
    kind: str
    state: str
    checkpoint: str
    node: str
    reason: str
    error: str
    made: str
    by: str
    confirmed_by: str
    created_at: datetime
    head: str = ""  # the newest checkpoint when it was asked for: from another one it is confirmed no more
    values: dict[str, Any] = field(default_factory=dict)  # what is put into the state
    stay: bool = False  # pause there
    confirmed_why: str = ""


@dataclass(frozen=True)
class AnswerRow:
    """A call's result that an operator gave and a second one has to give as well."""

    by: str
    reason: str
    result: Any
    created_at: datetime


def overrides(run_id: Any, *, state: str = "") -> list[OverrideRow]:
    """What operators ordered of a run, the newest first."""
    rows = Override.objects.filter(run=run_id, **({"state": state} if state else {})).order_by("-pk")
    if state == OverrideState.ASKED:  # the others were not confirmed in time
        rows = rows.filter(created_at__gt=Now() - SECOND_WITHIN)
    return [
        OverrideRow(
            o.pk, o.kind, o.state, o.checkpoint, o.node, o.reason, o.error, o.made, o.by_name, o.confirmed_by_name, o.created_at, o.head, o.values,
            o.stay, o.confirmed_why,
        )
        for o in rows
    ]  # fmt: skip


def stands(row: OverrideRow, head: str) -> str:
    """How an order stands, where the run's newest checkpoint is `head`: one that waits for a second person is over by time, or by what came since.

    A word more than its row's states: OVERTAKEN.
    """
    if row.state != OverrideState.ASKED:
        return row.state
    if datetime.now(UTC) - row.created_at > SECOND_WITHIN:
        return OverrideState.DROPPED
    return "OVERTAKEN" if row.kind == OverrideKind.SKIP and row.head != head else row.state


def answers_asked(run_id: Any, action_id: str) -> list[AnswerRow]:
    """Those of one call that may still be confirmed."""
    rows = Override.objects.filter(
        run=run_id, kind=OverrideKind.ANSWER, state=OverrideState.ASKED, values__action=action_id, created_at__gt=Now() - SECOND_WITHIN
    ).order_by("pk")  # fmt: skip
    return [AnswerRow(o.by_name, o.reason, o.values.get("result"), o.created_at) for o in rows]
