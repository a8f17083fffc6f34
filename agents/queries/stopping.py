"""What a stop order would stop, counted before it is given or just after: the one count of the page, Slack, the API and the command line."""

from dataclasses import dataclass

from agents.queries.effects import reversals, unknown_ids
from agents.queries.run_rows import live_counts
from approvals import queries as approvals_queries

OF_CALLS = frozenset({"tool", "customer"})  # what only stops the calls that runs ask for, not the runs


@dataclass(frozen=True)
class WouldStop:
    """Counts of one scope.

    Attributes:
        runs: unfinished runs that stop at their next step; of a tool or a customer: runs that ask for it.
        actions: that wait for people, or are approved and have not begun: frozen.
        calls, reversals: begun. What runs in a process of its own is stopped, the rest cannot be interrupted and ends by itself.
        not_reversed: calls that are not reversed before the release.
    """

    runs: int
    actions: int
    calls: int
    reversals: int
    not_reversed: int


def would_stop(scope: str, target: str = "") -> WouldStop:
    """Count it. `target` names something that there is; "" of everything."""
    waiting = approvals_queries.unsettled_counts(scope=scope, target=target, over=unknown_ids())
    owed, begun = reversals(scope, target)
    runs = waiting["runs"] if scope in OF_CALLS else live_counts(**{scope: target} if target else {})["live"]
    return WouldStop(runs, waiting["pending"] + waiting["approved"], waiting["in_flight"], begun, owed)
