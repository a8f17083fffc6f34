"""The answers a run's open pauses have: of our own gates from what is settled, of others as they were handed back."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.models import Pause, Run
from agents.operations.preparing import NATIVE
from approvals import queries as approvals_queries
from approvals.queries import Settled
from audit import rows

_OPEN = "SELECT * FROM agents_pause WHERE run_id = %s AND state = 'OPEN' ORDER BY id"


def open_pauses(run: Run) -> list[Pause]:
    """What the run still asks, oldest first."""
    return rows.fetch(Pause, _OPEN, [run.pk])


def answers(pauses: Sequence[Pause], settled: Mapping[str, Settled]) -> dict[str, Any]:
    """Answer by interrupt id, for these open pauses of our own gates; empty while one of their actions is not settled.

    They are answered together, when every one of them is settled (design.md section 3.5). Dialects of others: `handing`.
    """
    pauses = [pause for pause in pauses if pause.dialect == NATIVE]
    if not all(action_id in settled for pause in pauses for action_id in pause.actions):
        return {}
    return {pause.interrupt_id: _answer(pause, settled) for pause in pauses}


def known_answers(run: Run) -> dict[str, Any]:
    """Every settled answer this run was ever owed, by interrupt id: a node that raised is given its own again."""
    pauses = rows.fetch(Pause, "SELECT * FROM agents_pause WHERE run_id = %s ORDER BY id", [run.pk])
    settled = approvals_queries.settled([a for pause in pauses for a in pause.actions])
    whole = [pause for pause in pauses if pause.dialect == NATIVE and all(a in settled for a in pause.actions)]
    given = {pause.interrupt_id: pause.answer["value"] for pause in pauses if pause.answer is not None}
    return {**given, **{pause.interrupt_id: _answer(pause, settled) for pause in whole}}


def _answer(pause: Pause, settled: Mapping[str, Settled]) -> Any:
    if pause.refusal is not None:
        fact: dict[str, Any] = dict(pause.refusal)
    else:
        one = settled[pause.actions[0]]
        fact = {**one.outcome, "action": one.action_id}
    return {**fact, "digest": pause.proposal_digest}
