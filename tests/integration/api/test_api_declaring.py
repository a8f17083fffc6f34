"""What an owner declares anew: it never lowers by itself what policy asks, and no grant outlives it."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from agents import operations
from agents.models import Agent
from approvals import envelopes
from approvals import operations as approvals
from approvals.errors import Conflict, NotAllowed
from approvals.models import Action, User
from approvals.operations import granting, people
from approvals.policy.granting import not_covered
from approvals.queries import grants
from audit import queries as log
from tests.factories import decide, work
from tests.integration.api.conftest import TOOLS

pytestmark = pytest.mark.django_db
PAY = TOOLS[2]
LARGE, SMALL = {"amount_cents": 200_000, "to": "ACME"}, {"amount_cents": 10, "to": "ACME"}


@pytest.fixture
def owner(outside: str, cast) -> User:
    """Somebody who owns the agent and has no power over policy."""
    orla = people.ensure_person(username="orla", roles=["reviewers"])
    Agent.objects.filter(pk=outside).update(owner=orla)
    return orla


def declared(by: User, *tools: dict[str, Any]) -> Agent:
    agent = operations.declare(slug="books", title="Books", description="", environment=None, tools=[*TOOLS[:2], *tools], by=by, door="api")
    return agent[0]


def level(agent, args: dict[str, Any], tool: str = "pay") -> str:
    return str(agent.post("/actions", {"tool": tool, "args": args})[1]["level"])


@pytest.mark.parametrize(
    "looser",
    [
        {"risk": "read"},
        {"risk": "write", "reversible": True},
        {"figures": {}},
        {"figures": {"amount_cents": "small"}},
        {"risk": "read", "figures": {}, "reversible": True},
    ],
)
def test_what_an_owner_declares_looser_counts_as_it_was_until_another_person_accepts_it(agent, owner, cast, looser):
    declared(owner, {**PAY, **looser})
    args = {**LARGE, "small": 1}
    assert level(agent, args) == "critical"
    action = Action.objects.get()
    assert "nobody has accepted" in str(action.requirements.get().factors)
    version = Agent.objects.get(pk="books").current.number
    operations.accept_declaration(slug="books", tool="pay", version=version, reason="looked at it", by=cast.admin, door="web")
    assert level(agent, {**args, "note": 1}) != "critical"
    kinds = [e.kind for e in log.events(agent="books").rows]
    assert "agent.accepted" in kinds


def test_taking_a_tool_away_or_giving_it_another_name_loosens_nothing(agent, owner, cast):
    declared(owner)
    declared(owner, {**PAY, "risk": "read", "figures": {}}, {**PAY, "name": "pay_too", "risk": "read", "figures": {}})
    for tool in ("pay", "pay_too"):
        assert level(agent, SMALL, tool) in {"medium", "high"}


def test_an_argument_that_was_counted_and_is_gone_makes_the_tool_an_unknown_one(agent, owner):
    declared(owner, {**PAY, "risk": "read", "figures": {}})
    assert level(agent, {"cents": 1, "to": "ACME"}) in {"medium", "high"}


def test_what_is_stricter_counts_at_once(agent, owner):
    declared(owner, {**TOOLS[0], "name": "other"})
    tools = [{**TOOLS[0], "reversible": False}, {**TOOLS[1], "risk": "delete"}]
    operations.declare(slug="books", title="", description="", environment=None, tools=tools, by=owner, door="api")
    assert level(agent, {}, "look") in {"medium", "high"}
    assert "kept" not in Agent.objects.get(pk="books").current.tools[0]


def test_an_edit_is_counted_by_what_was_accepted_too(agent, owner, cast):
    declared(owner, {**PAY, "figures": {}})
    assert level(agent, SMALL) == "medium"
    action = Action.objects.get()
    approvals.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args=LARGE, door="web")
    work()
    action.refresh_from_db()
    assert (action.version, action.level) == (2, "critical")


def test_accepting_is_for_another_administrator_who_looked_at_this_version(owner, cast):
    version = declared(owner, {**PAY, "risk": "read"}).current.number
    said: dict[str, Any] = {"slug": "books", "tool": "pay", "version": version, "reason": "r", "door": "web"}
    with pytest.raises(NotAllowed):
        operations.accept_declaration(by=owner, **said)
    with pytest.raises(Conflict):
        operations.accept_declaration(by=cast.admin, **{**said, "version": version - 1})
    with pytest.raises(Conflict):
        operations.accept_declaration(by=cast.admin, **{**said, "tool": "note"})
    declared(cast.admin, {**PAY, "risk": "write"})
    with pytest.raises(NotAllowed, match="another administrator"):
        operations.accept_declaration(by=cast.admin, **{**said, "version": Agent.objects.get(pk="books").current.number})


def test_what_a_call_reaches_is_said_as_declared_or_that_nobody_declared_it(agent, session, cast):
    def page(tool: str, args: dict[str, Any]) -> str:
        made = agent.post("/actions", {"tool": tool, "args": args})[1]
        return str(session(cast.reviewer).generic("GET", reverse("action", args=[made["id"]])).content.decode())

    assert "<dt>Amount cents</dt><dd>1,234</dd>" in page("pay", {"amount_cents": 1_234, "to": "ACME"}).replace("<bdi>", "").replace(
        "</bdi>", ""
    )
    assert "not declared: how many records" in page("note", {"text": "x"})
    unknown = page("anything", {"x": 1})
    assert "not declared: how many records" in unknown and unknown.count("not declared") >= 3
    assert "not declared: how many records" not in page("look", {})


def test_only_an_administrator_says_another_environment(owner, token, cast):
    owners = token(owner)
    status, refused = owners.call("PUT", "/agents/books", {"environment": "staging", "tools": []})
    assert (status, refused["code"]) == (403, "not_allowed")
    assert owners.call("PUT", "/agents/books", {"tools": []})[1]["environment"] == "demo"


def test_the_page_and_the_api_say_what_waits_and_an_administrator_accepts_it_there(owner, session, token, cast):
    declared(owner, {**PAY, "risk": "read"})
    waits = next(t["waits"] for t in token(cast.reviewer).get("/agents/books")[1]["tools"] if t["name"] == "pay")
    assert waits == ["read instead of money"]
    page = session(cast.reviewer).generic("GET", reverse("agent", args=["books"])).content.decode()
    assert "declared it otherwise" in page and "Accept this declaration" not in page
    ada = session(cast.admin)
    assert "Accept this declaration" in ada.generic("GET", reverse("agent", args=["books"])).content.decode()
    version = Agent.objects.get(pk="books").current.number
    sent = f"tool=pay&version={version}&reason=looked"
    answer = ada.generic("POST", reverse("agent-accept", args=["books"]), sent, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 302
    assert "declared it otherwise" not in ada.generic("GET", reverse("agent", args=["books"])).content.decode()


def test_a_program_of_another_administrator_accepts_it_too_under_the_same_rules(agent, owner, token, cast):
    made = declared(owner, {**PAY, "risk": "read"})
    number = Agent.objects.select_related("current").get(pk=made.pk).current.number
    said: dict[str, Any] = {"tool": "pay", "version": number, "reason": "looked at it"}
    accept = lambda program, **more: program.post("/agents/books/accept", {**said, **more})  # noqa: E731
    ada = token(cast.admin)
    assert [accept(token(who))[0] for who in (owner, cast.reviewer, cast.operator)] == [403, 403, 403]
    assert accept(token(cast.admin, "read", "decide"))[0] == 403 and accept(agent)[0] == 403
    assert accept(ada, version=said["version"] - 1)[0] == 409 and accept(ada, tool="note")[0] == 409
    assert accept(ada, reason=" ")[0] in (400, 422) and ada.post("/agents/nobody/accept", said)[0] == 404
    assert "agent.accepted" not in {e.kind for e in log.events(limit=20).rows}
    status, now = accept(ada)
    assert status == 200 and next(t["waits"] for t in now["tools"] if t["name"] == "pay") == []
    entry = next(e for e in log.events(limit=5).rows if e.kind == "agent.accepted")
    assert (entry.door, entry.data["reason"]) == ("api", "looked at it")
    assert accept(ada)[0] == 409  # nothing waits any more


@pytest.mark.parametrize("changed", [{"risk": "read"}, {"reversible": True}, {"figures": {}}, {"summary": "Nothing much"}])
def test_a_grant_ends_with_the_declaration_it_was_given_for(agent, owner, cast, changed):
    agent.post("/actions", {"tool": "pay", "args": SMALL}, key="first")
    first = Action.objects.get()
    decide(first, cast.reviewer)
    terms = granting.Wanted("tool", 5, timezone.now() + timedelta(hours=1), figure="amount_cents", each=10, total=50)
    seen = granting.draft(first.pk, terms, by=cast.reviewer).terms.digest
    given = granting.give(first.pk, terms, seen=seen, reason="like the first", by=cast.reviewer, door="web")
    assert agent.post("/actions", {"tool": "pay", "args": {**SMALL, "n": 1}}, key="second")[1]["state"] == "APPROVED"
    declared(owner, {**PAY, **changed})
    assert agent.post("/actions", {"tool": "pay", "args": {**SMALL, "n": 2}}, key="third")[1]["state"] == "PENDING"
    last = Action.objects.latest("created_at")
    call = grants.call_of(last, envelopes.parse(last.requirements.get()))
    assert "declared otherwise" in not_covered(grants.terms_of(given), call)
