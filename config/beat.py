"""When beat looks at its table: Celery's own scheduler, without its hurry and without its file. Imports nothing of ours."""

from celery.beat import Scheduler


class Ticking(Scheduler):
    """Celery's scheduler that keeps its notes in memory and wakes when an entry is due.

    Celery wakes ten milliseconds early and then asks without a pause until the entry is due: with some four entries a second that was three
    quarters of what an idle beat computed. All our periods are short, so that a note of when each last ticked is worth nothing after a restart, and
    a file broken by a crash would stop beat.
    """

    def adjust(self, n: float, drift: float = 0.001) -> float:
        """Seconds to the next look, for an entry that is due in `n` seconds."""
        return n + drift if n and n > 0 else n
