"""Endpoints and what was posted to them, for their page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import Now

from approvals.models import Endpoint, Post
from approvals.queries.urgency import now
from approvals.states import DeliveryState

PAGE = 50
BEHIND = timedelta(minutes=2)  # each tick of the beat looks


@dataclass(frozen=True)
class EndpointRow:
    """One endpoint; `late` messages of it are still tried, `failed` were given up (of the last 30 days)."""

    id: int
    url: str
    agent: str
    about: str
    kinds: tuple[str, ...]
    made_by: str
    created_at: datetime
    off_at: datetime | None
    off_why: str
    alone_until: datetime | None
    sent: int
    late: int
    failed: int


@dataclass(frozen=True)
class PostRow:
    """One message."""

    id: int
    endpoint: int
    url: str
    agent: str
    message: str
    round: int
    kind: str
    about: str
    body: str
    state: str
    attempts: int
    status: int | None
    error: str
    created_at: datetime
    changed_at: datetime
    next_at: datetime


def endpoints(agents: list[str] | None = None, *, off_before: int = 0) -> list[EndpointRow]:
    """Endpoints in use, all of them, and after them those that are off, newest first and PAGE at most; of these agents only, of all when None.

    Args:
        off_before: only those that are off, of which this was the last one shown.
    """
    count = {
        "sent": Count("posts", filter=Q(posts__state=DeliveryState.SENT)),
        "late": Count("posts", filter=Q(posts__state__in=[DeliveryState.WAITING, DeliveryState.SENDING])),
        "failed": Count("posts", filter=Q(posts__state=DeliveryState.FAILED)),
    }
    moment = now()
    rows = Endpoint.objects.select_related("created_by").annotate(**count).order_by("-pk")
    rows = rows if agents is None else rows.filter(agent__in=agents)
    off = rows.exclude(off_at=None)
    found = [*off.filter(pk__lt=off_before)[:PAGE]] if off_before else [*rows.filter(off_at=None), *off[:PAGE]]
    return [
        EndpointRow(
            e.pk, e.url, e.agent, e.about, tuple(e.kinds), e.created_by.get_username() if e.created_by else "", e.created_at, e.off_at,
            e.off_why, e.alone_until if e.alone_until and e.alone_until > moment else None, getattr(e, "sent", 0), getattr(e, "late", 0), getattr(e, "failed", 0),
        )
        for e in found
    ]  # fmt: skip


# Since the last look, or since the first message was due that an endpoint in use can be sent: nobody posts there, and its server is not left alone.
_BEHIND = """
SELECT max(greatest(statement_timestamp() - next.next_at, statement_timestamp() - (SELECT at FROM approvals_looked))) FROM approvals_endpoint e
LEFT JOIN LATERAL (SELECT p.next_at FROM approvals_post p WHERE p.endpoint_id = e.id AND p.state = 'WAITING' AND p.next_at <= statement_timestamp()
    AND (e.alone_until IS NULL OR e.alone_until <= statement_timestamp()) ORDER BY p.next_at LIMIT 1) AS next ON true
WHERE e.off_at IS NULL
"""


@dataclass(frozen=True)
class Standing:
    """Of the last day: messages given up, and those still tried again; for how long nobody has looked what endpoints in use are owed, or one that is due waits."""

    failed: int
    late: int
    behind: timedelta = timedelta(0)

    @property
    def stuck(self) -> bool:
        return self.behind > BEHIND


def standing() -> Standing:
    lately = Post.objects.filter(created_at__gte=Now() - timedelta(days=1))
    failed = Count("pk", filter=Q(state=DeliveryState.FAILED))
    found = lately.aggregate(failed=failed, late=Count("pk", filter=Q(state=DeliveryState.WAITING, attempts__gte=2)))
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND)
        (behind,) = cursor.fetchone()
    return Standing(found["failed"], found["late"], behind or timedelta(0))


def agent_of(endpoint_id: int) -> str | None:
    """Whose endpoint it is ("" everybody's); None when there is none."""
    return Endpoint.objects.filter(pk=endpoint_id).values_list("agent", flat=True).first()


def posts(*, endpoint: int = 0, agents: list[str] | None = None, before: int = 0, limit: int = PAGE) -> list[PostRow]:
    """Messages, newest first."""
    rows = Post.objects.select_related("endpoint").order_by("-pk")
    rows = rows.filter(endpoint=endpoint) if endpoint else rows
    rows = rows if agents is None else rows.filter(endpoint__agent__in=agents)
    return [_post(p) for p in (rows.filter(pk__lt=before) if before else rows)[:limit]]


def post(post_id: int) -> PostRow | None:
    found = Post.objects.select_related("endpoint").filter(pk=post_id).first()
    return _post(found) if found else None


def _post(p: Post) -> PostRow:
    return PostRow(
        p.pk, p.endpoint_id, p.endpoint.url, p.endpoint.agent, p.message, p.round, p.kind, p.about, p.body, p.state, p.attempts, p.status,
        p.error, p.created_at, p.changed_at, p.next_at,
    )  # fmt: skip
