"""A stop order that Countersign itself gives, inside the transaction that found the reason. People's orders are in `halts`.

Without the lock that makes `halts.halt` wait for claims: nothing here has to be stopped before the caller's commit.
"""

from django.db import IntegrityError, transaction

from approvals.models import Halt
from approvals.operations.notices import Hint, tell
from audit import log
from audit.actors import SYSTEM
from audit.log import Entry


def stop_run(run: str, *, reason: str, door: str) -> None:
    """Halt one run until an operator releases it; when it is halted already, that order stands."""
    try:
        with transaction.atomic():
            order = Halt.objects.create(scope=Halt.Scope.RUN, target=run, reason=reason, by=None, by_name=SYSTEM.name, door=door)
    except IntegrityError:
        return
    data = {"halt": order.pk, "scope": str(order.scope), "target": run, "reason": reason}
    log.append(Entry(stream="halt", kind="halt.ordered", by=SYSTEM, door=door, run=run, data=data))
    tell(Hint("halts", "halt", str(order.pk), "halt.ordered"))
