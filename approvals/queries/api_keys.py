"""Keys as their pages list them: never the secret, which nobody has."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from approvals.models import ApiKey, User

SHOWN = 200


@dataclass(frozen=True)
class KeyRow:
    """One key. `agent` is "" for a person's token; `seen_at` the minute of its latest use, None when it was never used."""

    id: int
    name: str
    start: str
    of: str
    agent: str
    scopes: tuple[str, ...]
    made_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str
    seen_at: datetime | None
    over: bool


def own_keys(user: User) -> list[KeyRow]:
    """A person's own tokens, newest first; those that are over at the end."""
    return _listed(ApiKey.objects.filter(user=user))


def keys_of_agents(slugs: list[str] | None = None) -> list[KeyRow]:
    """The keys of these agents; of all when None."""
    rows = ApiKey.objects.filter(user__kind=User.Kind.AGENT)
    return _listed(rows if slugs is None else rows.filter(user__username__in=[f"agent:{slug}" for slug in slugs]))


def all_keys() -> list[KeyRow]:
    """Everybody's keys, for administrators."""
    return _listed(ApiKey.objects.all())


def key_row(key_id: int) -> KeyRow | None:
    return next(iter(_listed(ApiKey.objects.filter(pk=key_id))), None)


def _listed(rows: QuerySet[ApiKey]) -> list[KeyRow]:
    over = Q(revoked_at__isnull=False) | Q(expires_at__lte=Now())
    found = rows.annotate(over=over).select_related("user", "created_by", "use").order_by("over", "-pk")[:SHOWN]
    return [_row(key) for key in found]


def _row(key: ApiKey) -> KeyRow:
    of, use = key.user.get_username(), getattr(key, "use", None)
    made_by = key.created_by.get_username() if key.created_by else ""
    return KeyRow(
        key.pk, key.name, key.start, of, of.removeprefix("agent:") if key.user.kind == User.Kind.AGENT else "", tuple(key.scopes), made_by,
        key.created_at, key.expires_at, key.revoked_at, key.revoked_by, use.minute if use else None, bool(getattr(key, "over", False)),
    )  # fmt: skip
