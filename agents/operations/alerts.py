"""Measuring the console's figures for alerts. What is over its limit, and who is told, is `approvals.operations.alerting`.

Called by the beat's tick, by the stand-in while the broker is away, and by web while nobody else looks (`config.watchman`): an alert that no
worker answers must not need one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.core.cache import cache

from agents import budgeted, overview
from agents.operations import pulse
from approvals import queries as approvals_queries
from approvals.notify.alerts import Note
from approvals.operations import alerting
from approvals.operations.alerting import Reading
from approvals.operations.clock import database_now
from approvals.queries import slack, webhooks
from approvals.queries.overview import on_people
from approvals.queries.reaching import delivery_standing
from audit import queries as log

events = structlog.get_logger("agents.alerts")
_LOOKED, _KEPT_S = "alerts:looked", 86_400
DAY_S = 86_400


def look() -> list[Note]:
    """Measure, and tell what has to be told. A figure that cannot be measured is left as it stood."""
    cache.set(_LOOKED, database_now().isoformat(), timeout=_KEPT_S)
    measured: dict[str, list[Reading]] = {}
    for name, measure in MEASURES.items():
        try:
            measured[name] = measure()
        except Exception:  # one figure that trips must not keep the others from being told
            events.exception("not_measured", rule=name)
    return alerting.observe(measured)


def since_look() -> timedelta | None:
    """How long ago somebody last looked; None: not in a day."""
    found = cache.get(_LOOKED)
    return database_now() - datetime.fromisoformat(found) if found else None


def _seconds(waited: timedelta | None) -> int:
    return max(0, int(waited.total_seconds())) if waited is not None else 0


def _workers() -> int:
    answers = pulse.answers()
    return int(answers.broker and not answers.workers)  # without the broker nobody can be asked


def _clock() -> int:
    """A new installation whose clock never ticked is not late: it has not begun."""
    ticked = pulse.since_tick()
    return _seconds(ticked) if ticked is not None else DAY_S if log.last_event_id() else 0


def _unpicked() -> int:
    found = overview.unpicked()
    return max(_seconds(found.run_for), _seconds(found.effect_for))


def _slack() -> int:
    found = slack.standing()
    return found.late + found.failed if slack.teams() else 0


def _webhooks() -> int:
    found = webhooks.standing()
    return found.failed + found.late + found.stuck


def _deliveries() -> int:
    found = delivery_standing()
    return found.late + found.failed + found.unsure


def _halts() -> list[Reading]:
    return [Reading(sum(1 for stop in approvals_queries.active_halts() if not stop.rule))]


def _auto_halts() -> list[Reading]:
    """Each by itself, the latest of many: whoever is told of one has to hear of the next as well."""
    ruled = [stop for stop in approvals_queries.active_halts() if stop.rule]
    return [Reading(1, str(stop.id), f"{stop.scope} {stop.target}: {stop.reason}") for stop in ruled[-50:]]


def _budgets() -> list[Reading]:
    """In percent of each budget of which much is spent: a run's, or one of a day."""
    return [Reading(one.percent, one.key, one.about) for one in budgeted.near()]


def _one(measure: Callable[[], int]) -> Callable[[], list[Reading]]:
    return lambda: [Reading(measure())]


MEASURES: dict[str, Callable[[], list[Reading]]] = {
    "oldest_waiting": _one(lambda: _seconds(on_people().oldest)),
    "running": _one(lambda: overview.standing().running),
    "halts": _halts,
    "auto_halts": _auto_halts,
    "tokens_today": _one(lambda: log.spent_today().tokens),
    "budgets": _budgets,
    "over_budget": _one(budgeted.paused),
    "unpicked": _one(_unpicked),
    "workers": _one(_workers),
    "clock": _one(_clock),
    "broker": _one(lambda: int(not pulse.answers().broker)),
    "webhooks": _one(_webhooks),
    "slack": _one(_slack),
    "deliveries": _one(_deliveries),
    "unknown": _one(overview.unknown_count),
}
