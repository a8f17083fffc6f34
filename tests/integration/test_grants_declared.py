"""A standing approval whose tool was declared otherwise: nowhere in force any more, with since when."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils.timezone import now

from agents import operations as agents
from agents.operations.outside import Wanted as Proposed
from approvals.models import Action, Grant
from approvals.operations import granting
from approvals.operations.granting import Wanted
from approvals.queries import action_detail, grants
from approvals.web.grants import note_of
from tests.factories import decide

TOOL = {"name": "note", "risk": "write", "summary": "Note {text}", "schema": {"type": "object", "properties": {"text": {"type": "string"}}}}


def declare(cast, *tools):
    agents.declare(slug="books", title="Books", description="", environment="demo", tools=list(tools), by=cast.admin, door="api")


def proposed(key: str) -> Action:
    agents.propose(agent="books", wanted=Proposed(tool="note", args={"text": key}, key=key))
    return Action.objects.get(interrupt_id=key)


@pytest.fixture
def given(cast) -> Grant:
    declare(cast, TOOL)
    like = proposed("one")
    decide(like, cast.reviewer)
    terms = Wanted("tool", 5, now() + timedelta(hours=1))
    seen = granting.draft(like.pk, terms, by=cast.reviewer).terms.digest
    return granting.give(like.pk, terms, seen=seen, reason="seen it", by=cast.reviewer, door="web")


def listed() -> str:
    out = StringIO()
    call_command("grants", "list", "--all", stdout=out)
    return out.getvalue()


def test_while_its_tool_is_the_same_it_is_in_force_whatever_else_is_declared(cast, given):
    declare(cast, {**TOOL, "description": "in other words"}, {"name": "look", "risk": "read"})
    assert proposed("two").state == "APPROVED"
    assert (grants.open_count(), grants.grant(given.pk).state) == (1, "in force")


@pytest.mark.parametrize("after", [[{**TOOL, "risk": "money"}], [{"name": "look", "risk": "read"}]], ids=["another", "gone"])
def test_declared_otherwise_it_is_over_on_every_page(cast, given, client, after):
    declare(cast, *after)
    asked = proposed("two")
    assert asked.state == "PENDING"
    row = grants.grant(given.pk)
    assert (row.state, row.open, grants.open_count(), grants.open_grants()) == ("declared", False, 0, [])
    assert row.since and row.since > row.created_at
    assert [r.id for r in grants.ended_grants()] == [given.pk]
    assert action_detail(asked.pk, reader=cast.reviewer).grants == []
    assert not note_of(action_detail(asked.pk, reader=cast.auditor))
    assert "declared otherwise since" in listed()
    client.force_login(cast.reviewer)
    page, whole = client.get(reverse("grant", args=[given.pk])).content.decode(), client.get(reverse("grants")).content.decode()
    assert "Its tool was declared otherwise" in page and "In force" not in page.partition("<main")[2]
    assert "No grant is in force" in whole and "Ended: declared otherwise" in whole


def test_declared_back_it_says_what_the_next_call_finds(cast, given):
    declare(cast, {**TOOL, "risk": "money"})
    assert grants.open_count() == 0
    declare(cast, TOOL)
    assert grants.grant(given.pk).state == ("in force" if proposed("three").state == "APPROVED" else "declared")
