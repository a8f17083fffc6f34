"""Alerts: what is over its limit is told once, again after a while until somebody acknowledges it, and once more when it is over.

`observe` is given what was measured (by `agents.operations.alerts`) and is safe to call from anywhere, by many at once: one of them looks, the
others return. Opening, its event and what is owed to people are one transaction; workers send (`delivering`, `slack`, `webhooks`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotFound
from approvals.models import Alert, AlertBreach, AlertRule, Delivery, User
from approvals.notify import alerts as words
from approvals.notify.alerts import RAISED, RECOVERED, REMINDED, Note
from approvals.notify.choices import EMAIL
from approvals.operations import halts, slack_owing, waking
from approvals.operations.clock import database_now
from approvals.operations.notices import Hint, tell
from approvals.queries.alerts import RULES, Rule, rules
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import listed, say

_LOCK = 4_711_003
WELL_FOR = timedelta(seconds=30)  # what comes back sooner is the same breach
LONGEST_S = 7 * 86_400


@dataclass(frozen=True)
class Reading:
    """One figure that was measured. `key` and `about`: of which of several, and what is said of it."""

    value: int
    key: str = ""
    about: str = ""


@transaction.atomic
def observe(measured: Mapping[str, Sequence[Reading]]) -> list[Note]:
    """Hold what was measured against the rules. A rule that is not in it is left as it stands. Returns what was told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return []
    now = database_now()
    since = {(b.rule, b.key): b for b in AlertBreach.objects.filter(rule__in=list(measured))}
    opened = {(a.rule, a.key): a for a in Alert.objects.filter(closed_at=None, rule__in=list(measured))}
    told: list[Note | None] = []
    for rule in rules():
        if rule.name not in measured:
            continue
        found = {reading.key: reading for reading in measured[rule.name]}
        bad = {key for key, reading in found.items() if rule.active and reading.value >= rule.most}
        told += [_bad(rule, found[key], since.get((rule.name, key)), opened.get((rule.name, key)), now) for key in sorted(bad)]
        for key in {key for name, key in (*since, *opened) if name == rule.name} - bad:
            value = found[key].value if key in found else 0
            told.append(_well(rule, value, since.get((rule.name, key)), opened.get((rule.name, key)), now))
    return [note for note in told if note]


def _bad(rule: Rule, reading: Reading, breach: AlertBreach | None, alert: Alert | None, now: datetime) -> Note | None:
    """Over its limit: opened once it was so for long enough, told again when that is due."""
    if breach is None:
        breach = AlertBreach.objects.create(rule=rule.name, key=reading.key, since=now)
    elif breach.well_since:
        AlertBreach.objects.filter(pk=breach.pk).update(well_since=None)
    if alert is None:
        if now - breach.since < timedelta(seconds=rule.for_s):
            return None
        figures = {"value": reading.value, "last": reading.value, "worst": reading.value, "most": rule.most}
        alert = Alert.objects.create(rule=rule.name, key=reading.key, about=reading.about, opened_at=now, told_at=now, **figures)
        return _tell(rule, alert, RAISED, reading.value)
    if alert.last != reading.value:
        worst = max(alert.worst, reading.value)
        Alert.objects.filter(pk=alert.pk, closed_at=None).update(last=reading.value, worst=worst)
    due = rule.again_s and not alert.acked_at and now - alert.told_at >= timedelta(seconds=rule.again_s)
    if not due or not Alert.objects.filter(pk=alert.pk, told=alert.told, acked_at=None).update(told=alert.told + 1, told_at=now):
        return None
    alert.refresh_from_db()
    return _tell(rule, alert, REMINDED, reading.value)


def _well(rule: Rule, value: int, breach: AlertBreach | None, alert: Alert | None, now: datetime) -> Note | None:
    """Below its limit, or switched off: over once it has stayed so for a while."""
    if rule.active and breach and breach.well_since is None:
        AlertBreach.objects.filter(pk=breach.pk).update(well_since=now)
        return None
    if rule.active and breach and breach.well_since and now - breach.well_since < WELL_FOR:
        return None
    AlertBreach.objects.filter(rule=rule.name, key=breach.key if breach else alert.key if alert else "").delete()
    if alert is None or not Alert.objects.filter(pk=alert.pk, closed_at=None).update(closed_at=now, last=value):
        return None
    return _tell(rule, alert, RECOVERED, value)


