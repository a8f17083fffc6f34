"""One outcome of a call that an agent made itself, written down for good. Knows nothing of LangGraph: the web needs it to end a run."""

import json
from typing import Any

from django.db.models.functions import Now

from agents import kept
from agents.dialects.record import Made
from agents.models import Effect, Handover, Run
from agents.operations import events
from agents.states import EffectState, HandoverState
from approvals import operations as approvals
from approvals import queries as approvals_queries
from audit import canonical
from audit.actors import SYSTEM
from audit.log import Entry

_STATE = {"done": EffectState.DONE, "failed": EffectState.FAILED, "unknown": EffectState.UNKNOWN}


def settle(run: Run, effect: Effect, made: Made) -> Entry:
    """One outcome, for good: action, effect, event. Unknown stays a question for an operator."""
    state, action = _STATE[made.status], str(effect.pk)
    result = _result(made.result) if made.status == "done" else None
    if state is not EffectState.UNKNOWN:
        shown = approvals_queries.shown(effect.pk)
        outcome = {"status": made.status, "result": result, "reason": made.error, "args": shown.args if shown else None, "by_agent": True}
        approvals.settle(effect.pk, canonical.storable(outcome))
    else:
        approvals.lock([effect.pk])  # as settling it does: its events are written by one at a time
    Effect.objects.filter(pk=effect.pk, state=EffectState.CLAIMED).update(
        state=state,
        result=result,
        result_sha256=canonical.fingerprint(result) if result is not None else "",
        error=canonical.storable(made.error)[:2_000],
        finished_at=Now(),
    )
    data = {
        "tool": effect.tool,
        "result": result,
        "error": made.error[:2_000],
        "by_agent": True,
        "called": bool(effect.begun_at or effect.told_at),
    }
    return events.effect(
        action, run.agent_id, str(run.pk), effect.digest, f"effect.{state.lower()}", SYSTEM, "worker", **canonical.storable(data)
    )


def give_up(run: Run) -> list[Entry]:
    """The run ends: what was handed back and not called will not be, and what began and told nobody is unknown."""
    handed = Effect.objects.filter(run=run, by_agent=True, state=EffectState.CLAIMED).order_by("pk")
    sent = Handover.objects.filter(pause__run=run).exclude(state__in=[HandoverState.REFUSED, HandoverState.ANEW])
    told_there = {action for actions in sent.values_list("pause__actions", flat=True) for action in actions}
    never, perhaps = Made("failed", error=kept.NEVER_CALLED()), Made("unknown", error=kept.ENDED_DURING())
    return [settle(run, e, perhaps if e.begun_at or e.told_at or str(e.pk) in told_there else never) for e in handed]


def _result(value: Any) -> dict[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else value
    except ValueError:
        found = value
    kept_value: dict[str, Any] = canonical.storable(found if isinstance(found, dict) else {"content": found})
    return kept_value
