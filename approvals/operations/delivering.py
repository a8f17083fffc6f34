"""Sending what is owed: claim, send, record, each a step of its own, so that no transaction waits for a mail server.

1. `claim`: the due deliveries of one person and channel become SENDING, and are looked at again: decided, expired, no longer allowed to
   decide, no longer wanted: SKIPPED with the reason. This commits before anything is sent. One message tells of all of them, and what is owed
   soon after it waits for the next one: when that may go is asked here, since in a burst all is owed before the first has gone.
2. `approvals.tasks` sends one message for all of them.
3. `record`: SENT; or WAITING again with a longer pause; or FAILED. A mail that was handed over without an answer is UNSURE and not sent
   again by itself: at most once, as far as SMTP can say. A push that is repeated replaces itself, so it may be.
A worker that dies in between leaves SENDING behind: `take_over` ends that the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest, Now

from approvals import envelopes, standing_in
from approvals.errors import AlreadyDecided, BadRequest, NotAllowed, NotFound, Tampered
from approvals.models import Action, Alert, Delivery, Device, Notification, Requirement, User
from approvals.notify import choices
from approvals.notify.alerts import Note
from approvals.notify.choices import EMAIL, OFF, PUSH
from approvals.notify.errors import NotSent
from approvals.notify.push import Target
from approvals.notify.words import MOST_LISTED, Item
from approvals.operations import kept, reaching
from approvals.operations.clock import database_now
from approvals.permissions import standing
from approvals.policy.factors import Factor, said_outside
from approvals.queries import desks
from approvals.queries.inbox import Filters, inbox, mine_count
from approvals.queries.reaching import away, last_sent, wants
from approvals.states import ActionState, DeliveryState, word
from audit.sentences import say

MOST_TOGETHER = 50  # looked at one by one, the riskiest; of the others a message says how many they are
MOST_OWED = 5_000  # at once to one person
MOST_TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
LEASE = timedelta(minutes=2)  # longer than any client's time-outs together
AT_ONCE = 2  # workers that may be sending through one channel: a slow server must not take all of them
WHYS = 3
_ONE_AT_A_TIME = 16  # class of a lock per person: two workers would send two mails of one burst


@dataclass(frozen=True)
class Parcel:
    """Claimed deliveries of one person: one message. Exactly one of `items`, an alert, a digest or a trial is in it."""

    ids: tuple[int, ...]
    channel: str
    kind: str  # "action", "alert", "digest" or "trial"
    to: str
    zone: str
    first: int
    items: tuple[Item, ...] = ()
    total: int = 0  # actions it tells of, `items` being the first of them
    waiting: int = 0  # of all that this person may decide now; 0: not counted
    alert: Note | None = None
    target: Target | None = None
    seconds: int = 3_600
    level: str = "medium"


@dataclass
class _Skips:
    """What is not sent after all, by reason."""

    why: dict[int, str] = field(default_factory=dict)


def claim(channel: str) -> Parcel | None:
    """Take the due deliveries of whoever waits longest; None when nothing is due, or enough workers send already.

    What was looked at and is not to be sent is SKIPPED on the way; the next call goes on with the next person.
    """
    while True:
        with transaction.atomic():
            busy = Delivery.objects.filter(channel=channel, state=DeliveryState.SENDING, changed_at__gt=Now() - LEASE)
            due = Delivery.objects.filter(channel=channel, state=DeliveryState.WAITING, next_at__lte=Now())
            first = due.select_for_update(skip_locked=True).order_by("next_at", "pk").first()
            if first is None or busy.values("user").distinct().count() >= AT_ONCE:
                return None
            rows = [first] if _goes_alone(first) else _may_go(first)
            if not rows:
                continue
            parcel, skips = _looked_at(first, rows)
            for why in set(skips.why.values()):
                _move([pk for pk, its in skips.why.items() if its == why], DeliveryState.SKIPPED, error=why)
            _tell_who_stands_in([row for row in rows if skips.why.get(row.pk) == kept.TOLD_INSTEAD()])
            if parcel:
                Delivery.objects.filter(pk__in=parcel.ids).update(state=DeliveryState.SENDING, attempts=F("attempts") + 1, changed_at=Now())
                return parcel


def _goes_alone(row: Delivery) -> bool:
    return row.kind in {"digest", "trial"} or _is_alert(row)


def _may_go(first: Delivery) -> list[Delivery]:
    """All this person is owed on the same address, with what only waits to go together, the riskiest first; [] when nothing may go yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ONE_AT_A_TIME, first.user_id])
    same = Delivery.objects.filter(user=first.user_id, channel=first.channel, device=first.device, state=DeliveryState.WAITING)
    same = same.filter(Q(next_at__lte=Now()) | Q(attempts=0)).exclude(Q(kind__in=["digest", "trial"]) | Q(kind__startswith="alert."))
    rows = _not_held(list(same.select_for_update(skip_locked=True).order_by("next_at", "pk")[:MOST_OWED]))
    if not _time_has_come(first, rows):
        return []
    return sorted(rows, key=lambda row: (-choices.LEVELS.index(row.level), row.pk))