@transaction.atomic
def acknowledge(alert_id: int, *, note: str, by: User, door: str) -> None:
    """Somebody sees to it: it is not told again, and stays open until it is over. Raises NotAllowed, NotFound, Conflict, BadRequest."""
    who = permissions.standing(by)
    permissions.check_operate(who)
    note = halts.check_reason(note)
    alert = Alert.objects.select_for_update().filter(pk=alert_id).first()
    if alert is None:
        raise NotFound(say("There is no such alert"))
    if alert.closed_at or alert.acked_at:
        over = say("That alert is over already")
        raise Conflict(over if alert.closed_at else say("%(who)s sees to it already", who=alert.acked_by_name))
    Alert.objects.filter(pk=alert.pk).update(acked_at=Now(), acked_by_name=who.user.get_username(), ack_note=note)
    log.append(_entry(alert, "alert.acknowledged", who.user.actor, door, reason=note))
    tell(Hint("alerts", "alert", str(alert.pk), "alert.acknowledged"))


@transaction.atomic
def set_rule(*, name: str, reason: str, by: User, door: str, **figures: Any) -> Rule:
    """Have a rule count otherwise. `figures`: active, most, for_s, again_s, mail, slack, webhook; what is not named stays.

    Raises:
        NotAllowed: not an operator. BadRequest: no such rule, no possible figures, no reason.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = halts.check_reason(reason)
    if name not in RULES:
        raise BadRequest(say("There is no rule %(name)s; there are %(names)s", name=repr(name[:40]), names=listed(RULES)))
    before = {key: value for key, value in vars(next(r for r in rules() if r.name == name)).items() if key in FIGURES}
    wanted = {**before, **{key: value for key, value in figures.items() if key in FIGURES}}
    _check(wanted)
    AlertRule.objects.update_or_create(
        name=name, defaults={**wanted, "reason": reason, "by_name": who.user.get_username(), "changed_at": Now()}
    )
    data = {"rule": name, **wanted, "before": before, "reason": reason}
    log.append(Entry(stream="alert", kind="alert.rule_set", by=who.user.actor, door=door, data=data))
    tell(Hint("alerts", "alert", f"rule:{name}", "alert.rule_set"))
    return next(r for r in rules() if r.name == name)


FIGURES = frozenset({"active", "most", "for_s", "again_s", "mail", "slack", "webhook"})


def _check(wanted: Mapping[str, Any]) -> None:
    if not 1 <= wanted["most"] <= 10**15:
        raise BadRequest(say("A limit is a whole number from 1 on"))
    if not (0 <= wanted["for_s"] <= LONGEST_S and 0 <= wanted["again_s"] <= LONGEST_S):
        raise BadRequest(say("Times are at most a week"))
    if len(wanted["slack"]) > 80 or not wanted["slack"].isprintable() or " " in wanted["slack"]:
        raise BadRequest(say("That is not the name of a channel"))


def _tell(rule: Rule, alert: Alert, happened: str, value: int) -> Note:
    """Write down that it is told, to whom, and owe it to them; in the caller's transaction."""
    note = Note(alert.pk, alert.rule, alert.about, value, max(alert.worst, value), alert.most, alert.opened_at, happened)
    log.append(_entry(alert, f"alert.{happened}", SYSTEM, "beat", value=value, webhook=rule.webhook))
    tell(Hint("alerts", "alert", str(alert.pk), f"alert.{happened}"))
    key = f"alert:{alert.pk}:{alert.told}:{happened}"
    if rule.mail:
        people = User.objects.filter(groups__name__in=permissions.MAY_HALT, is_active=True, kind=User.Kind.HUMAN).exclude(email="")
        made = [Delivery(key=key, user=user, channel=EMAIL, kind=f"alert.{happened}") for user in people.distinct()]
        Delivery.objects.bulk_create(made, ignore_conflicts=True, batch_size=1_000)
    if rule.slack:
        slack_owing.owe_to_channel(rule.slack, key, words.slack(note, site=settings.PUBLIC_URL.rstrip("/")))
    waking.soon()
    waking.soon(waking.SLACK)
    return note


def _entry(alert: Alert, kind: str, by: Actor, door: str, **more: Any) -> Entry:
    title, unit = words.WORDS[alert.rule]  # so that whoever reads the log, which knows no rules, reads words
    data = {
        "alert": alert.pk,
        "rule": alert.rule,
        "title": title,
        "unit": unit,
        "key": alert.key,
        "about": alert.about,
        "most": alert.most,
        **more,
    }
    return Entry(stream=f"alert:{alert.pk}", kind=kind, by=by, door=door, data=data)
