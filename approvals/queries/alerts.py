"""Rules of alerts as they count, what is over its limit, and what was told before."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from approvals.errors import NotFound
from approvals.models import Alert, AlertRule
from audit.sentences import say

PAGE = 50
# As it ships: whether it is on, from which figure on, and for how many seconds it has to be so. Its words are in `notify.alerts`.
RULES: dict[str, tuple[bool, int, int]] = {
    "workers": (True, 1, 30),
    "clock": (True, 60, 30),
    "broker": (True, 1, 30),
    "unpicked": (True, 60, 30),
    "unknown": (True, 1, 0),
    "auto_halts": (True, 1, 0),
    "over_budget": (True, 1, 0),
    "budgets": (True, 80, 0),
    "oldest_waiting": (True, 3_600, 0),
    "webhooks": (True, 3, 60),
    "slack": (True, 1, 120),
    "deliveries": (True, 3, 60),
    "halts": (True, 1, 3_600),
    "tokens_today": (False, 1_000_000, 0),
    "running": (False, 1_000, 60),
}


@dataclass(frozen=True)
class Rule:
    """One rule as it counts. `by` "": as it ships."""

    name: str
    active: bool
    most: int
    for_s: int
    again_s: int
    mail: bool
    slack: str
    webhook: bool
    by: str = ""
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class AlertRow:
    """One alert; `closed_at` None while it is open."""

    id: int
    rule: str
    key: str
    about: str
    opened_at: datetime
    value: int
    most: int
    last: int
    worst: int
    told: int
    told_at: datetime
    acked_at: datetime | None
    acked_by: str
    ack_note: str
    closed_at: datetime | None


def usual(name: str) -> Rule:
    active, most, for_s = RULES[name]
    return Rule(name, active, most, for_s, settings.ALERT_AGAIN_S, settings.ALERT_MAIL, settings.ALERT_CHANNEL, webhook=True)


def rules() -> list[Rule]:
    """Every rule, in the order of `RULES`."""
    said = {r.name: r for r in AlertRule.objects.all()}
    return [_rule(said[name]) if name in said else usual(name) for name in RULES]


def rule(name: str) -> Rule:
    """One rule. Raises NotFound."""
    if name not in RULES:
        raise NotFound(say("There is no such rule"))
    return next(one for one in rules() if one.name == name)


def alert(alert_id: int) -> AlertRow:
    """One alert. Raises NotFound."""
    found = Alert.objects.filter(pk=alert_id).first()
    if found is None:
        raise NotFound(say("There is no such alert"))
    return _row(found)


def open_alerts() -> list[AlertRow]:
    """The oldest first."""
    return [_row(a) for a in Alert.objects.filter(closed_at=None).order_by("pk")]


def closed_alerts(*, before: int = 0, limit: int = PAGE) -> list[AlertRow]:
    """The newest first."""
    rows = Alert.objects.filter(closed_at__isnull=False).order_by("-pk")
    return [_row(a) for a in (rows.filter(pk__lt=before) if before else rows)[:limit]]


def _rule(r: AlertRule) -> Rule:
    return Rule(r.name, r.active, r.most, r.for_s, r.again_s, r.mail, r.slack, r.webhook, r.by_name, r.changed_at, r.reason)


def _row(a: Alert) -> AlertRow:
    return AlertRow(
        a.pk, a.rule, a.key, a.about, a.opened_at, a.value, a.most, a.last, a.worst, a.told, a.told_at, a.acked_at, a.acked_by_name,
        a.ack_note, a.closed_at,
    )  # fmt: skip
