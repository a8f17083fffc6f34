"""What of a run is reversed, as pages, commands and the API show it. Reads only, beside `agents.queries`; `operations.owing` writes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.models import Compensation, CompensationOrder, Effect
from agents.states import CompensationState, EffectState


@dataclass(frozen=True)
class CompensationRow:
    """One call and whether it was reversed. `contact`: whom to call where it could not be."""

    action_id: str
    run: str
    place: int
    tool: str
    state: str
    attempts: int
    result: Any
    error: str
    contact: str
    said_by: str
    finished_at: datetime | None


@dataclass(frozen=True)
class Reversal:
    """That what a run did be reversed: by whom and why, and how far it is."""

    why: str
    reason: str
    by: str
    ordered_at: datetime
    ended_at: datetime | None
    rows: tuple[CompensationRow, ...]

    @property
    def left(self) -> tuple[CompensationRow, ...]:
        """What a person has to see to."""
        return tuple(row for row in self.rows if row.state == CompensationState.FAILED)


@dataclass(frozen=True)
class Reversible:
    """A call of a run that would be reversed, and whether its tool says how."""

    action_id: str
    tool: str
    state: str
    compensates: bool
    contact: str
    finished_at: datetime | None


def reversal(run_id: Any) -> Reversal | None:
    """The order for one run with every call in the order in which it is reversed; None when there is none."""
    order = CompensationOrder.objects.filter(run=run_id).first()
    if order is None:
        return None
    rows = tuple(_row(one) for one in Compensation.objects.filter(run=run_id).order_by("place"))
    return Reversal(order.why, order.reason, order.by_name, order.ordered_at, order.ended_at, rows)


def reversible(run_id: Any) -> list[Reversible]:
    """What an order given now would reverse, the last call first; calls that only read are left out."""
    found = Effect.objects.filter(run=run_id, state__in=[EffectState.DONE, EffectState.UNKNOWN, EffectState.CLAIMED])
    effects = list(found.select_related("run__version").order_by("-finished_at", "-claimed_at"))
    tools = {tool["name"]: tool for tool in effects[0].run.version.tools} if effects else {}
    return [_reversible(e, tools.get(e.tool, {})) for e in effects if tools.get(e.tool, {}).get("risk") != "read"]


def not_reversed(*, limit: int = 200) -> list[CompensationRow]:
    """Of all runs: what could not be reversed and waits for a person, oldest first."""
    return [_row(one) for one in Compensation.objects.filter(state=CompensationState.FAILED).order_by("created_at")[:limit]]


def _reversible(effect: Effect, tool: dict[str, Any]) -> Reversible:
    known = effect.state == EffectState.DONE and not effect.by_agent
    return Reversible(
        str(effect.pk), effect.tool, effect.state, known and bool(tool.get("compensates")), str(tool.get("contact", "")), effect.finished_at
    )


def _row(one: Compensation) -> CompensationRow:
    return CompensationRow(
        action_id=str(one.pk),
        run=str(one.run_id),
        place=one.place,
        tool=one.tool,
        state=one.state,
        attempts=one.attempts,
        result=one.result,
        error=one.error,
        contact=one.contact,
        said_by=one.said_by,
        finished_at=one.finished_at,
    )
