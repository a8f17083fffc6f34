"""From a notice owed to what is owed to each person: a Delivery per person, channel and device, by their own choices.

A notice is a row written with the change: for whoever is asked (see `notices`), or for one person (see `telling`). This runs later, in a
worker, and looks again: what is decided meanwhile, or was voted on, owed to somebody who may not decide it, or wanted by nobody, makes no delivery.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from approvals import envelopes
from approvals.errors import BadRequest, Tampered
from approvals.models import Action, Delivery, Device, Notification, Requirement, User
from approvals.notify.choices import EMAIL, NOW, PUSH, SLACK
from approvals.operations import policies, slack_gathering, slack_owing
from approvals.operations.clock import database_now
from approvals.operations.telling import people_asked
from approvals.policy.slack import SlackRule
from approvals.queries.reaching import Reader, last_sent, readers
from audit.sentences import say

# Most notices are of actions that somebody decided at once: one statement is done with them all. Notices are picked first, in a part of its own: a
# hint's object is not always an action ('2' of a policy), and where the planner joined in another order, reading that as an id failed.
_OVER = """
WITH owed AS MATERIALIZED (
    SELECT id, object_id, version FROM approvals_notification WHERE sent_at IS NULL AND channel = 'reach' ORDER BY id LIMIT 2000 FOR UPDATE SKIP LOCKED)
UPDATE approvals_notification AS n SET sent_at = clock_timestamp() FROM owed AS o WHERE n.id = o.id
AND NOT EXISTS (SELECT 1 FROM approvals_action a WHERE a.id = o.object_id::uuid AND a.state = 'PENDING' AND a.version = o.version)
"""
PUSH_GAP_S = 20
MOST_ASKED = 500  # told of one action; the inbox shows it to the others all the same
Told = dict[frozenset[int], Sequence[Reader]]
_TAKE = "UPDATE approvals_notification SET sent_at = clock_timestamp() WHERE id = %s AND sent_at IS NULL"


@dataclass(frozen=True)
class Owed:
    """One message to one address of one person."""

    reader: Reader
    channel: str
    device: int
    next_at: datetime


def spread(*, limit: int = 200) -> int:
    """Make deliveries of the notices nobody has looked at yet. Returns how many notices that was."""
    with connection.cursor() as cursor:
        cursor.execute(_OVER)
    waiting = Notification.objects.filter(channel="reach", sent_at=None).order_by("pk")[:limit]
    known: Told = {}
    notices = list(waiting)
    slack = policies.in_force().data.slack if notices and slack_owing.installed() else None
    return sum(_spread(notice, known, slack) for notice in notices)


@transaction.atomic
def _spread(notice: Notification, known: Told, slack: SlackRule | None) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [notice.pk])
        if cursor.rowcount != 1:
            return False  # another worker has it
    action = Action.objects.filter(pk=UUID(notice.object_id), state="PENDING", version=notice.version).first()
    requirement = Requirement.objects.filter(action=action, version=notice.version).first() if action else None
    if action is None or requirement is None:
        return True  # decided this very moment
    try:
        envelope = envelopes.parse(requirement)
    except Tampered:
        return True  # its page says so; nobody can decide it
    people = frozenset({int(notice.recipient)} if notice.recipient else people_asked(action, envelope, most=MOST_ASKED))
    if people not in known:
        known[people] = readers(people)
    made = [
        Delivery(
            key=f"notice:{notice.pk}", user_id=one.reader.id, channel=one.channel, device=one.device, kind=notice.kind,
            action=str(action.pk), version=action.version, level=action.level, next_at=one.next_at,
        )
        for one in _owed(known[people], action.level, action.expires_at)
        if one.channel in envelope.tell
    ]  # fmt: skip
    Delivery.objects.bulk_create(made, ignore_conflicts=True, batch_size=1_000)
    if slack and SLACK in envelope.tell:
        if notice.recipient:
            _tell_in_slack(notice, action, known[people])
        slack_owing.owe_cards(action, slack, fallback=settings.SLACK_CHANNEL)
    return True


def _tell_in_slack(notice: Notification, action: Action, told: Iterable[Reader]) -> None:
    """What one person is told goes to them in Slack as well, where they are linked and want it. Passed on: then the card itself comes."""
    for reader in told:
        if notice.kind != "action.passed_on" and reader.wants.way(SLACK, action.level) == NOW:
            now = database_now()
            quiet = reader.wants.held_until(now, action.level)
            due = max(quiet, after_the_last(slack_gathering.last_told(reader.id), action.level, now, action.expires_at))
            slack_owing.owe_told(reader.id, notice.pk, notice.kind, action, due=due, quiet=quiet)


def _owed(may: Iterable[Reader], level: str, ends: datetime) -> list[Owed]:
    now = database_now()
    owed = []
    for reader in may:
        quiet = reader.wants.held_until(now, level)
        if reader.wants.way(EMAIL, level) == NOW and reader.has_address:
            owed.append(Owed(reader, EMAIL, 0, max(quiet, after_the_last(last_sent(reader.id, EMAIL), level, now, ends))))
        if reader.wants.way(PUSH, level) == NOW:
            for device in reader.devices:
                free = after_the_last(last_sent(reader.id, PUSH, device), level, now, ends, channel=PUSH)
                owed.append(Owed(reader, PUSH, device, max(quiet, free)))
    return owed


def gap(channel: str) -> timedelta:
    """How soon after a message the next may come. A push replaces the one before on the device: it waits for less."""
    return timedelta(seconds=min(settings.MAIL_GAP_S, PUSH_GAP_S) if channel == PUSH else settings.MAIL_GAP_S)


def after_the_last(last: datetime | None, level: str, owed_at: datetime, ends: datetime, *, channel: str = EMAIL) -> datetime:
    """A burst makes one mail (push, direct message), not fifty: what comes soon after one waits a little, and goes with the others. Critical does not wait.

    Nor does anything wait for more than a quarter of the time that was left when it was owed: a reminder that comes too late is none.
    """
    if level == "critical" or not last:
        return owed_at
    return min(last + gap(channel), owed_at + (ends - owed_at) / 4)


def digests(*, limit: int = 500) -> int:
    """Owe the weekday digest to everybody whose morning it is. Returns how many were made."""
    now = database_now()
    due = [(f"digest:{day}", reader.id) for reader in readers(None) if reader.has_address and (day := reader.wants.digest_day(now))]
    had = set(Delivery.objects.filter(key__in={key for key, _ in due}, channel=EMAIL).values_list("key", "user_id"))
    made = [Delivery(key=key, user_id=user, channel=EMAIL, kind="digest", next_at=now) for key, user in due if (key, user) not in had]
    Delivery.objects.bulk_create(made[:limit], ignore_conflicts=True, batch_size=1_000)
    return len(made[:limit])


def want_trial(*, by: User, channel: str) -> None:
    """Owe a person a message to themself, to see whether it arrives. Raises BadRequest when there is nowhere to send it."""
    devices = list(Device.objects.filter(user=by).values_list("pk", flat=True)) if channel == PUSH else [0]
    if channel not in {EMAIL, PUSH} or not devices:
        raise BadRequest(say("There is no device to send to: allow notifications on this one first"))
    if channel == EMAIL and not by.email:
        raise BadRequest(say("Your account has no e-mail address; an administrator can add one"))
    key = f"trial:{uuid4()}"
    Delivery.objects.bulk_create([Delivery(key=key, user=by, channel=channel, device=device, kind="trial") for device in devices])
