"""What was said of runs, as pages and the API show it. Reads only, beside `agents.queries`; `operations.rating` writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Now

from agents.models import Rating


@dataclass(frozen=True)
class RatingRow:
    """What somebody said of a run; `said_by` names an end user whose word a program passed on."""

    by: str
    by_id: int
    said_by: str
    useful: bool
    words: str
    said_at: datetime


@dataclass(frozen=True)
class Satisfaction:
    """How many found an agent's runs useful, of how many who said: people here, and end users reported by its program."""

    useful: int = 0
    people: int = 0
    useful_reported: int = 0
    reported: int = 0


def ratings(run_id: Any) -> list[RatingRow]:
    """What was said of a run, the newest first."""
    rows = Rating.objects.select_related("by").filter(run=run_id).order_by("-said_at")[:100]
    return [RatingRow(r.by.username, r.by_id, r.said_by, r.useful, r.words, r.said_at) for r in rows]


def satisfaction(agent_slug: str, *, days: int = 30) -> Satisfaction:
    """What was said of an agent's runs lately, by the database's clock."""
    lately = Rating.objects.filter(run__agent=agent_slug, said_at__gte=Now() - timedelta(days=days))
    own = Q(said_by="")
    found = lately.aggregate(
        a=Count("pk", filter=own & Q(useful=True)),
        b=Count("pk", filter=own),
        c=Count("pk", filter=~own & Q(useful=True)),
        d=Count("pk", filter=~own),
    )
    return Satisfaction(useful=found["a"], people=found["b"], useful_reported=found["c"], reported=found["d"])
