"""Whether what the tables say of calls is what their actions were settled with: for `manage.py audit verify`. Reads only."""

from collections.abc import Iterator
from uuid import UUID

from agents.models import Effect
from agents.states import EffectState
from approvals import queries as approvals
from approvals.queries.outcomes import Misstated
from audit.sentences import say

# What each state of a call that is over settles its action with (`operations.settling`); a reversal does not change what was settled.
STATUS = {EffectState.DONE: "done", EffectState.COMPENSATED: "done", EffectState.FAILED: "failed"}


def calls_on_record(*, batch: int = 2_000) -> Iterator[int | Misstated]:
    """Compare every call that is over with its action's outcome. Yields how many agree, after each batch; a Misstated ends it."""
    last, count = UUID(int=0), 0
    while True:
        found = list(Effect.objects.filter(pk__gt=last, state__in=list(STATUS)).order_by("pk").values_list("pk", "state", "result")[:batch])
        settled = approvals.settled([str(pk) for pk, _state, _result in found])
        for last, state, result in found:
            fact = settled.get(str(last))
            if fact and (fact.outcome.get("status"), fact.outcome.get("result")) != (STATUS[EffectState(state)], result):
                yield Misstated(str(last), say("Its call says something else than what it was settled with"))
                return
        count += len(found)
        yield count
        if len(found) < batch:
            return
