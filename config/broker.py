"""When the broker stays away: each worker keeps a stand-in going that finds work in PostgreSQL itself.

A process of its own, not a thread: the worker forks children at any moment, and a thread would hold locks across it.
"""

import subprocess
import sys
import threading
from typing import Any

import structlog
from celery import current_app
from celery.signals import worker_init, worker_shutdown
from django.conf import settings

log = structlog.get_logger("config.broker")
PATIENCE_S = 2.5  # between two looks; a broker that misses two of them is away

_over = threading.Event()


def answers() -> bool:
    """Whether the broker takes a connection now; asked for at most two seconds."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except Exception:  # whatever the transport's client raises
        return False
    return True


# Not `worker_ready`: a worker started while the broker is away waits for it, and never gets there.
@worker_init.connect
def _watch(**_: Any) -> None:
    _over.clear()
    if not {"runs", "effects"} <= set(settings.WORKER_QUEUES):
        return
    threading.Thread(target=_keep, name="countersign-broker-watch", daemon=True).start()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    _over.set()


def _keep() -> None:
    missed = 0
    stand_in: subprocess.Popen[bytes] | None = None
    while not _over.wait(PATIENCE_S):
        missed = 0 if answers() else missed + 1
        if missed >= 2 and (stand_in is None or stand_in.poll() is not None):
            log.warning("broker_away", stand_in="started")
            stand_in = subprocess.Popen([sys.executable, str(settings.BASE_DIR / "manage.py"), "stand_in"])  # noqa: S603  every word is ours
    if stand_in is not None and stand_in.poll() is None:
        stand_in.terminate()
        stand_in.wait()