def _not_held(rows: list[Delivery]) -> list[Delivery]:
    """Quiet hours may have been set since these were owed: what they hold waits for their end."""
    user, now = User.objects.get(pk=rows[0].user_id), database_now()
    wanted = wants(user)
    until = {level: wanted.held_until(now, level) for level in choices.LEVELS}
    _put_off([(row, until[row.level]) for row in rows if until[row.level] > now])
    return [row for row in rows if until[row.level] <= now]


def _time_has_come(first: Delivery, rows: list[Delivery]) -> bool:
    """Whether something of these goes now, and takes the others along. If not, what is due waits for what `reaching.after_the_last` says."""
    now = database_now()
    due = [row for row in rows if row.next_at <= now]
    last = last_sent(first.user_id, first.channel, first.device, going=True) if due else None
    if last is None or last + reaching.gap(first.channel) <= now:
        return bool(due)
    ends = dict(Action.objects.filter(pk__in={UUID(row.action) for row in due}).values_list("pk", "expires_at"))
    after = [
        (row, reaching.after_the_last(last, row.level, row.created_at, ends.get(UUID(row.action), now), channel=first.channel))
        for row in due
    ]
    if not all(at > now for _, at in after):
        return True
    _put_off(after)
    return False


def _put_off(rows: Sequence[tuple[Delivery, datetime]]) -> None:
    changed = [row for row, until in rows if row.next_at != until]
    for row, until in rows:
        row.next_at = until
    Delivery.objects.bulk_update(changed, ["next_at"], batch_size=1_000)


def _tell_who_stands_in(rows: list[Delivery]) -> None:
    """Somebody left between the notice and its mail: the notice is looked at once more, and finds who is asked now."""
    notices = [int(row.key.removeprefix("notice:")) for row in rows if row.key.startswith("notice:")]
    if notices:
        Notification.objects.filter(pk__in=notices, channel="reach", recipient="").update(sent_at=None)


def _looked_at(first: Delivery, rows: list[Delivery]) -> tuple[Parcel | None, _Skips]:
    """The message these rows make now, and what of them is not sent."""
    user = User.objects.get(pk=first.user_id)
    wanted, skips = wants(user), _Skips()
    device = Device.objects.filter(pk=first.device, user=user).first() if first.channel == PUSH else None
    general = "" if user.is_active else kept.LOCKED()
    if not general and first.kind != "trial" and away(user):
        general = kept.TOLD_INSTEAD()
    if first.channel == PUSH and device is None:
        general = kept.GONE()
    if general:
        return None, _Skips({row.pk: general for row in rows})
    target = Target(device.endpoint, device.p256dh, device.auth) if device else None
    plain = Parcel((first.pk,), first.channel, first.kind, user.email, wanted.zone, rows[0].pk, target=target)
    if first.kind == "trial":
        return plain, skips
    if _is_alert(first):
        return replace(plain, kind="alert", alert=_alert(first)), skips
    if first.kind == "digest":
        return _digest(plain, user, wanted)
    # Of several notices about one action the newest says it all; the others go with it.
    shown = rows[:MOST_TOGETHER]
    items = tuple({item.id: item for row in shown if (item := _item(row, user, wanted, skips))}.values())
    if not items:
        return None, skips
    others = _still_asked(rows[MOST_TOGETHER:], user, wanted)
    ids = tuple(row.pk for row in (*shown, *others) if row.pk not in skips.why)
    total = len({item.id for item in items} | {row.action for row in others})
    waiting = mine_count(Filters(mine=user)) if total > 1 else 0
    left = max(item.expires_at for item in items) - database_now()
    level = max((item.level for item in items), key=choices.LEVELS.index)
    found = replace(plain, ids=ids, kind="action", items=items, total=total, waiting=waiting, level=level)
    return replace(found, seconds=max(60, int(left.total_seconds()))), skips


