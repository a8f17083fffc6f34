"""Fifty at one moment on one grant, each with a connection of its own: no bound is ever passed, nothing is half done."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils.timezone import now

from approvals import operations
from approvals.models import Action, Decision, Grant
from approvals.operations import granting, revoking
from approvals.operations.granting import Wanted
from audit import queries
from tests import factories
from tests.factories import approved
from tests.fakes import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("agents")]
REFUND: dict[str, Any] = {"tool": "refund", "tool_class": "money", "figures": {"amount_cents": 1_000}}


def given(cast, *, tool: str = "refund", **bounds) -> Grant:
    """For refunds of 10.00 each."""
    like = approved(cast.reviewer, **{**REFUND, "tool": tool})
    terms = Wanted("tool", **{"uses": 50, "until": now() + timedelta(hours=1), "figure": "amount_cents", "total": 10**6, **bounds})
    seen = granting.draft(like.pk, terms, by=cast.reviewer).terms.digest
    return granting.give(like.pk, terms, seen=seen, reason="a race", by=cast.reviewer, door="web")


def all_opened(results) -> bool:
    """Nobody was refused or thrown out: what the grant does not cover is simply asked."""
    return all(isinstance(r, Action) for r in results)


def passed() -> int:
    return Action.objects.filter(state="APPROVED", resolution__door="grant").count()


def held() -> bool:
    return all(isinstance(n, int) for n in queries.verify())


@pytest.mark.parametrize(("bounds", "most"), [({"uses": 7}, 7), ({"total": 12_500}, 12)])
def test_fifty_workers_at_once_never_pass_a_bound(cast, bounds, most):
    grant = given(cast, **bounds)
    results = together([lambda: factories.action(**REFUND)] * 50)
    assert all_opened(results), [r for r in results if not isinstance(r, Action)][:3]
    grant.refresh_from_db()
    assert (grant.uses, grant.total) == (most, most * 1_000)
    assert (passed(), Decision.objects.filter(grant=grant).count()) == (most, most)
    assert Action.objects.filter(state="PENDING").count() == 50 - most
    assert held()


def test_two_grants_used_in_opposite_order_at_once_both_count(cast):
    """The calls of one step are opened in one transaction: this one takes the first grant first, the other the second."""
    refund, credit = given(cast), given(cast, tool="credit")
    meet = threading.Barrier(2)

    def step(*tools: str) -> bool:
        with transaction.atomic():
            for tool in tools:
                factories.action(**{**REFUND, "tool": tool})
                with suppress(threading.BrokenBarrierError):  # who waits for the other's grant does not come
                    meet.wait(0.7)
        return True

    for _ in range(3):
        meet.reset()
        assert together([lambda: step("refund", "credit"), lambda: step("credit", "refund")]) == [True, True]
    for grant in (refund, credit):
        grant.refresh_from_db()
        assert grant.uses == 6


def test_a_revocation_among_fifty_uses_counts_what_passed_and_stops_the_rest(cast):
    grant = given(cast)
    calls = [lambda: factories.action(**REFUND)] * 49
    results = together([*calls, lambda: revoking.revoke(grant.pk, by=cast.operator, reason="enough", door="web")])
    assert all_opened(results[:-1]) and isinstance(results[-1], Grant)
    grant.refresh_from_db()
    assert grant.uses == Decision.objects.filter(grant=grant).count()
    assert passed() == 0  # nobody had begun any of them: they are asked again
    assert factories.action(**REFUND).state == "PENDING"


def test_a_halt_among_fifty_uses_leaves_nothing_that_runs_after_it(cast):
    """What passed before the order is voided by it; what came after is asked."""
    given(cast)
    calls = [lambda: factories.action(**REFUND)] * 49
    results = together([*calls, lambda: operations.halt(scope="everything", reason="stop", by=cast.operator, door="web")])
    assert all_opened(results[:-1])
    order = results[-1]
    assert not Action.objects.filter(resolution__door="grant", resolved_at__gt=order.created_at).exists()
    factories.release(order, cast)
    assert passed() == 0
    assert held()
