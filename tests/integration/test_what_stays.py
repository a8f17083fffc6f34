"""What people and graphs were told came of something stays, also for whoever may write to the tables."""

from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError, ProgrammingError

from agents.errors import UnknownAgent
from agents.models import Effect
from agents.operations import order_halt
from approvals.errors import NotAllowed
from approvals.models import Action
from tests import factories
from tests.factories import call, decide, work

pytestmark = pytest.mark.usefixtures("agents")


def refused(statement: str, *values: UUID) -> bool:
    """Whether PostgreSQL refuses this to the application's own account."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except (InternalError, ProgrammingError):
        return True
    return False


@pytest.mark.parametrize(
    "change",
    [
        "settled_at = NULL",
        "settled_at = now()",
        'outcome = \'{"status": "done"}\'',
        'resolution = resolution || \'{"by": "somebody else"}\'',
        "resolved_at = resolved_at + interval '1 day'",
        "requested_by_id = NULL",
        "state = 'APPROVED'",
    ],
)
def test_a_rejected_action_stays_what_the_graph_was_told(cast, world, change):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second, "reject", reason="no")
    assert refused(f"UPDATE approvals_action SET {change} WHERE id = %s", action.pk)
    assert Action.objects.get(pk=action.pk).outcome["status"] == "rejected"


def test_what_a_call_gave_back_stays(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    work()
    assert Effect.objects.get(pk=action.pk).state == "DONE"
    for change in ("result = '{}'", "result_sha256 = ''"):
        assert refused(f"UPDATE agents_effect SET {change} WHERE action_id = %s", action.pk)


@pytest.mark.parametrize("target", ["\x00", "a\x00b", "a\nb"])
def test_an_odd_name_is_nobodys_and_only_operators_learn_even_that(cast, target):
    with pytest.raises(UnknownAgent):
        order_halt(scope="agent", target=target, reason="why", by=cast.operator, door="web")
    with pytest.raises(NotAllowed):
        order_halt(scope="agent", target=target, reason="why", by=cast.reviewer, door="web")
