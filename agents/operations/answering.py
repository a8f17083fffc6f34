"""The answers a run's open pauses have, in the dialect each was asked in."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.models import Pause, Run
from agents.operations.pausing import NATIVE
from approvals import queries as approvals_queries
from approvals.queries import Settled
from audit import rows

_OPEN = "SELECT * FROM agents_pause WHERE run_id = %s AND state = 'OPEN' ORDER BY id"


def open_pauses(run: Run) -> list[Pause]:
    """What the run still asks, oldest first."""
    return rows.fetch(Pause, _OPEN, [run.pk])


def answers(pauses: Sequence[Pause], settled: Mapping[str, Settled]) -> dict[str, Any]:
    """Answer by interrupt id, for these open pauses of one run; empty while one of their actions is not settled.

    Our own gates are answered together, when every open pause of the run is settled (design.md section 3.5).
    """
    if not all(action_id in settled for pause in pauses for action_id in pause.actions):
        return {}
    return {pause.interrupt_id: _answer(pause, settled) for pause in pauses}


def known_answers(run: Run) -> dict[str, Any]:
    """Every settled answer this run was ever owed, by interrupt id: a node that raised is given its own again."""
    pauses = rows.fetch(Pause, "SELECT * FROM agents_pause WHERE run_id = %s ORDER BY id", [run.pk])
    settled = approvals_queries.settled([a for pause in pauses for a in pause.actions])
    whole = [pause for pause in pauses if all(a in settled for a in pause.actions)]
    return {pause.interrupt_id: _answer(pause, settled) for pause in whole}


def _answer(pause: Pause, settled: Mapping[str, Settled]) -> Any:
    if pause.refusal is not None:
        fact: dict[str, Any] = dict(pause.refusal)
    else:
        one = settled[pause.actions[0]]
        fact = {**one.outcome, "action": one.action_id}
    if pause.dialect == NATIVE:
        return {**fact, "digest": pause.proposal_digest}
    # An interrupt in no known dialect gets the person's words; a refusal is told as data, never as an answer.
    if fact.get("status") == "answered":
        return fact["response"]
    more = {"do_not_retry": True} if fact.get("do_not_retry") else {}
    return {"status": fact.get("status"), "reason": fact.get("reason", ""), **more}
