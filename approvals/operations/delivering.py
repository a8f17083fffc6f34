"""Sending what is owed: claim, send, record, each a step of its own, so that no transaction waits for a mail server.

1. `claim`: the due deliveries of one person and channel become SENDING, and are looked at again: decided, expired, no longer allowed to
   decide, no longer wanted: SKIPPED with the reason. This commits before anything is sent.
2. `approvals.tasks` sends one message for all of them.
3. `record`: SENT; or WAITING again with a longer pause; or FAILED. A mail that was handed over without an answer is UNSURE and not sent
   again by itself: at most once, as far as SMTP can say. A push that is repeated replaces itself, so it may be.
A worker that dies in between leaves SENDING behind: `take_over` ends that the same way.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from django.db import transaction
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
from approvals.notify.words import Item
from approvals.operations import kept
from approvals.operations.clock import database_now
from approvals.permissions import standing
from approvals.policy.factors import Factor, said_outside
from approvals.queries.inbox import Filters, inbox
from approvals.queries.reaching import away, wants
from approvals.states import ActionState, DeliveryState, word
from audit.sentences import say

MOST_TOGETHER = 50
MOST_TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
LEASE = timedelta(minutes=2)  # longer than any client's time-outs together
AT_ONCE = 2  # workers that may be sending through one channel: a slow server must not take all of them
WHYS = 3
MOST_COUNTED = 1_000  # in a digest


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
    total: int = 0
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
            rows = _not_held(_together(due, first))
            if not rows:
                continue
            parcel, skips = _looked_at(first, rows)
            for pk, why in skips.why.items():
                _move([pk], DeliveryState.SKIPPED, error=why)
            _tell_who_stands_in([row for row in rows if skips.why.get(row.pk) == kept.TOLD_INSTEAD()])
            if parcel:
                Delivery.objects.filter(pk__in=parcel.ids).update(state=DeliveryState.SENDING, attempts=F("attempts") + 1, changed_at=Now())
                return parcel


def _together(due: QuerySet[Delivery], first: Delivery) -> list[Delivery]:
    """What else this person is owed now on the same address; a digest or a trial goes alone."""
    if first.kind in {"digest", "trial"} or _is_alert(first):
        return [first]
    same = due.filter(user=first.user_id, device=first.device).exclude(Q(kind__in=["digest", "trial"]) | Q(kind__startswith="alert."))
    return list(same.select_for_update(skip_locked=True).order_by("pk")[:MOST_TOGETHER])


def _not_held(rows: list[Delivery]) -> list[Delivery]:
    """Quiet hours may have been set since these were owed: what they hold waits for their end."""
    user, now = User.objects.get(pk=rows[0].user_id), database_now()
    wanted, free = wants(user), []
    for row in rows:
        until = now if row.kind in {"digest", "trial"} or _is_alert(row) else wanted.held_until(now, row.level)
        if until > now:
            Delivery.objects.filter(pk=row.pk, state=DeliveryState.WAITING).update(next_at=until)
        else:
            free.append(row)
    return free


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
    items = tuple({item.id: item for row in rows if (item := _item(row, user, wanted, skips))}.values())
    if not items:
        return None, skips
    ids = tuple(row.pk for row in rows if row.pk not in skips.why)
    left = max(item.expires_at for item in items) - database_now()
    level = max((item.level for item in items), key=choices.LEVELS.index)
    return replace(plain, ids=ids, kind="action", items=items, seconds=max(60, int(left.total_seconds())), level=level), skips


def _is_alert(row: Delivery) -> bool:
    return row.kind.startswith("alert.")


def _alert(row: Delivery) -> Note:
    """What an alert's mail says: of what was so when it was owed, with the figure as it is now."""
    a = Alert.objects.get(pk=int(row.key.split(":")[1]))
    return Note(a.pk, a.rule, a.about, a.last, a.worst, a.most, a.opened_at, row.kind.removeprefix("alert."))


def _digest(plain: Parcel, user: User, wanted: choices.Wants) -> tuple[Parcel | None, _Skips]:
    if wanted.digest_day(database_now()) is None:
        return None, _Skips({plain.first: kept.NO_DIGEST()})
    mine = inbox(filters=Filters(mine=user), limit=MOST_COUNTED).rows
    if not mine:
        return None, _Skips({plain.first: kept.NOTHING_WAITED()})
    items = tuple(Item(r.id, r.level, r.score, r.tool, r.agent, r.requested_by, r.expires_at) for r in mine[:20])
    return replace(plain, items=items, total=len(mine)), _Skips()


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
