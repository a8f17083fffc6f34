"""Whether what should be running is: the clock's last tick, and who answers the broker. For the console; nothing depends on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_app
from django.core.cache import cache

from approvals.operations.clock import database_now

_TICK, _ANSWERS = "pulse:tick", "pulse:answers"
_KEPT_S, _ASKED_EVERY_S = 86_400, 10
_PATIENCE_S = 0.7


@dataclass(frozen=True)
class Answers:
    """`broker`: it answers. `workers`: how many did."""

    broker: bool
    workers: int


def tick() -> None:
    """A worker did what beat had sent: both are there, and the broker between them."""
    cache.set(_TICK, database_now().isoformat(), timeout=_KEPT_S)


def since_tick() -> timedelta | None:
    """How long ago that was; None: not in a day."""
    found = cache.get(_TICK)
    return database_now() - datetime.fromisoformat(found) if found else None


def answers() -> Answers:
    """Ask the broker for its workers; of many who look, one asks in ten seconds."""
    found = cache.get(_ANSWERS)
    if found is None:
        found = _ask()
        cache.set(_ANSWERS, found, timeout=_ASKED_EVERY_S)
    return Answers(*found)


def _ask() -> list[int]:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
        return [True, len(current_app.control.ping(timeout=_PATIENCE_S) or [])]
    except Exception:  # whatever the transport raises: it does not answer
        return [False, 0]