def _still_asked(rows: list[Delivery], user: User, wanted: choices.Wants) -> list[Delivery]:
    """Which of these the person should still hear of, in one statement or two; the others are looked at one by one later, and skipped with the reason."""
    if not rows:
        return []
    pending = Action.objects.filter(pk__in={UUID(row.action) for row in rows}, state=ActionState.PENDING, expires_at__gt=Now())
    asked = {(str(pk), version) for pk, version in pending.filter(desks.asked(user)).values_list("pk", "version")}
    told = Notification.objects.filter(channel="desk", recipient=str(user.pk), object_id__in={row.action for row in rows})
    read = set(told.exclude(sent_at=None).values_list("object_id", "version", "kind"))
    return [
        row
        for row in rows
        if (row.action, row.version) in asked
        and (row.action, row.version, row.kind) not in read
        and wanted.way(row.channel, row.level) != OFF
    ]


def _is_alert(row: Delivery) -> bool:
    return row.kind.startswith("alert.")


def _alert(row: Delivery) -> Note:
    """What an alert's mail says: of what was so when it was owed, with the figure as it is now."""
    a = Alert.objects.get(pk=int(row.key.split(":")[1]))
    return Note(a.pk, a.rule, a.about, a.last, a.worst, a.most, a.opened_at, row.kind.removeprefix("alert."))


def _digest(plain: Parcel, user: User, wanted: choices.Wants) -> tuple[Parcel | None, _Skips]:
    if wanted.digest_day(database_now()) is None:
        return None, _Skips({plain.first: kept.NO_DIGEST()})
    mine = inbox(filters=Filters(mine=user), limit=MOST_LISTED).rows
    if not mine:
        return None, _Skips({plain.first: kept.NOTHING_WAITED()})
    items = tuple(Item(r.id, r.level, r.score, r.tool, r.agent, r.requested_by, r.expires_at) for r in mine)
    return replace(plain, items=items, total=max(len(mine), mine_count(Filters(mine=user)))), _Skips()


def _item(row: Delivery, user: User, wanted: choices.Wants, skips: _Skips) -> Item | None:
    """The action as it is now, when this person should still hear of it."""
    action = Action.objects.select_related("requested_by").filter(pk=UUID(row.action)).first()
    requirement = Requirement.objects.filter(action=action, version=row.version).first() if action else None
    if action is None or requirement is None or (why := _why_not(row, action, requirement, user, wanted)):
        skips.why[row.pk] = why if action and requirement else kept.ACTION_GONE()
        return None
    strongest = sorted(requirement.factors, key=lambda f: -f["points"])[:WHYS]
    return Item(
        str(action.pk), action.level, action.score, action.tool, action.agent,
        action.requested_by.get_username() if action.requested_by else "", action.expires_at,
        tuple(dict.fromkeys(said_outside(Factor(**f)) for f in strongest if f["points"] > 0)), row.kind,
    )  # fmt: skip


