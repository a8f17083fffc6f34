"""A stop order that Countersign itself gives, inside the transaction that found the reason. People's orders are in `halts`.

`stop_run` does without the lock that makes `halts.halt` wait for claims: nothing has to be stopped there before the caller's commit. A rule
(`by_rule`) takes it, as a person does: when it commits, nothing new starts in that scope.
"""

from approvals.models import Halt
from approvals.operations import halts
from audit.actors import SYSTEM

LOOP, UNDECIDED = "loop", "undecided"  # what policies ask for; the rules that are counted are `HaltRule.Kind`


def stop_run(run: str, *, rule: str, reason: str, door: str) -> None:
    """Halt one run until an operator releases it; when it is halted already, that order stands."""
    halts.place(scope=Halt.Scope.RUN, target=run, reason=reason, by=SYSTEM, door=door, rule=rule)


def by_rule(*, rule: str, scope: str, target: str, reason: str, door: str) -> Halt | None:
    """Halt an agent or a run for a rule, in the caller's transaction, which holds `halts.nobody_decides`. None: halted already."""
    return halts.place(scope=scope, target=target, reason=reason, by=SYSTEM, door=door, rule=rule)
