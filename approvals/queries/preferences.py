"""What a person chose, and who has an action open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models.functions import Now

from approvals.models import Preference, User
from approvals.notify.choices import wants

MOST_VIEWERS = 500
INBOX = "inbox"  # where a view belongs that does not say
FRESH = timedelta(seconds=40)  # pages tell every 15 s; two missed and the person is gone


@dataclass(frozen=True)
class SavedView:
    """An address of the inbox, or of another `place` (the name of its url), under a name; `query` begins behind the question mark."""

    name: str
    query: str
    place: str = INBOX


@dataclass(frozen=True)
class Preferences:
    """A person's choices; empty ones were never made. `keys` holds the key of each command that is not the usual one; `zone` is where
    their clock is (*You > Notifications*)."""

    theme: str = ""
    density: str = "comfortable"
    keys_off: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    views: tuple[SavedView, ...] = ()
    zone: str = "UTC"

    def views_of(self, place: str) -> tuple[SavedView, ...]:
        return tuple(view for view in self.views if view.place == place)


def preferences(user: User) -> Preferences:
    found = Preference.objects.filter(user=user).values_list("choices", "views").first()
    if found is None:
        return Preferences()
    choices, views = found
    return Preferences(
        theme=str(choices.get("theme", "")),
        density=str(choices.get("density", "comfortable")),
        keys_off=bool(choices.get("keys_off")),
        keys=dict(choices.get("keys") or {}),
        views=tuple(SavedView(str(view["name"]), str(view["query"]), str(view.get("place", INBOX))) for view in views),
        zone=wants(choices).zone,
    )


def all_viewers(*, but: User) -> dict[str, list[str]]:
    """Who else has which action open just now: names by the action's id."""
    rows = Preference.objects.filter(viewing_at__gte=Now() - FRESH, user__is_active=True).exclude(viewing="").exclude(user=but)
    found: dict[str, list[str]] = {}
    for action_id, name in rows.order_by("user__username").values_list("viewing", "user__username")[:MOST_VIEWERS]:
        found.setdefault(action_id, []).append(name)
    return found


def viewers(action_id: str, *, but: User) -> Sequence[str]:
    """Who else has this action open just now, by name."""
    rows = Preference.objects.filter(viewing=str(action_id), viewing_at__gte=Now() - FRESH, user__is_active=True).exclude(user=but)
    return list(rows.order_by("user__username").values_list("user__username", flat=True)[:20])