def _why_not(row: Delivery, action: Action, requirement: Requirement, user: User, wanted: choices.Wants) -> str:
    """Why this is not sent any more, "" when it is."""
    if action.state != ActionState.PENDING:
        return kept.ALREADY(state=word(action.state))
    if action.version != row.version:
        return kept.ASKED_AGAIN()
    if action.expires_at <= database_now():
        return kept.RAN_OUT()
    if wanted.way(row.channel, action.level) == OFF:
        return kept.NOT_WANTED()
    try:
        envelope = envelopes.parse(requirement)
        mine = standing_in.given(action, user.person, envelope)
        standing_in.leave(standing(user), action, envelope, stage=action.stage, mine=mine)
    except Tampered:
        return kept.TAMPERED()
    except NotAllowed:
        return kept.MAY_NOT()
    except AlreadyDecided:  # somebody in their stead, or whoever they stand in for
        return kept.HAS_DECIDED()
    if mine:
        return kept.HAS_DECIDED()
    told = Notification.objects.filter(channel="desk", recipient=str(user.pk), object_id=row.action, version=row.version, kind=row.kind)
    return "Read in the product already" if told.exists() and not told.filter(sent_at=None).exists() else ""


@transaction.atomic
def record(parcel: Parcel, failure: NotSent | None) -> None:
    """Write down what became of a parcel."""
    mine = Delivery.objects.select_for_update().filter(pk__in=parcel.ids, state=DeliveryState.SENDING)
    tries = max(mine.values_list("attempts", flat=True), default=0)
    ids = list(mine.values_list("pk", flat=True))
    if failure is None:
        _move(ids, DeliveryState.SENT, error="")
        if parcel.target:
            Device.objects.filter(endpoint=parcel.target.endpoint).update(told_at=Now())
        return
    if failure.gone and parcel.target:
        Device.objects.filter(endpoint=parcel.target.endpoint).delete()
    if failure.unsure and parcel.channel == EMAIL:
        _move(ids, DeliveryState.UNSURE, error=failure.why)
    elif failure.permanent or tries >= MOST_TRIES:
        _move(ids, DeliveryState.FAILED, error=failure.why)
    else:
        _move(ids, DeliveryState.WAITING, error=failure.why, next_at=Now() + pause(tries))
    if failure.down:
        # Everybody else's would fail as well: they wait with it, and the first of them finds out whether it is back.
        due = Delivery.objects.filter(channel=parcel.channel, state=DeliveryState.WAITING)
        due.update(next_at=Greatest(F("next_at"), Now() + FIRST_PAUSE))


def pause(tries: int) -> timedelta:
    """How long after so many tries the next one comes."""
    return min(FIRST_PAUSE * (1 << max(0, tries - 1)), LONGEST_PAUSE)


@transaction.atomic
def take_over() -> int:
    """End what a dead worker left half-way. Returns how many."""
    left = Delivery.objects.filter(state=DeliveryState.SENDING, changed_at__lte=Now() - LEASE)
    mails = _move(left.filter(channel=EMAIL), DeliveryState.UNSURE, error=kept.DIED())
    pushes = _move(left.filter(channel=PUSH), DeliveryState.WAITING, error=kept.DIED())
    return mails + pushes


@transaction.atomic
def send_again(delivery_id: int) -> None:
    """Owe a failed delivery once more. Raises NotFound, or BadRequest when it did not fail."""
    row = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if row is None:
        raise NotFound(say("There is no such delivery; old ones are forgotten after 30 days"))
    if row.state not in {DeliveryState.FAILED, DeliveryState.UNSURE}:
        raise BadRequest(say("This delivery is %(state)s; only what failed, or may have, is sent again", state=word(row.state)))
    _move([row.pk], DeliveryState.WAITING, attempts=0, next_at=Now())


def forget_old(*, limit: int = 5_000) -> int:
    """Deliveries older than thirty days go. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=Now() - timedelta(days=30)).order_by("created_at").values_list("pk", flat=True)[:limit]
    count, _ = Delivery.objects.filter(pk__in=list(old)).exclude(state=DeliveryState.SENDING).delete()
    return count


def _move(which: list[int] | QuerySet[Delivery], state: DeliveryState, **more: object) -> int:
    rows = Delivery.objects.filter(pk__in=which) if isinstance(which, list) else which
    return rows.update(state=state, changed_at=Now(), **more)
