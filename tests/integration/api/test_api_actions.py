"""An agent from outside: it proposes once, waits, claims once, acts, reports; what it may not is refused by name."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.urls import reverse

from agents import operations as agents
from approvals import operations
from approvals.errors import AlreadyDecided
from approvals.models import Action, Decision
from approvals.operations import outside as outside_operations
from approvals.operations import people
from approvals.queries import inbox_row
from approvals.web.receipts import receipt_of
from audit import queries as log
from audit.actors import SYSTEM
from countersign.numbers import Body
from tests import factories
from tests.factories import decide
from tests.fakes import clock_moved, together
from tests.integration.api.conftest import Program

pytestmark = pytest.mark.usefixtures("cast")


def note(text: str = "hello", **more):
    return {"tool": "note", "args": {"text": text}, **more}


def opened(agent, **more) -> dict:
    status, action = agent.post("/actions", note(**more))
    assert status == 201, action
    return action


def test_it_proposes_waits_claims_acts_and_reports(agent, cast):
    action = opened(agent, rationale="because")
    assert (action["state"], action["next"], action["level"], action["summary"]) == ("PENDING", "wait", "medium", "Note hello")
    assert action["needs"] == [{"group": "reviewers", "count": 1, "stage": 1}] and action["agent"] == "books" and action["run"] is None
    path = f"/actions/{action['id']}"
    assert agent.post(f"{path}/claim")[0] == 409
    decide(Action.objects.get(), cast.reviewer)
    assert agent.get(path)[1]["next"] == "claim"
    status, claimed = agent.post(f"{path}/claim")
    assert status == 200 and claimed["args"] == {"text": "hello"} and claimed["idempotency_key"] == action["id"]
    assert agent.get(path)[1]["next"] == "report"
    assert agent.post(f"{path}/claim")[0] == 409
    status, done = agent.post(f"{path}/outcome", {"status": "done", "result": {"id": 7}})
    assert (status, done["next"], done["outcome"]["result"]) == (200, "done", {"id": 7})
    assert agent.post(f"{path}/outcome", {"status": "done", "result": {"id": 7}})[0] == 200
    assert agent.post(f"{path}/outcome", {"status": "failed"})[1]["code"] == "conflict"
    kinds = [e.kind for e in log.timeline(action=action["id"])]
    assert kinds == ["action.opened", "decision.recorded", "action.approved", "action.claimed", "action.settled"]
    assert {e.door for e in log.timeline(action=action["id"])} == {"api", "web"}


def test_the_same_key_is_the_same_action_and_never_another(agent):
    first = agent.post("/actions", note(), key="order-1")
    again = agent.post("/actions", note(), key="order-1")
    assert (first[0], again[0]) == (201, 200) and first[1]["id"] == again[1]["id"]
    assert agent.post("/actions", note(client_id="order-1"))[0] == 200
    assert agent.post("/actions", note(client_id="order-1"), key="order-1")[0] == 200
    status, refusal = agent.post("/actions", note(client_id="order-2"), key="order-1")
    assert (status, "two names for one thing" in refusal["detail"]) == (400, True)
    status, refusal = agent.post("/actions", note("something else"), key="order-1")
    assert (status, refusal["code"], refusal["action"]) == (409, "conflict", first[1]["id"])
    assert Action.objects.count() == 1


def test_an_agent_learns_which_of_its_keys_are_known_and_what_was_proposed_under_them(agent, cast):
    tricky = {"text": 'ä\u2028\U0001f600\x7f\t"\\', "\U0001f600": [1, {"b": 12, "a": None}], "\ufb01": True}
    first = agent.post("/actions", note(), key="order-1")[1]
    odd = agent.post("/actions", {"tool": "note", "args": tricky}, key="order-2")[1]
    factories.proposal()
    agent.post("/actions", note(), key="other-1")
    agent.post("/actions", note(), key="orderX1")
    status, found = agent.post("/actions/known", {"begin": "order-"})
    assert status == 200 and {one["key"]: (one["action"], one["args_sha256"]) for one in found["known"]} == {
        "order-1": (first["id"], Body({"text": "hello"}, {}).sha256),
        "order-2": (odd["id"], Body(tricky, {}).sha256),  # the client writes it as the server does
    }
    action = Action.objects.get(pk=first["id"])
    operations.request_edit(action.pk, by=cast.reviewer, seen_digest=action.digest, args={"text": "other"}, door="web")
    factories.work()
    assert agent.post("/actions/known", {"begin": "order-1"})[1]["known"][0]["args_sha256"] == Body({"text": "hello"}, {}).sha256
    assert [agent.post("/actions/known", {"begin": begin})[1]["known"] for begin in ("order_", "%", "ORDER-")] == [[], [], []]
    assert Action.objects.count() == 4


def test_known_keys_come_in_pages(agent, monkeypatch):
    monkeypatch.setattr("agents.api.actions.KNOWN", 2)
    ids = [agent.post("/actions", note(), key=f"k:{n}")[1]["id"] for n in (1, 2, 3, 10, 20)]
    found: list[dict] = []
    after: str | None = ""
    while after is not None:
        page = agent.post("/actions/known", {"begin": "k:", "after": after})[1]
        found, after = found + page["known"], page["next"]
    assert [one["key"] for one in found] == ["k:1", "k:10", "k:2", "k:20", "k:3"] and {one["action"] for one in found} == set(ids)


@pytest.mark.parametrize("begin", ["", "x" * 201, None, 7, ["a"]])
def test_what_is_no_beginning_of_keys_is_refused(agent, begin):
    assert agent.post("/actions/known", {"begin": begin})[0] in {400, 422}


def test_nobody_else_learns_an_agents_keys(agent, token, cast):
    agent.post("/actions", note(), key="order-1")
    assert token(cast.reviewer).post("/actions/known", {"begin": "order-1"})[0] == 403
    agents.declare(slug="other", title="Other", description="", environment="demo", tools=[], by=cast.admin, door="api")
    _, key = agents.make_key(agent="other", name="k", scopes=["propose"], days=None, by=cast.admin, door="api")
    assert Program(key).post("/actions/known", {"begin": "order-1"}) == (200, {"known": [], "next": None})


def test_the_same_key_finds_its_action_also_where_its_tool_takes_other_arguments_by_now(agent, cast):
    """A program that sends again what was lost is told what became of it, whatever was declared in between."""
    first = agent.post("/actions", note(), key="order-1")
    schema = {"type": "object", "required": ["text", "page"], "properties": {"page": {"type": "integer"}}}
    stricter = [{"name": "note", "risk": "write", "schema": schema}]
    agents.declare(slug="books", title="Books", description="", environment="demo", tools=stricter, by=cast.admin, door="api")
    again, other = agent.post("/actions", note(), key="order-1"), agent.post("/actions", note(), key="order-2")
    assert (again[0], again[1]["id"], other[0]) == (200, first[1]["id"], 422)


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_key_at_one_moment_open_one_action(agent):
    answers = together([lambda: type(agent)(agent.token).post("/actions", note(), key="twice")] * 6)
    assert sorted(status for status, _ in answers) == [200] * 5 + [201]
    assert Action.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_that_know_of_no_other_one_is_opened(agent):
    among = {"begin": "job:", "known": 0}
    answers = together([lambda n=n: type(agent)(agent.token).post("/actions", note(f"{n}", among=among), key=f"job:{n}") for n in range(6)])
    assert sorted(status for status, _ in answers) == [201] + [409] * 5
    assert {answer["code"] for status, answer in answers if status == 409} == {"moved"} and Action.objects.count() == 1


def test_what_is_known_already_is_given_whatever_came_since(agent):
    first = agent.post("/actions", note("1", among={"begin": "job:", "known": 0}), key="job:1")[1]
    agent.post("/actions", note("2"), key="job:2")
    agent.post("/actions", note("2"), key="jobs:2")
    assert agent.post("/actions", note("1", among={"begin": "job:", "known": 0}), key="job:1") == (200, first)
    status, refusal = agent.post("/actions", note("3", among={"begin": "job:", "known": 1}), key="job:3")
    assert (status, refusal["code"]) == (409, "moved") and "look at what is known now" in refusal["detail"]
    assert agent.post("/actions", note("3", among={"begin": "job:", "known": 2}), key="job:3")[0] == 201
    assert agent.post("/actions", note("1", among={"begin": "job:", "known": True}), key="job:1")[0] in {400, 422}


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_one_is_given(agent, cast):
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)
    answers = together([lambda n=n: type(agent)(agent.token).post(f"/actions/{action['id']}/claim", key=f"k{n}")[0] for n in range(6)])
    assert sorted(answers) == [200] + [409] * 5


def test_a_claim_whose_answer_was_lost_is_given_again_to_the_same_key_only(agent, cast):
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)
    path = f"/actions/{action['id']}/claim"
    first, again = agent.post(path, key="c-1"), agent.post(path, key="c-1")
    assert first == again and first[0] == 200
    assert agent.post(path, key="c-2")[0] == 409
    assert agent.post(path)[0] == 409


@pytest.mark.parametrize("order", ["agent", "tool", "switch"])
def test_leave_is_not_given_again_when_an_order_came_since(agent, cast, order):
    """Whoever lost the answer of their claim got it under a halt, and acted."""
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)
    path = f"/actions/{action['id']}/claim"
    assert agent.post(path, key="c-1")[0] == 200
    if order == "switch":
        agents.order_switch(scope="agent", target="books", setting="deny", reason="wait", by=cast.operator, door="web", lasts=None)
        assert agent.post(path, key="c-1")[1]["code"] == "overtaken"
        return
    target = {"agent": "books", "tool": "note"}[order]
    stop = operations.halt(scope=order, target=target, reason="wait", by=cast.operator, door="web")
    status, refusal = agent.post(path, key="c-1")
    assert (status, refusal["code"]) == (409, "overtaken") and "do not begin it" in refusal["detail"]
    factories.release(stop, cast)
    status, refusal = agent.post(path, key="c-1")
    assert (status, refusal["code"]) == (409, "overtaken")  # also when it was lifted
    assert agent.post(f"/actions/{action['id']}/outcome", {"status": "failed", "reason": "never begun"})[0] == 200


def test_what_is_rejected_or_expired_or_withdrawn_is_done(agent, cast):
    rejected = opened(agent)
    decide(Action.objects.get(pk=rejected["id"]), cast.reviewer, "reject", reason="not this one")
    told = agent.get(f"/actions/{rejected['id']}")[1]
    assert (told["next"], told["state"], told["resolution"]["reason"], told["outcome"]["status"]) == (
        "done",
        "REJECTED",
        "not this one",
        "rejected",
    )
    assert agent.post(f"/actions/{rejected['id']}/withdraw", {"reason": "late"})[1]["code"] == "conflict"
    withdrawn = opened(agent)
    status, told = agent.post(f"/actions/{withdrawn['id']}/withdraw", {"reason": "no longer needed"})
    assert (status, told["state"], told["next"], told["resolution"]["by"]) == (200, "CANCELLED", "done", "agent:books")
    assert agent.post(f"/actions/{withdrawn['id']}/withdraw", {"reason": "again"})[1] == told  # for whoever did not get the answer
    with pytest.raises(AlreadyDecided, match="Already cancelled by the agent books"):
        decide(Action.objects.get(pk=withdrawn["id"]), cast.reviewer)
    row = inbox_row(withdrawn["id"])
    assert row and receipt_of(row).by == "the agent books"


def test_what_policy_passes_may_be_claimed_at_once(agent):
    status, action = agent.post("/actions", {"tool": "look", "args": {}})
    assert (status, action["state"], action["next"], action["resolution"]["by"].partition(" ")[0]) == (201, "APPROVED", "claim", "policy")


def test_nothing_is_claimed_in_a_halt_and_what_was_approved_before_it_is_asked_again(agent, cast):
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)
    order = operations.halt(scope="agent", target="books", reason="wait", by=cast.operator, door="web")
    assert agent.get(f"/actions/{action['id']}")[1]["next"] == "wait"
    assert agent.post(f"/actions/{action['id']}/claim")[1]["code"] == "halted"
    assert agent.get("/halts")[1]["items"][0]["reason"] == "wait"
    factories.release(order, cast)
    told = agent.get(f"/actions/{action['id']}")[1]
    assert (told["state"], told["version"], told["next"]) == ("PENDING", 2, "wait")


def test_an_agent_is_told_of_each_order_that_stops_something_of_it_and_of_no_other(agent, cast):
    opened(agent)
    factories.action(agent="books", run=(run := str(uuid4())), args={"what": "a thing", "customer": "c-1"})
    mine = {"version": "books@1", "tool": "pay", "customer": "c-1", "run": run}
    others = {"agent": "calls", "version": "books2@1", "tool": "fly", "customer": "c-2", "run": str(uuid4())}
    for orders in (mine, others):
        for scope, target in orders.items():
            operations.halt(scope=scope, target=target, reason="odd", by=cast.operator, door="web")
    assert {(h["scope"], h["target"]) for h in agent.get("/halts")[1]["items"]} == set(mine.items())


def test_an_approval_that_no_longer_counts_is_not_claimed(agent, cast):
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)
    people.deactivate(username="rita", by=SYSTEM, reason="left")
    status, refusal = agent.post(f"/actions/{action['id']}/claim")
    assert (status, refusal["code"]) == (409, "reopened")
    assert Action.objects.get().state == "PENDING"


def test_arguments_that_do_not_fit_are_refused_with_their_place(agent):
    status, refusal = agent.post("/actions", {"tool": "note", "args": {"text": 5}})
    assert (status, refusal["code"], refusal["fields"]) == (422, "bad_arguments", {"text": "5 is not of type 'string'"})
    assert agent.post("/actions", {"tool": "pay", "args": {"amount_cents": "1,000", "to": "x"}})[1]["fields"] == {
        "amount_cents": "must be a whole number"
    }
    assert agent.post("/actions", {"tool": "note", "args": {"text": "x"}, "risk": "read"})[0] == 422  # no proposal says what its tool is
    assert Action.objects.count() == 0


def test_a_tool_nobody_declared_counts_as_the_worst(agent):
    action = agent.post("/actions", {"tool": "anything", "args": {"x": 1}})[1]
    assert action["level"] in {"medium", "high"} and "does not know" in str(Action.objects.get().requirements.get().factors)


def test_figures_come_from_the_arguments_its_owner_named(agent):
    assert agent.post("/actions", {"tool": "pay", "args": {"amount_cents": 200_000, "to": "ACME"}})[1]["level"] == "critical"
    assert agent.post("/actions", {"tool": "pay", "args": {"amount_cents": 10, "to": "ACME"}})[1]["level"] == "medium"


def test_whoever_it_acts_for_is_on_record(agent, cast):
    action = opened(agent, requested_by="rita")
    assert Action.objects.get(pk=action["id"]).requested_by == cast.reviewer
    assert agent.post("/actions", note(requested_by="nobody"))[0] == 400


def test_a_question_is_answered(agent, cast):
    for nothing in ({"x": 1}, {"question": " "}, {"question": 3}):
        status, refused = agent.post("/actions", {"kind": "question", "args": nothing})
        assert (status, refused["code"]) == (422, "bad_arguments")
    status, action = agent.post("/actions", {"kind": "question", "args": {"question": "Blue or red?"}})
    assert (status, action["summary"]) == (201, "Question: Blue or red?")
    decide(Action.objects.get(), cast.reviewer, "respond")
    told = agent.get(f"/actions/{action['id']}")[1]
    assert (told["next"], told["outcome"]["status"], told["outcome"]["response"]) == ("done", "answered", "an answer")
    assert agent.post(f"/actions/{action['id']}/claim")[0] == 409


def test_what_a_declared_schema_does_not_name_can_be_edited_on_the_page(agent, cast, session):
    _, action = agent.post("/actions", {"tool": "pay", "args": {"amount_cents": 4900, "to": "ACME", "urgent": True}})
    browser = session(cast.reviewer)
    page = browser.generic("GET", reverse("action-edit", args=[action["id"]])).content.decode()
    assert all(f'name="arg-{key}"' in page for key in ("amount_cents", "to", "urgent"))


def test_edited_arguments_are_tried_with_the_declared_schema_and_are_what_is_claimed(agent, cast, token):
    action = opened(agent)
    rita, sam = token(cast.reviewer), token(cast.second)
    wrong = rita.post(f"/actions/{action['id']}/edits", {"digest": action["digest"], "args": {"text": 5}})
    assert wrong[0] == 202 and action["edit"] is None
    where = f"/actions/{action['id']}"
    assert rita.get(where)[1]["edit"] == {"id": wrong[1]["id"], "version": 1, "state": "WANTED", "errors": {}}
    factories.work()
    assert Action.objects.get().version == 1
    refused = rita.get(where)[1]["edit"]
    assert (refused["state"], list(refused["errors"])) == ("REFUSED", ["text"]) and "string" in refused["errors"]["text"]
    assert rita.post(f"/actions/{action['id']}/edits", {"digest": action["digest"], "args": {"text": "better"}})[0] == 202
    factories.work()
    now = agent.get(f"/actions/{action['id']}")[1]
    assert (now["version"], now["args"], now["summary"]) == (2, {"text": "better"}, "Note better")
    assert sam.post(f"/actions/{action['id']}/decisions", {"verdict": "approve", "digest": action["digest"]})[1]["code"] == "stale"
    assert sam.post(f"/actions/{action['id']}/decisions", {"verdict": "approve", "digest": now["digest"]})[0] == 201
    assert agent.post(f"/actions/{action['id']}/claim")[1]["args"] == {"text": "better"}


def test_what_is_claimed_and_never_reported_ends_as_unknown(agent, cast):
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)
    agent.post(f"/actions/{action['id']}/claim")
    assert outside_operations.give_up() == 0
    with clock_moved(hours=25):
        assert outside_operations.give_up() == 1
    assert agent.get(f"/actions/{action['id']}")[1]["outcome"]["status"] == "unknown"
    assert agent.post(f"/actions/{action['id']}/outcome", {"status": "done"})[0] == 409


def test_what_nobody_knows_of_agents_outside_is_listed_where_operators_look(agent, cast, client, capsys):
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    page = lambda: client.get("/unknown/").content.decode()  # noqa: E731
    reported, silent = (opened(agent, args={"text": text}) for text in ("one", "two"))
    for action in Action.objects.all():
        decide(action, cast.reviewer)
        agent.post(f"/actions/{action.pk}/claim")
    assert "Every outcome is known" in page(), "both work at it"
    agent.post(f"/actions/{reported['id']}/outcome", {"status": "unknown", "reason": "cut off"})
    assert reported["id"] in page() and silent["id"] not in page() and "Every outcome is known" not in page()
    with clock_moved(minutes=11):
        assert silent["id"] in page() and "nothing was reported yet" in page()
        call_command("runs", "unknown")
    said = capsys.readouterr().out
    assert f"{reported['id']}  note" in said and f"{silent['id']}  note" in said and "Every outcome" not in said
    agent.post(f"/actions/{silent['id']}/outcome", {"status": "done"})
    with clock_moved(minutes=11):
        assert silent["id"] not in page()


def test_an_agent_sees_its_own_and_nobody_elses(agent, cast):
    other = factories.action()
    mine = opened(agent)
    assert [a["id"] for a in agent.get("/actions")[1]["items"]] == [mine["id"]]
    for method, path, body in [
        ("GET", "", None),
        ("POST", "/claim", {}),
        ("POST", "/withdraw", {"reason": "x"}),
        ("POST", "/outcome", {"status": "done"}),
    ]:
        assert agent.call(method, f"/actions/{other.pk}{path}", body)[0] == 404
    assert [a["slug"] for a in agent.get("/agents")[1]["items"]] == ["books"]
    assert agent.get("/agents/somebody")[0] == 404


def test_an_agents_key_can_never_decide_or_govern(agent, cast):
    action = opened(agent)
    for path, body in [
        (f"/actions/{action['id']}/decisions", {"verdict": "approve", "digest": action["digest"]}),
        (f"/actions/{action['id']}/edits", {"digest": action["digest"], "args": {"text": "y"}}),
        ("/halts", {"scope": "everything", "reason": "r"}),
        ("/runs", {"agent": "books", "input": {}}),
        ("/policies", {"source": "x", "justification": "y"}),
    ]:
        status, refusal = agent.post(path, body)
        assert (status, refusal["code"]) == (403, "not_allowed"), path
    for path in ("/events", "/export/events", "/policies", "/policies/in-force"):
        assert agent.get(path)[0] == 403, path
    assert Decision.objects.count() == 0


def test_pages_of_a_list_follow_each_other(agent):
    ids = {opened(agent, text=str(n))["id"] for n in range(5)}
    seen, cursor = [], ""
    while True:
        page = agent.get(f"/actions?limit=2&cursor={cursor}")[1]
        seen += [a["id"] for a in page["items"]]
        if not page["next"]:
            break
        cursor = page["next"]
    assert set(seen) == ids and len(seen) == 5
    assert agent.get("/actions?cursor=nonsense")[0] == 400


@pytest.mark.parametrize(("sure", "status"), [(0.4, 201), (0, 201), (1, 201), (-0.1, 422), (1.1, 422), ("very", 422)])
def test_how_sure_the_agent_is_is_between_0_and_1_and_only_adds(agent, sure, status):
    got, made = agent.post("/actions", {"tool": "note", "args": {"text": "x"}, "confidence": sure})
    assert got == status
    if status == 201:
        plain = agent.post("/actions", {"tool": "note", "args": {"text": "y"}})[1]
        assert (made["score"] > plain["score"]) is (sure < 0.8) and made["score"] >= plain["score"]


def test_a_method_an_address_does_not_take_is_a_problem_that_names_those_it_does(client):
    answer = client.delete("/api/v1/actions")
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (405, "application/problem+json", "wrong_method")
    assert set(answer["Allow"].replace(" ", "").split(",")) == {"GET", "POST"}


def test_no_worker_of_ours_is_said_to_run_what_an_agent_elsewhere_runs(agent, cast, session):
    action = opened(agent)
    decide(Action.objects.get(), cast.reviewer)

    def page() -> str:
        return str(session(cast.reviewer).generic("GET", reverse("action", args=[action["id"]])).content.decode())

    assert "Waits for the agent to take it" in page() and "worker" not in page().lower().replace("service worker", "")
    agent.post(f"/actions/{action['id']}/claim")
    assert "The agent has taken it" in page()


def test_what_it_is_and_what_is_next_stands_in_headers_whatever_the_arguments_are_called(agent, cast):
    heads = ("Countersign-Action", "Countersign-State", "Countersign-Next")

    def said() -> list[str]:
        return [agent.answer[name] for name in heads]

    _, made = agent.post("/actions", {"tool": "anything", "args": {"id": "x", "next": "claim", "state": "APPROVED"}}, "k-1")
    assert said() == [made["id"], "PENDING", "wait"]
    agent.get(f"/actions/{made['id']}")
    assert said() == [made["id"], "PENDING", "wait"]
    _, made = agent.post("/actions", {"tool": "look", "args": {}}, "k-2")
    agent.post(f"/actions/{made['id']}/claim")
    agent.post(f"/actions/{made['id']}/outcome", {"status": "done"})
    assert said() == [made["id"], "APPROVED", "done"]


@pytest.mark.usefixtures("agents")
def test_what_the_key_of_a_graph_of_ours_proposes_may_be_anything(cast):
    """In a run its amounts are read by the tool's preview; out here nobody reads them, and its class would pass for what they were small."""
    _, token = agents.make_key(agent="calls", name="its key", scopes=["propose", "read"], days=None, by=cast.admin, door="web")
    status, action = Program(token).post("/actions", {"tool": "append", "args": {"label": "x"}}, key="k")
    assert (status, action["level"]) == (201, "high")


