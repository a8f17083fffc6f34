"""From a claim to the tool's first line: what has to be so that nothing begins once an order is acknowledged (reliability.md section 7).

A claim that is committed a moment before an order is under no order, and its tool is entered a moment later. So an order is acknowledged only
`ACKNOWLEDGED_AFTER_S` after its commit, and whoever has claimed enters within `ENTER_WITHIN_S` of having been sure that there was no order, or
looks again. No clocks are compared, only how long each has waited for itself; no lock is held that a process which stands still would keep.
"""

import time
from collections.abc import Callable

from django.db import transaction

ENTER_WITHIN_S = 0.1  # a database that takes longer to answer lets nothing begin
ACKNOWLEDGED_AFTER_S = 0.25  # the rest is for a thread that is not given its turn between the look and the call
PATIENCE_S = 30.0  # for which a call looks again and again, until an answer comes in time


def may_enter(sure_at: float, halted: Callable[[], bool]) -> bool:
    """Whether a claimed call may begin, to be asked just before it does. Not to be sure is no leave: False, too, when no answer comes in time.

    Args:
        sure_at: `time.monotonic()` from before the claim's commit.
        halted: whether an order covers the call now.
    """
    until = time.monotonic() + PATIENCE_S
    while (now := time.monotonic()) - sure_at > ENTER_WITHIN_S:
        sure_at = now
        if now > until or halted():
            return False
    return True


def wait_for_those_on_their_way() -> None:
    """After the commit of an order, before whoever gave it is answered."""
    transaction.on_commit(lambda: time.sleep(ACKNOWLEDGED_AFTER_S))
