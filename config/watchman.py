"""Looking for alerts from web while no worker does: that no worker answers is told by somebody who is no worker.

One thread in each web process. While workers look it only asks how long ago that was. When they do not, it measures, and sends what is owed
as a worker would: every message is a row that is claimed first, so many watchmen and a late worker do no harm.
"""

import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connections

from agents.operations import alerts
from approvals import tasks

log = structlog.get_logger("config.watchman")
EVERY_S = 15.0
PATIENCE = timedelta(seconds=45)  # workers look every ten seconds
_over = threading.Event()


def watch() -> bool:
    """Look, and send, if nobody has for a while. Returns whether it did."""
    looked = alerts.since_look()
    if looked is not None and looked < PATIENCE:
        return False
    alerts.look()
    for send in (tasks.reach, tasks.slack, tasks.tell_programs):
        send()
    return True


def _go_on() -> None:
    while not _over.wait(EVERY_S):
        try:
            watch()
        except DatabaseError as error:
            log.warning("database_away", error=str(error).splitlines()[0])
        except Exception:
            log.exception("watch_failed")
        finally:
            connections.close_all()


async def lifespan(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Begins with the web process and ends with it."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _over.clear()
            threading.Thread(target=_go_on, name="watchman", daemon=True).start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            _over.set()
            await send({"type": "lifespan.shutdown.complete"})
            return
