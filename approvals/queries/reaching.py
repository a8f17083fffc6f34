"""Who is told what, where and when; what was sent, and what was not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from approvals.models import Absence, Action, Delivery, Device, Preference, User
from approvals.notify import choices
from approvals.notify.choices import Wants
from approvals.permissions import REVIEWERS
from approvals.states import ActionState, DeliveryState

PAGE = 50
LATE = timedelta(minutes=2)
LATELY = timedelta(days=1)
BAD = (DeliveryState.FAILED, DeliveryState.UNSURE)


@dataclass(frozen=True)
class Reader:
    """Somebody who may be told: their account, person, choices and devices."""

    id: int
    person: str
    has_address: bool
    wants: Wants
    devices: tuple[int, ...]


@dataclass(frozen=True)
class DeviceRow:
    id: int
    name: str
    created_at: datetime
    told_at: datetime | None


@dataclass(frozen=True)
class DeliveryRow:
    """One delivery as a list shows it."""

    id: int
    who: str
    channel: str
    kind: str
    action: str
    level: str
    state: str
    attempts: int
    next_at: datetime
    error: str
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Standing:
    """How the deliveries are: `late` should have gone two minutes ago, `failed` and `unsure` are of the last day."""

    waiting: int
    late: int
    failed: int
    unsure: int
    last_error: str


def wants(user: User) -> Wants:
    """What this person wants to be told."""
    kept = Preference.objects.filter(user=user).values_list("choices", flat=True).first()
    return choices.wants(kept or {})


def _absences() -> QuerySet[Absence]:
    return Absence.objects.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None)


def away(user: User) -> bool:
    """Whether this person left their desk to somebody: then that one is told, and they are left in peace."""
    return _absences().filter(user=user).exists()


def _asked_now() -> set[str]:
    """The groups whose turn it is with what waits now."""
    turns = Action.objects.filter(state=ActionState.PENDING).values_list("turn", flat=True).distinct()
    return {group for turn in turns for group in turn.split("|") if group}


def readers(accounts: Collection[int] | None) -> Sequence[Reader]:
    """Those of these accounts that may sign in (None: all who review, or whose turn it is with anything, and are not away), with what they want."""
    which = (
        Q(groups__name__in={REVIEWERS, *_asked_now()}) & ~Exists(_absences().filter(user=OuterRef("pk")))
        if accounts is None
        else Q(pk__in=accounts)
    )
    people = User.objects.filter(which, is_active=True, kind=User.Kind.HUMAN)
    found = list(people.distinct().order_by("pk").values_list("pk", "person", "email"))
    ids = [pk for pk, _, _ in found]
    chosen = dict(Preference.objects.filter(user__in=ids).values_list("user_id", "choices"))
    devices: dict[int, list[int]] = {}
    for user, device in Device.objects.filter(user__in=ids).order_by("pk").values_list("user_id", "pk"):
        devices.setdefault(user, []).append(device)
    return [Reader(pk, person, bool(email), choices.wants(chosen.get(pk, {})), tuple(devices.get(pk, ()))) for pk, person, email in found]


def last_sent(user: int, channel: str, device: int = 0, *, going: bool = False) -> datetime | None:
    """When this person was last sent something through this channel; `going`: or is being sent it."""
    rows = Delivery.objects.filter(user=user, channel=channel, device=device).exclude(Q(kind="trial") | Q(kind__startswith="alert."))
    found = [
        rows.filter(state=state).order_by("-changed_at").values_list("changed_at", flat=True).first()
        for state in (DeliveryState.SENT, *((DeliveryState.SENDING,) if going else ()))
    ]
    return max(filter(None, found), default=None)


def devices_of(user: User) -> list[DeviceRow]:
    return [DeviceRow(d.pk, d.name, d.created_at, d.told_at) for d in Device.objects.filter(user=user).order_by("pk")]


def deliveries(*, user: User | None = None, state: str = "", before: int = 0, limit: int = PAGE) -> list[DeliveryRow]:
    """Newest first; of one person, or of all. `state` may be "bad" for those that failed or may have."""
    rows = Delivery.objects.select_related("user").order_by("-pk")
    if user is not None:
        rows = rows.filter(user=user)
    if state == "bad":
        rows = rows.filter(state__in=BAD)
    elif state in set(DeliveryState):
        rows = rows.filter(state=state)
    return _rows(rows.filter(pk__lt=before) if before else rows, limit)


def delivery_standing() -> Standing:
    """The figures over the list, also for `manage.py doctor`."""
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING).aggregate(
        all=Count("pk"), late=Count("pk", filter=Q(next_at__lt=Now() - LATE) | Q(attempts__gte=3))
    )
    bad = Delivery.objects.filter(state__in=BAD, changed_at__gte=Now() - LATELY)
    counts = dict(bad.values_list("state").annotate(n=Count("pk")))
    troubled = Delivery.objects.filter(Q(state__in=BAD) | Q(state=DeliveryState.WAITING), changed_at__gte=Now() - LATELY)
    error = troubled.exclude(error="").order_by("-changed_at").values_list("error", flat=True).first()
    return Standing(waiting["all"], waiting["late"], counts.get(DeliveryState.FAILED, 0), counts.get(DeliveryState.UNSURE, 0), error or "")


def _rows(rows: QuerySet[Delivery], limit: int) -> list[DeliveryRow]:
    return [
        DeliveryRow(
            d.pk, d.user.get_username(), d.channel, d.kind, d.action, d.level, d.state, d.attempts, d.next_at, d.error, d.created_at,
            d.changed_at,
        )
        for d in rows[:limit]
    ]  # fmt: skip
