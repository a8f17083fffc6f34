"""How far the actions of a list are: approvals given of approvals needed. Two statements for all of them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from approvals import envelopes
from approvals.errors import Tampered
from approvals.models import Decision, Requirement
from approvals.resolution import tally
from approvals.standing_in import ballot, with_groups_now


def approvals(ids: Iterable[Any]) -> dict[Any, tuple[int, int]]:
    """Given and needed by each action's current version, counted as its page counts them. What cannot be read is left out: its page says so."""
    ids = list(ids)
    if not ids:
        return {}
    given: dict[Any, list[Decision]] = {}
    for decision in with_groups_now(Decision.objects.filter(action__in=ids, version=F("action__version"), by__isnull=False)):
        given.setdefault(decision.action_id, []).append(decision)
    found = {}
    for requirement in Requirement.objects.filter(action__in=ids, version=F("action__version")).select_related("action"):
        try:
            envelope = envelopes.parse(requirement)
        except Tampered:
            continue
        escalated = envelope.escalated(requirement.action.passed)
        votes = [ballot(decision, envelope) for decision in given.get(requirement.action_id, ())]
        tallies = tally(envelope.needs, votes, escalated=escalated)
        found[requirement.action_id] = (sum(min(t.given, t.need.count) for t in tallies), sum(t.need.count for t in tallies))
    return found
