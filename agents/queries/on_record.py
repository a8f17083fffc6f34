"""Whether what the tables say of runs and calls is what the log says of them: for `manage.py audit verify`. Reads only."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from django.db import connection

from agents.models import Effect, Run
from agents.states import EffectState, RunState
from approvals import queries as approvals
from approvals.queries.outcomes import Misstated
from audit import queries as log
from audit.sentences import say

# What each state of a call that is over settles its action with (`operations.settling`); a reversal does not change what was settled.
STATUS = {EffectState.DONE: "done", EffectState.COMPENSATED: "done", EffectState.FAILED: "failed"}
# The events of a call that are states of it: the last of them is the state it has.
STATES = {f"effect.{state.lower()}": state for state in (*STATUS, EffectState.UNKNOWN)}
ENDS = {f"run.{state.lower()}": state for state in (RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED)}
AT_ONCE = 2_000
_OTHERWISE = """
SELECT a.id::text FROM approvals_action a JOIN agents_run r ON r.id::text = a.run LEFT JOIN agents_effect e ON e.action_id = a.id
WHERE NOT a.drill AND (a.requested_by_id IS DISTINCT FROM r.started_by_id OR e.run_id <> r.id OR e.tool <> a.tool) ORDER BY a.id LIMIT 1
"""


def calls_on_record(*, batch: int = AT_ONCE) -> Iterator[int | Misstated]:
    """Compare every call that has begun or is over with the log and with its action's outcome. Yields how many agree, after each batch; a
    Misstated ends it."""
    told = {one.action: STATES[one.kind] for one in log.of_kinds(*STATES)}
    last, count = UUID(int=0), 0
    while True:
        found = list(Effect.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "state", "result")[:batch])
        settled = approvals.settled([str(pk) for pk, _state, _result in found])
        for last, state, result in found:
            fact, said = settled.get(str(last)), told.pop(str(last), None)
            if said != (state if state in STATES.values() else None):
                yield Misstated(str(last), say("Its call says another state than the log"))
                return
            if (
                state in STATUS
                and fact
                and (fact.outcome.get("status"), fact.outcome.get("result")) != (STATUS[EffectState(state)], result)
            ):
                yield Misstated(str(last), say("Its call says something else than what it was settled with"))
                return
        count += len(found)
        yield count
        if len(found) < batch:
            break
    if told:
        yield Misstated(next(iter(told)), say("The log tells of its call, and its row is gone"))


def requesters_on_record() -> Iterator[int | Misstated]:
    """Compare for whom, of which run and of which tool every action and call is with its run and with each other. Yields how many agree; a Misstated ends it."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERWISE)
        if row := cursor.fetchone():
            yield Misstated(row[0], say("It names somebody else than started its run, or its call another run or tool"))
            return
        cursor.execute("SELECT count(*) FROM approvals_action WHERE run <> '' AND NOT drill")
        yield cursor.fetchone()[0]


def runs_on_record() -> Iterator[int | Misstated]:
    """Compare who started every run, and its end, with the log, look up every run the log tells of, and in the log every run. Yields as above;
    `action` is then the run."""
    ends = {one.run: ENDS[one.kind] for one in log.of_kinds(*ENDS)}
    began = log.starters()
    for found in log.batches((str(pk) for pk in Run.objects.order_by("pk").values_list("pk", flat=True).iterator()), AT_ONCE):
        if untold := log.missing([f"run:{one}" for one in found]):
            yield Misstated(untold.removeprefix("run:"), say("The log tells nothing of it"))
            return
    count = 0
    for found in log.batches(log.streams("run:"), AT_ONCE):
        if fault := _run_fault(found, ends, began):
            yield fault
            return
        count += len(found)
        yield count


def _run_fault(found: Sequence[str], ends: Mapping[str, RunState], began: Mapping[str, str]) -> Misstated | None:
    rows = Run.objects.filter(pk__in=[UUID(one) for one in found]).values_list("pk", "state", "started_by_id")
    there = {str(pk): (state, starter) for pk, state, starter in rows}
    for one in found:
        if one not in there:
            return Misstated(one, say("The log tells of it, and its row is gone"))
        state, starter = there[one]
        if state in ENDS.values() and ends.get(one) != state:
            return Misstated(one, say("The log does not say that it ended so"))
        if one in began and began[one] != str(starter):
            return Misstated(one, say("The log says that somebody else started it"))
    return None
