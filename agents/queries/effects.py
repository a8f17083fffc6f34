"""What calls came to, or that nobody knows; and of those that a person has looked into, what they said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from agents.models import Compensation, Effect
from agents.states import CompensationState, EffectState
from approvals.queries import covered
from audit.queries import said_of_effects
from audit.sentences import Sentence, say

SAID_STATES = {EffectState.DONE, EffectState.FAILED, EffectState.COMPENSATED}


@dataclass(frozen=True)
class EffectRow:
    """An effect as the run's page shows it.

    Attributes:
        error: what went wrong, as it counts now. said: of a call of unknown outcome on which a person has spoken, what they said of it; then `was`
            is what stood there until then, and there is no error.
    """

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
    said: Sentence | str = ""
    was: str = ""


def effect(action_id: Any) -> EffectRow | None:
    """The effect of an action, if there is one."""
    found = Effect.objects.filter(pk=action_id).first()
    return effect_row(found) if found else None


def outcome_unknown(action_id: Any) -> bool:
    """Whether the call was begun and nobody knows what came of it, until an operator says so."""
    return Effect.objects.filter(pk=action_id, state=EffectState.UNKNOWN).exists()


def made_by_agent(run: Any) -> int:
    """How many calls this run's agent has begun itself, which people were asked about: no step of ours has them."""
    return Effect.objects.filter(run=run, by_agent=True, begun_at__isnull=False).count()


def unknown_effects() -> list[EffectRow]:
    """Calls whose outcome nobody knows: questions for an operator."""
    return effect_rows(list(Effect.objects.filter(state=EffectState.UNKNOWN).order_by("claimed_at")))


def unknown_ids() -> list[UUID]:
    """The actions of those, in one light statement: asked for each scope that may be halted."""
    return list(Effect.objects.filter(state=EffectState.UNKNOWN).values_list("pk", flat=True))


def reversals(scope: str, target: str) -> tuple[int, int]:
    """Calls that an order of this scope keeps from being reversed, and such whose reversal has begun."""
    rows = Compensation.objects.filter(state__in=[CompensationState.OWED, CompensationState.CLAIMED])
    if scope != "everything":
        rows = rows.filter(effect__in=covered(scope, target))
    begun = Q(state=CompensationState.CLAIMED)
    found = rows.aggregate(owed=Count("pk", filter=~begun), begun=Count("pk", filter=begun))
    return found["owed"], found["begun"]


def under_way(runs: Sequence[str]) -> dict[str, tuple[str, str, bool]]:
    """Of these runs, a call that has begun: tool, action, and whether nobody knows what became of it. One that is unknown comes first."""
    rows = Effect.objects.filter(run__in=[UUID(run) for run in runs], state__in=[EffectState.CLAIMED, EffectState.UNKNOWN]).order_by(
        "state", "claimed_at"
    )
    return {str(e.run_id): (e.tool, str(e.pk), e.state == EffectState.UNKNOWN) for e in rows}


def done_since(run_id: Any, at: datetime) -> list[EffectRow]:
    """Calls of a run that were done after this moment: they stay done, whatever its graph does next."""
    done = Effect.objects.filter(run=run_id, state__in=[EffectState.DONE, EffectState.COMPENSATED], finished_at__gte=at)
    return effect_rows(list(done.order_by("finished_at")))


def effect_row(e: Effect) -> EffectRow:
    """An effect as pages show it."""
    return effect_rows([e])[0]


def effect_rows(found: Sequence[Effect]) -> list[EffectRow]:
    """Effects as pages show them. An error that stayed with a call that is over may be from before a person said what became of it."""
    said = said_of_effects([str(e.pk) for e in found if e.error and e.state in SAID_STATES])
    return [_row(e, said.get(str(e.pk))) for e in found]


def _row(e: Effect, said: tuple[bool, str, str] | None) -> EffectRow:
    words: Sentence | str = ""
    if said:
        done, who, why = said
        words = say("%(who)s looked: it was done (%(why)s)", who=who, why=why) if done else say("%(who)s looked: it was not done (%(why)s)", who=who, why=why)  # fmt: skip
    return EffectRow(
        str(e.pk), str(e.run_id), e.tool, e.state, e.attempts, e.result, "" if said else e.error, e.created_at, e.claimed_at, e.finished_at,
        words, e.error if said else "",
    )  # fmt: skip
