"""`manage.py stand_in`: do what is ready without the broker, until it answers again. A worker starts it; nobody has to.

Redis or RabbitMQ only wake workers; PostgreSQL is the queue. So when the broker stays away, one process beside each
worker looks itself, every second, and takes what it finds: more slowly, nothing lost (reliability.md section 11.11).
"""

import os
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.management.base import CommandParser
from django.db import DatabaseError, close_old_connections

from agents import tasks as agent_tasks
from approvals import tasks as approval_tasks
from config import broker, commands

log = structlog.get_logger("config.stand_in")
LOOK_S = 1.0


class Command(commands.ProductCommand):
    help = "Do what is ready without the broker, until it answers again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--for-ever", action="store_true", help="go on when the broker is back, too")

    def handle(self, *args: Any, **options: Any) -> None:
        parent = os.getppid()
        asked = 0.0
        while os.getppid() == parent:  # whoever started us is gone: so are we
            if not options["for_ever"] and time.monotonic() - asked > broker.PATIENCE_S / 2:
                if broker.answers():
                    return
                asked = time.monotonic()
            # What was approved comes first; and what one part trips over must not keep the others from their work.
            found = sum(self._do(part) for part in (agent_tasks.stand_in, approval_tasks.sweep, approval_tasks.reach, approval_tasks.slack))
            close_old_connections()
            if not found:
                time.sleep(LOOK_S)

    def _do(self, part: Callable[[], int | None]) -> int:
        """One part of the work; how much it found, as far as it says."""
        try:
            return part() or 0
        except DatabaseError as error:
            self.stderr.write(f"The database does not answer: {error}")
        except Exception:
            log.exception("stand_in_failed", part=getattr(part, "__name__", str(part)))
        return 0
