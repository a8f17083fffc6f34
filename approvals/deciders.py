"""Who resolved an action, in SQL: a person who looked at it, or the policy, a grant, a test. Shared by what counts people's decisions."""

from django.db.models import Q

# Doors of a resolution behind which nobody looked.
NOBODY = ("worker", "grant")

# As index `action_by_people` has it (migration 0025): another wording would not find the index.
BY_PEOPLE = "NOT drill AND (resolution->>'door') NOT IN ('worker', 'grant')"


def by_people() -> Q:
    """The same for querysets of actions."""
    return Q(drill=False, resolution__has_key="door") & ~Q(resolution__door__in=NOBODY)
