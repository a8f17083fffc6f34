"""How far the actions of a list are: approvals given of approvals needed. Two statements for all of them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from approvals import envelopes
from approvals.errors import Tampered
from approvals.models import Decision, Requirement
from approvals.queries.voted import with_groups_now
from approvals.resolution import Vote, tally
from approvals.states import Verdict


def approvals(ids: Iterable[Any]) -> dict[Any, tuple[int, int]]:
    """Given and needed by each action's current version, counted as its page counts them. What cannot be read is left out: its page says so."""
    ids = list(ids)
    if not ids:
        return {}
    votes: dict[Any, list[Vote]] = {}
    given = with_groups_now(Decision.objects.filter(action__in=ids, version=F("action__version"), by__isnull=False))
    for action, person, verdict, groups, now, stage, of in given.values_list(
        "action_id", "person", "verdict", "groups", "now", "stage", "instead_of_person"
    ):
        votes.setdefault(action, []).append(Vote(person, Verdict(verdict), frozenset(groups) & frozenset(now), stage=stage, instead_of=of))
    found = {}
    for requirement in Requirement.objects.filter(action__in=ids, version=F("action__version")).select_related("action"):
        try:
            envelope = envelopes.parse(requirement)
        except Tampered:
            continue
        escalated = envelope.escalated(requirement.action.passed)
        tallies = tally(envelope.needs, votes.get(requirement.action_id, []), escalated=escalated)
        found[requirement.action_id] = (sum(min(t.given, t.need.count) for t in tallies), sum(t.need.count for t in tallies))
    return found
