"""What people type over a list: words of the summary, an agent, a tool, a customer, or how an action's id begins.

No index holds words: those of what waits are few, and of what was decided the newest 10,000 are looked through.
"""

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from approvals.models import Action

LOOKED_THROUGH = 10_000
MOST_WORDS = 8
FIELDS = ("summary", "agent", "tool", "customer")
_ID = re.compile(r"[0-9a-f]{4,32}")


def waiting(rows: QuerySet[Action], said: str) -> QuerySet[Action]:
    """Those of what waits that have every word in one field or another, or an id that begins so."""
    begun = id_from(said)
    return rows.filter(_words(said) | Q(pk__range=begun) if begun else _words(said))


def decided(rows: QuerySet[Action], said: str) -> QuerySet[Action]:
    """The same of what was decided. An id is found however old it is, and by itself."""
    begun = id_from(said)
    if begun and Action.objects.filter(pk__range=begun, resolved_at__isnull=False).exists():
        return rows.filter(pk__range=begun)
    newest = Action.objects.filter(resolved_at__isnull=False).order_by("-resolved_at", "-pk")
    oldest = newest.values_list("resolved_at", flat=True)[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()
    return (rows.filter(resolved_at__gt=oldest) if oldest else rows).filter(_words(said))


def id_from(said: str) -> tuple[UUID, UUID] | None:
    """The first and last id that begin so; None for what no id begins with. Four characters at least."""
    found = said.strip().lower().replace("-", "")
    return (UUID(found.ljust(32, "0")), UUID(found.ljust(32, "f"))) if _ID.fullmatch(found) else None


def _words(said: str) -> Q:
    found = Q()
    for word in said.split()[:MOST_WORDS]:
        anywhere = Q()
        for form in _forms(word):
            for field in FIELDS:
                anywhere |= Q(**{f"{field}__icontains": form})
        found &= anywhere
    return found


def _forms(word: str) -> set[str]:
    """A word as it may be written. A database whose locale is "C" knows small and capital letters of ASCII alone."""
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.title()}