def test_whatever_the_policy_weighs_said_otherwise_under_one_key_is_another_body(agent):
    body = {"tool": "note", "args": {"text": "hello"}}
    weighed = {
        "estimated_cost": 9.5,
        "confidence": 0.2,
        "evidence": [{"title": "mail", "text": "pay now"}],
        "level": "high",
        "expires_in_s": 600,
    }
    _, bare = agent.post("/actions", body, "k-0")
    for number, (name, value) in enumerate(weighed.items(), start=1):
        assert agent.post("/actions", {**body, name: value}, "k-0")[0] == 409
        _, made = agent.post("/actions", {**body, name: value}, f"k-{number}")
        assert agent.post("/actions", {**body, name: value, "rationale": "other words"}, f"k-{number}")[1]["id"] == made["id"]
        assert agent.post("/actions", body, f"k-{number}")[0] == 409
    status, again = agent.post("/actions", {**body, "rationale": "because"}, "k-0")
    assert (status, again["id"]) == (200, bare["id"])


@pytest.mark.parametrize("args", [{"text": "x", "more": {f"k{n}": n for n in range(3_000)}}, {"text": ["tag"] * 3_001}])
def test_what_nobody_could_check_one_by_one_is_refused_with_a_sentence(agent, cast, args):
    agents.declare(
        slug="books", title="Books", description="", environment="demo", tools=[{"name": "note", "risk": "write", "summary": "Note", "schema": {"type": "object"}}],
        by=cast.admin, door="api",
    )  # fmt: skip
    status, refusal = agent.post("/actions", {"tool": "note", "args": args})
    assert (status, "hold 3,001 values; nobody can check more than 3,000" in refusal["detail"]) == (422, True)
    assert Action.objects.count() == 0
