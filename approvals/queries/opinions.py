"""A second model's opinions: what a worker is to ask about, and what an action's page shows of one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import Now

from approvals import envelopes
from approvals.models import Action, Opinion, Requirement
from approvals.states import OpinionState

_WANTED = """
SELECT EXISTS (SELECT 1 FROM approvals_opinion WHERE state = 'WANTED' AND until > statement_timestamp()
    AND created_at <= statement_timestamp() - interval '2 s' AND (taken_until IS NULL OR taken_until <= statement_timestamp()))
"""


@dataclass(frozen=True)
class Weighed:
    """What a model is told of one version of an action; no person is in it."""

    agent: str
    tool: str
    tool_class: str
    reversible: bool
    environment: str
    summary: str
    args: Any
    preview: dict[str, Any]
    rationale: str
    evidence: list[dict[str, Any]]


@dataclass(frozen=True)
class OpinionStanding:
    """How the second model has been doing for a day; `last_came`: the newest answer that was due has come."""

    given: int
    failed: int
    wanted: int
    last_came: bool
    last_error: str


@dataclass(frozen=True)
class OpinionRow:
    """One opinion as the page shows it; `words` are the model's own, `effect` what came of it."""

    model: str
    version: int
    state: str
    concern: str
    words: str
    error: str
    points: int
    effect: str
    waits: bool
    until: datetime
    done_at: datetime | None


def opinions_wanted() -> bool:
    """Whether something wants an opinion that nobody is asking for."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED)
        found: bool = cursor.fetchone()[0]
    return found


def opinion_standing() -> OpinionStanding:
    """For doctor. An opinion that nobody needed any more is not held against the model."""
    rows = Opinion.objects.filter(created_at__gt=Now() - timedelta(days=1)).exclude(state=OpinionState.FAILED, effect="late")
    counted = dict(rows.values_list("state").annotate(n=Count("pk")))
    last = rows.filter(done_at__isnull=False).order_by("-done_at").first()
    return OpinionStanding(
        counted.get(OpinionState.GIVEN, 0),
        counted.get(OpinionState.FAILED, 0),
        counted.get(OpinionState.WANTED, 0),
        last is not None and last.state == OpinionState.GIVEN,
        last.error if last else "",
    )


def weighed(action_id: Any, version: int) -> Weighed:
    """What there is to weigh. Raises Tampered when the stored bytes cannot be read."""
    action = Action.objects.get(pk=action_id)
    requirement = Requirement.objects.get(action=action, version=version)
    envelope = envelopes.parse(requirement)
    facts = envelope.facts
    return Weighed(
        action.agent, action.tool, facts.tool_class, facts.reversible, facts.environment, action.summary, envelope.args, requirement.preview,
        requirement.rationale, list(requirement.evidence),
    )  # fmt: skip


def opinions(action_id: Any) -> list[OpinionRow]:
    """The opinions on an action, oldest first."""
    return [
        OpinionRow(o.model, o.version, o.state, o.concern, o.words, o.error, o.points, o.effect, o.waits, o.until, o.done_at)
        for o in Opinion.objects.filter(action=action_id).order_by("pk")
    ]
