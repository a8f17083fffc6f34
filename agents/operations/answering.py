"""The answers a run's open pauses have, in the dialect each was asked in."""

from typing import Any

from agents.models import Pause, Run
from agents.operations.pausing import NATIVE
from agents.states import PauseState
from approvals import queries as approvals_queries
from approvals.queries import Settled


def answers(run: Run) -> dict[str, Any]:
    """Answer by interrupt id, for every open pause whose actions are all settled; empty while one is not.

    Our own gates are answered together, when every open pause of the run is settled (design.md section 3.5).
    """
    pauses = list(Pause.objects.filter(run=run, state=PauseState.OPEN))
    settled = approvals_queries.settled([a for pause in pauses for a in pause.actions])
    found = {pause.interrupt_id: _answer(pause, settled) for pause in pauses if all(a in settled for a in pause.actions)}
    return found if len(found) == len(pauses) else {}


def _answer(pause: Pause, settled: dict[str, Settled]) -> Any:
    if pause.refusal is not None:
        fact: dict[str, Any] = dict(pause.refusal)
    else:
        one = settled[pause.actions[0]]
        fact = {**one.outcome, "action": one.action_id}
    if pause.dialect == NATIVE:
        return {**fact, "digest": pause.proposal_digest}
    # An interrupt in no known dialect gets the person's words; a refusal is told as data, never as an answer.
    return fact["response"] if fact.get("status") == "answered" else {"status": fact.get("status"), "reason": fact.get("reason", "")}
