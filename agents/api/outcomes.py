"""What came of a call that Countersign made and whose outcome nobody knows: an operator's word, as on its page and with `manage.py runs resolve`."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from agents import operations, queries
from agents.api.auth import caller
from agents.api.run_shapes import OutcomeIn, OutcomeSaid
from agents.api.shapes import PROBLEMS
from agents.errors import BadInput, UnknownEffect
from agents.queries import EffectRow
from approvals import queries as approvals_queries
from approvals.operations.api_keys import OPERATE
from approvals.queries.results import lacking
from audit.sentences import say

runs = Router(tags=["runs"])


@runs.post(
    "/{run_id}/effects/{action}/outcome",
    response={200: OutcomeSaid, **PROBLEMS},
    summary="Say what came of a call whose outcome nobody knows",
)
def say_outcome(request: HttpRequest, run_id: UUID, action: UUID, body: OutcomeIn) -> Any:
    """Operators only, once they have looked where the call acts: the run goes on with what they say, or is reversed (`undo`). 409: its outcome is known
    by now, also where somebody else has just said so."""
    said: dict[str, Any] = {"reason": body.reason, "by": caller(request, OPERATE).user, "door": "api"}
    lacks = _lacks(_of_run(run_id, action), body)
    if body.outcome == "undo":
        operations.resolve_undone(action, **said)
    else:
        operations.resolve_unknown(action, done=body.outcome == "done", result=body.result, **said)
    return {**vars(_of_run(run_id, action)), "action": action, "run_state": queries.run_detail(run_id).row.state, "lacks": lacks}


def _of_run(run_id: UUID, action: UUID) -> EffectRow:
    found = queries.effect(action)
    if found is None or found.run != str(run_id):
        raise UnknownEffect(say("This run has made no such call"))
    return found


def _lacks(found: EffectRow, body: OutcomeIn) -> list[str]:
    """Fields that the result lacks. Raises BadInput where there can be none, or it has to be whole."""
    if body.outcome != "done":
        if body.result is not None:
            raise BadInput(say("Only a call that was done has a result"), fields={"result": say("of a call that was done only")})
        return []
    row = approvals_queries.inbox_row(found.action_id)
    lacks = list(lacking(agent=row.agent, tool=row.tool, result=body.result or {})) if row else []
    if lacks and body.complete:
        raise BadInput(
            say("Every result of this tool had %(names)s until now", names=", ".join(lacks)), fields=dict.fromkeys(lacks, say("missing"))
        )
    return lacks
