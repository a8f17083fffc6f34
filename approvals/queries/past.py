"""Past calls, as they were frozen, for trying drafts on them and for finding what people always approve."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from approvals import envelopes
from approvals.deciders import BY_PEOPLE, by_people
from approvals.errors import Tampered
from approvals.models import Action, Requirement
from approvals.policy.basics import WAYS_TO_TELL, NeedRule
from approvals.policy.matching import Facts
from approvals.policy.replay import Case, Frozen
from approvals.policy.suggesting import LEAST, Habit
from approvals.states import ActionState, EditState

# Habits are looked for among the newest so many ended actions.
ENDED = 20_000


@dataclass(frozen=True)
class Stretch:
    """Some past calls, newest first; `position` is where the next stretch begins, None after the last."""

    cases: list[Case]
    looked_at: int
    position: int | None


def past_total(*, last: int, since: datetime | None) -> int:
    """How many past calls a back-test of this size has."""
    return _rows(None, since)[:last].count()


def past(*, position: int | None, since: datetime | None, limit: int) -> Stretch:
    """The next past tool calls, each as its current version was frozen. What was tampered with is passed over."""
    rows = list(_rows(position, since).select_related("action")[:limit])
    cases = [case for row in rows if (case := _case(row))]
    return Stretch(cases, len(rows), rows[-1].pk if len(rows) == limit else None)


def month_ago() -> datetime:
    """The database's clock, thirty days back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - interval '30 days'")
        found: datetime = cursor.fetchone()[0]
    return found


def met(*, newest: int = 1_000) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whom the newest calls were for, and the figures they came with."""
    facts = [case.facts for case in past(position=None, since=None, limit=newest).cases]
    return tuple(sorted({f.customer for f in facts if f.customer})), tuple(sorted({name for f in facts for name in f.figures}))


def habits() -> list[Habit]:
    """Per agent and tool, what people decided in 30 days on calls of medium level, where they approved every one as it was."""
    with connection.cursor() as cursor:
        cursor.execute(_HABITS, [ENDED, LEAST])
        rows = cursor.fetchall()
    return [Habit(agent, tool, decided, _largest(agent, tool)) for agent, tool, decided in rows]


# People decided each of them (no policy, no grant, and none that ran out or was called off), and approved each as it was proposed.
_HABITS = f"""
SELECT n.agent, n.tool, count(*) FROM (
    SELECT id, agent, tool, level, kind, state, drill, resolution FROM approvals_action
    WHERE resolved_at > now() - interval '30 days' AND NOT drill ORDER BY resolved_at DESC, id DESC LIMIT %s
) n
WHERE n.level = 'medium' AND n.kind = 'tool' AND n.state IN ('APPROVED', 'REJECTED', 'ANSWERED') AND {BY_PEOPLE}
GROUP BY n.agent, n.tool
HAVING count(*) >= %s AND bool_and(n.state = 'APPROVED' AND NOT EXISTS (
    SELECT 1 FROM approvals_edit e WHERE e.action_id = n.id AND e.state = 'APPLIED'))
ORDER BY count(*) DESC LIMIT 6
"""  # noqa: S608  conditions of ours only


def _largest(agent: str, tool: str) -> Facts | None:
    """The facts of the newest calls that people approved, with the largest figure of each; None when one could not be undone or held
    text from outside."""
    decided = Action.objects.filter(by_people(), agent=agent, tool=tool, state=ActionState.APPROVED, level="medium")
    decided = decided.exclude(edits__state=EditState.APPLIED)
    decided = decided.filter(resolved_at__gt=month_ago()).order_by("-resolved_at", "-pk")[:200]
    seen = [
        case.facts
        for row in Requirement.objects.filter(action__in=[a.pk for a in decided], version=F("action__version")).select_related("action")
        if (case := _case(row))
    ]
    if not seen or not all(f.reversible and not f.untrusted_text and not f.hidden_characters for f in seen):
        return None
    figures = {name: max(f.figures.get(name, 0) for f in seen) for name in {n for f in seen for n in f.figures}}
    return replace(seen[0], figures=figures)


def _rows(position: int | None, since: datetime | None) -> QuerySet[Requirement]:
    rows = Requirement.objects.filter(version=F("action__version"), action__kind=Action.Kind.TOOL, action__drill=False).order_by("-pk")
    if position is not None:
        rows = rows.filter(pk__lt=position)
    return rows.filter(created_at__gte=since) if since else rows


def _case(row: Requirement) -> Case | None:
    action = row.action
    try:
        envelope = envelopes.parse(row)
        facts = envelope.facts
    except (Tampered, TypeError, KeyError):
        return None
    need = tuple(NeedRule(group=n.group, count=n.count, stage=n.stage) for n in envelope.needs)
    was = Frozen(envelope.data["risk"]["level"], need, bool(envelope.denied), _parts(envelope))
    again = row.why == "edited" or (row.why in {"reopened", "raised"} and bool(need) and not was.denied)
    return Case(str(action.pk), action.agent, action.tool, action.summary, facts, again, was, envelope.data["policy"]["sha256"])


def _parts(envelope: envelopes.Envelope) -> dict[str, Any]:
    """The fields of a requirement that an envelope keeps as the policy wrote them."""
    data = envelope.data
    return {
        "verdicts": tuple(data["verdicts"]),
        "reason_for": tuple(data["reason_for"]),
        "hold_s": data.get("hold_s", 0),
        "execute_within_s": data["execute_within_s"],
        "rejections": envelope.rejections,
        "may_edit": envelope.may_edit,
        "tell": tuple(way for way in WAYS_TO_TELL if way in envelope.tell),
        "at_deadline": envelope.at_deadline,
    }
