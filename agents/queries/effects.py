"""What calls came to, or that nobody knows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.models import Effect
from agents.states import EffectState


@dataclass(frozen=True)
class EffectRow:
    """An effect as the run's page shows it."""

    action_id: str
    run: str
    tool: str
    state: str
    attempts: int
    result: Any
    error: str
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None


def effect(action_id: Any) -> EffectRow | None:
    """The effect of an action, if there is one."""
    found = Effect.objects.filter(pk=action_id).first()
    return effect_row(found) if found else None


def unknown_effects() -> list[EffectRow]:
    """Calls whose outcome nobody knows: questions for an operator."""
    return [effect_row(e) for e in Effect.objects.filter(state=EffectState.UNKNOWN).order_by("claimed_at")]


def done_since(run_id: Any, at: datetime) -> list[EffectRow]:
    """Calls of a run that were done after this moment: they stay done, whatever its graph does next."""
    done = Effect.objects.filter(run=run_id, state__in=[EffectState.DONE, EffectState.COMPENSATED], finished_at__gte=at)
    return [effect_row(e) for e in done.order_by("finished_at")]


def effect_row(e: Effect) -> EffectRow:
    """An effect as pages show it."""
    return EffectRow(str(e.pk), str(e.run_id), e.tool, e.state, e.attempts, e.result, e.error, e.created_at, e.claimed_at, e.finished_at)
