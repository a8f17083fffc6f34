"""People over the API: the same operations, ladder and digest as the page; a token proves nobody's presence."""

import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from agents import operations as agents
from approvals import operations
from approvals.models import Action, ApiKey, Decision, Halt
from approvals.operations import api_keys, people
from approvals.queries import shown, viewing
from audit.actors import SYSTEM
from audit.models import Event
from tests import factories
from tests.factories import call
from tests.integration.api.conftest import Program
from tests.integration.test_turns import asking

pytestmark = pytest.mark.usefixtures("cast")


def verdict(action: Action, say: str = "approve", **more):
    action.refresh_from_db()
    return f"/actions/{action.pk}/decisions", {"verdict": say, "digest": action.digest, **more}


def test_a_token_decides_at_medium_once_and_repeats_itself(token, cast):
    action, rita = factories.action(), token(cast.reviewer)
    status, made = rita.post(*verdict(action, reason="fine"), key="d-1")
    assert (status, made["state"], made["resolved"], made["replayed"]) == (201, "APPROVED", True, False)
    assert rita.post(*verdict(action, reason="fine"), key="d-1")[1]["replayed"] is True
    status, refusal = rita.post(*verdict(action, reason="not so fine"), key="d-1")
    assert (status, refusal["code"]) == (409, "already_decided")
    assert token(cast.second).post(*verdict(action))[1]["code"] == "already_decided"
    row = Decision.objects.get()
    assert (row.by, row.door, row.proof) == (cast.reviewer, "api", {})
    assert rita.get(f"/actions/{action.pk}/decisions")[1]["items"][0]["by"] == "rita"


def test_what_was_said_in_somebodys_stead_names_both(token, cast, policy):
    asking(policy, delegates=["operators"])
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    olga = token(cast.operator)
    assert olga.post(*verdict(action))[0] == 201
    assert [(one["by"], one["instead_of"]) for one in olga.get(f"/actions/{action.pk}/decisions")[1]["items"]] == [("olga", "rita")]


@pytest.mark.parametrize("level", ["high", "critical"])
def test_at_high_and_critical_a_token_is_sent_to_the_page_and_may_still_say_no(token, cast, level):
    action, rita = factories.action(level), token(cast.reviewer)
    status, refusal = rita.post(*verdict(action, reason="fine", typed=shown(action.pk).confirm))
    assert (status, refusal["code"]) == (403, "step_up")
    assert f"/actions/{action.pk}/" in refusal["detail"] and refusal["page"] in refusal["detail"]
    assert rita.post(f"/actions/{action.pk}/opened", {"digest": action.digest, "parts": ["all"]})[0] == 403
    assert Decision.objects.count() == 0
    assert rita.post(*verdict(action, "reject", reason="no"))[1]["state"] == "REJECTED"


def test_a_session_gives_what_the_ladder_asks(session, cast):
    action, rita = factories.action("high"), session(cast.reviewer)
    status, refusal = rita.post(*verdict(action, reason="fine"))
    assert (status, refusal["code"]) == (422, "not_viewed") and refusal["parts"]
    parts = [part.name for part in viewing.to_open(action.pk)]
    assert rita.post(f"/actions/{action.pk}/opened", {"digest": action.digest, "parts": parts})[0] == 204
    assert rita.post(*verdict(action, reason="fine"))[1]["resolved"] is True
    assert Decision.objects.get().proof["by"] == "password"


@pytest.mark.parametrize(
    "hidden", [{"args": {"what": "harmless " + "x " * 2_000 + "rm -rf /"}}, {"preview": {"details": {"n": "x" * 9_000}}}]
)
def test_what_the_page_would_fold_away_is_not_approved_unseen(token, session, cast, hidden):
    action, rita = factories.action("medium", **hidden), token(cast.reviewer)
    status, refusal = rita.post(*verdict(action, reason="fine"))
    assert (status, refusal["code"]) == (422, "not_viewed") and refusal["page"] in refusal["detail"]
    assert Decision.objects.count() == 0
    sam = session(cast.second)
    parts = sam.post(*verdict(action))[1]["parts"]
    assert sam.post(f"/actions/{action.pk}/opened", {"digest": action.digest, "parts": list(parts)})[0] == 204
    assert sam.post(*verdict(action))[1]["resolved"] is True


def test_a_token_may_still_say_no_to_what_it_has_not_seen(token, cast):
    action = factories.action("medium", args={"what": "x" * 9_000})
    assert token(cast.reviewer).post(*verdict(action, "reject", reason="no"))[1]["state"] == "REJECTED"


def test_a_session_that_changes_something_carries_the_csrf_token(cast):
    rita = Client(enforce_csrf_checks=True)
    rita.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    action = factories.action()
    path, body = verdict(action)
    refused = rita.post(f"/api/v1{path}", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"], Decision.objects.count()) == (403, "csrf", 0)


@pytest.mark.parametrize("sent", ["Bearer nope", "Bearer cs_agent_wrong", "bearer  ", "Token cs_person_x", "revoked"])
def test_whoever_sends_a_key_means_the_key_whatever_session_is_beside_it(session, cast, sent):
    if sent == "revoked":
        key, secret = api_keys.make(of=cast.admin, name="old", scopes=["read", "decide"], days=30, by=cast.admin, door="web")
        api_keys.revoke(key.pk, by=cast.admin, door="web")
        sent = f"Bearer {secret}"
    rita, action = session(cast.reviewer), factories.action()
    alone = Program().get("/me", Authorization=sent)
    assert (alone[0], alone[1]["code"]) == (401, "unauthorized")
    assert rita.get("/me", Authorization=sent) == alone
    assert rita.post(*verdict(action), Authorization=sent)[0] == 401 and not Decision.objects.exists()
    assert rita.get("/me")[1]["name"] == "rita"


def test_a_good_key_is_who_asks_and_a_proxys_password_is_no_key(session, token, cast):
    rita = session(cast.reviewer)
    assert rita.get("/me", Authorization=f"Bearer {token(cast.auditor).token}")[1]["name"] == cast.auditor.username
    assert rita.get("/me", Authorization="Basic cHJveHk6eA==")[1]["name"] == "rita"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    path, body = verdict(factories.action())
    refused = strict.post(f"/api/v1{path}", body, content_type="application/json", headers={"Authorization": "Basic cHJveHk6eA=="})
    assert (refused.status_code, refused.json()["code"], Decision.objects.count()) == (403, "csrf", 0)


def test_scopes_narrow_and_roles_stay(token, cast):
    action = factories.action()
    assert token(cast.reviewer, "read").post(*verdict(action))[1]["code"] == "not_allowed"
    assert token(cast.auditor).post(*verdict(action))[0] == 403
    assert token(cast.reviewer).post("/halts", {"scope": "everything", "reason": "r"})[0] == 403
    assert token(cast.operator, "read").post("/halts", {"scope": "everything", "reason": "r"})[0] == 403
    assert token(cast.operator).post("/halts", {"scope": "everything", "reason": "r"})[0] == 201
    halt = Halt.objects.get()
    status, answer = token(cast.operator).post(f"/halts/{halt.pk}/release", {"reason": "well"})
    assert (status, answer["released_at"], [w["by"] for w in answer["waits"]]) == (202, None, ["olga"])
    assert token(cast.operator).post(f"/halts/{halt.pk}/release", {"reason": "well"})[0] == 409
    assert token(cast.admin).post(f"/halts/{halt.pk}/release", {"reason": "well"})[1]["released_by"] == "olga, ada"
    assert not Decision.objects.exists()


def test_a_stale_digest_and_ones_own_request_are_refused_as_on_the_page(token, cast):
    action = factories.action()
    assert token(cast.reviewer).post(f"/actions/{action.pk}/decisions", {"verdict": "approve", "digest": "0" * 64})[1]["code"] == "stale"
    own = factories.action("high", requested_by=cast.reviewer)
    assert token(cast.reviewer).post(*verdict(own, "approve"))[1]["code"] == "not_allowed"


def test_a_key_is_kept_as_a_hash_and_opens_nothing_once_it_is_revoked_or_over(cast):
    key, secret = api_keys.make(of=cast.reviewer, name="laptop", scopes=["read"], days=30, by=cast.reviewer, door="web")
    rita = Program(secret)
    assert rita.get("/me")[1] == {"name": "rita", "kind": "person", "agent": None, "scopes": ["read"], "roles": ["reviewers"]}
    assert secret not in str(list(ApiKey.objects.values())) and secret not in str([bytes(e.body) for e in Event.objects.all()])
    api_keys.revoke(key.pk, by=cast.reviewer, door="web")
    assert rita.get("/me")[0] == 401
    for wrong in ("", "cs_person_nonsense", "\x7f", "Bearer"):
        status, refusal = Program(wrong or "x").get("/me")
        assert (status, refusal["code"]) == (401, "unauthorized")


def test_a_locked_account_has_no_key(token, cast):
    rita = token(cast.reviewer)
    people.deactivate(username="rita", by=SYSTEM, reason="left")
    assert rita.get("/me")[0] == 401


def test_nobody_makes_a_key_for_somebody_else(cast, outside):
    from agents import operations
    from approvals.errors import BadRequest, NotAllowed

    with pytest.raises(NotAllowed):
        api_keys.make(of=cast.reviewer, name="x", scopes=["read"], days=1, by=cast.admin, door="web")
    with pytest.raises(NotAllowed):
        operations.make_key(agent=outside, name="x", scopes=["propose"], days=None, by=cast.reviewer, door="web")
    with pytest.raises(BadRequest):
        operations.make_key(agent=outside, name="x", scopes=["decide"], days=None, by=cast.admin, door="web")
    with pytest.raises(BadRequest):
        api_keys.make(of=cast.reviewer, name="x", scopes=["propose"], days=1, by=cast.reviewer, door="web")


def test_too_many_requests_in_a_minute_are_told_when_to_come_again(token, cast, settings):
    settings.API_RATE = 3
    rita = token(cast.reviewer)
    statuses = [rita.get("/me")[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429] or 429 not in statuses  # the minute may have just ended
    if statuses[-1] == 429:
        assert 1 <= int(rita.answer["Retry-After"]) <= 61


def test_an_agent_is_declared_by_an_administrator_and_changed_by_its_owner(token, cast):
    body = {"title": "Mail", "tools": [{"name": "send", "risk": "message", "args_schema": {"type": "object"}}]}
    assert token(cast.reviewer).call("PUT", "/agents/mail", body)[0] == 403
    ada = token(cast.admin)
    status, agent = ada.call("PUT", "/agents/mail", body)
    assert (status, agent["owner"], agent["outside"], agent["version"]) == (201, "ada", True, 1)
    assert ada.call("PUT", "/agents/mail", body)[1]["version"] == 1
    body["tools"][0]["risk"] = "money"
    assert ada.call("PUT", "/agents/mail", body)[1]["version"] == 2
    assert (
        ada.call("PUT", "/agents/mail", {"tools": [{"name": "x", "risk": "read", "args_schema": {"type": "nonsense"}}]})[1]["code"]
        == "bad_input"
    )
    assert ada.post("/runs", {"agent": "mail", "input": {}})[1]["code"] == "unknown_agent"
    assert token(cast.operator).post("/halts", {"scope": "agent", "target": "mail", "reason": "r"})[0] == 201


@pytest.mark.usefixtures("agents")
def test_a_run_is_started_once_followed_and_cancelled(token, cast, world):
    olga = token(cast.operator)
    body = {"agent": "calls", "input": {"calls": [factories.call()], "world": world}}
    status, run = olga.post("/runs", body, key="r-1")
    assert status == 201 and olga.post("/runs", body, key="r-1")[1]["id"] == run["id"]
    status, refused = olga.post("/runs", {"agent": "calls", "input": {"calls": [], "world": world}}, key="r-1")
    assert (status, refused["code"], refused["run"]) == (409, "conflict", run["id"]) and "another input" in refused["detail"]
    _, theirs = token(cast.reviewer).post("/runs", body, key="r-1")  # another person's key of the same name is theirs
    assert theirs["id"] != run["id"] and theirs["started_by"] == cast.reviewer.username
    assert [one["id"] for one in olga.get("/runs?state=live")[1]["items"]] == [theirs["id"], run["id"]]
    assert olga.get("/runs?state=nonsense")[0] == 422
    factories.work()
    now = olga.get(f"/runs/{run['id']}")[1]
    assert now["state"] == "WAITING" and len(now["actions"]) == 1
    story = olga.get(f"/runs/{run['id']}/events")[1]
    assert story["finished"] is False and story["events"][0]["kind"] == "run.created"
    last = story["events"][-1]["id"]
    assert olga.post(f"/runs/{run['id']}/resume")[1]["code"] == "wrong_state"
    assert olga.post(f"/runs/{run['id']}/cancel", {"reason": "enough"})[1]["state"] == "CANCELLED"
    rest = olga.get(f"/runs/{run['id']}/events?after={last}")[1]
    assert rest["finished"] is True and "run.cancelled" in {e["kind"] for e in rest["events"]}
    assert olga.post("/runs", {"agent": "calls", "input": {"calls": 5}})[1]["code"] == "bad_input"


@pytest.mark.usefixtures("agents")
def test_an_ended_run_is_rated_by_people_for_themselves(token, cast, world):
    run = factories.run(cast.reviewer, factories.call("look"), world=world)
    rita = token(cast.reviewer)
    assert rita.post(f"/runs/{run.pk}/rating", {"useful": True})[1]["code"] == "wrong_state"
    factories.work()
    assert rita.post(f"/runs/{run.pk}/rating", {"useful": False, "words": "late"})[1] == {
        "run": str(run.pk),
        "useful": False,
        "words": "late",
        "said_by": "",
    }
    assert rita.post(f"/runs/{run.pk}/rating", {"useful": True, "said_by": "a customer"})[0] == 400
    assert rita.post(f"/runs/{run.pk}/rating", {"useful": "maybe"})[0] == 422


def test_the_log_is_listed_and_exported_with_its_proof(token, cast):
    import hashlib

    factories.approved(cast.reviewer)
    aldo = token(cast.auditor, "read")
    page = aldo.get("/events?limit=2")[1]
    assert len(page["items"]) == 2 and aldo.get(f"/events?limit=2&cursor={page['next']}")[1]["items"][0]["id"] < page["items"][-1]["id"]
    lines = [json.loads(line) for line in aldo.get("/export/events?limit=3")[1].decode().splitlines()]
    assert len(lines) == 3 and 'rel="next"' in aldo.answer["Link"]
    for line in lines:
        assert hashlib.sha256(b"\0" + line["body"].encode()).hexdigest() == line["leaf"]


def _logged(cursor):
    """One event more, in a transaction that goes on: its id."""
    cursor.execute(
        "INSERT INTO audit_event (at, tenant, stream, seq, kind, actor_kind, actor_id, actor_name, door, agent, run, action, digest,"
        " policy, body, leaf) SELECT at, tenant, gen_random_uuid()::text, 1, kind, actor_kind, actor_id, actor_name, door, agent, run, action,"
        " digest, policy, body, leaf FROM audit_event LIMIT 1 RETURNING id"
    )
    return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_who_began_later_and_wrote_earlier_is_waited_for(cast, monkeypatch):
    """A snapshot names none that began after the last one that is over: this one would be missed."""
    from audit import settled

    factories.action()
    first, second = connection.copy(), connection.copy()
    try:
        for one in (first, second):
            one.set_autocommit(False)
            one.cursor().execute("SELECT pg_current_xact_id()")
        earlier, later = _logged(second.cursor()), _logged(first.cursor())
        first.commit()
        monkeypatch.setattr(settled, "PATIENCE_S", 0.1)
        with pytest.raises(settled.Unsettled):
            settled.last_id()
        second.commit()
        assert earlier < later == settled.last_id()
    finally:
        first.close()
        second.close()


@pytest.mark.django_db(transaction=True)
def test_who_takes_the_log_away_by_ids_misses_nothing_that_commits_late(token, cast, monkeypatch):
    """Ids are given out before they can be seen: a greater one that is seen first must not hide the smaller."""
    from django.db import transaction

    from audit import log
    from audit.actors import SYSTEM
    from audit.log import Entry

    aldo, slow = token(cast.auditor, "read"), connection.copy()
    known = _ids(aldo.get("/export/events")[1])
    try:
        slow.set_autocommit(False)
        with slow.cursor() as cursor:
            late = _logged(cursor)
        with transaction.atomic():
            log.append(Entry(stream="quick", kind="test.made", by=SYSTEM, door="cli"))
        with monkeypatch.context() as impatient:
            impatient.setattr("audit.settled.PATIENCE_S", 0.1)
            status, refusal = aldo.get(f"/export/events?after={known[-1]}")
        assert (status, refusal["code"], aldo.answer["Retry-After"]) == (503, "unsettled", "5")
        slow.commit()
    finally:
        slow.close()
    new = _ids(aldo.get(f"/export/events?after={known[-1]}")[1])
    assert new[0] == late and len(new) == 2


def test_which_action_is_a_test_is_told_to_those_only_that_it_does_not_test(token, session, cast, agents, world):
    """The pages' own rule, by whichever door somebody reads."""
    from agents import operations as agents_operations
    from approvals.operations import seeding

    evidence = {"rationale": "It was asked for.", "evidence": [{"title": "Mail", "text": "Please pay 45.00 to ada"}]}
    factories.waiting(cast.operator, factories.call("pay", evidence, amount_cents=4_500, to="ada"), world=world)
    seeding.set_plan(group="reviewers", active=True, every=10, per_day=5, kinds=["amount"], by=cast.admin, door="cli")
    drill, placed = agents_operations.place_drill("reviewers"), Event.objects.get(kind="drill.placed")
    for user, told in ((cast.reviewer, False), (cast.operator, False), (cast.auditor, True), (cast.admin, True)):
        for client in (token(user, "read"), session(user)):
            kinds = [
                e["kind"] for query in ("kind=drill.placed", "kind=drill.", "limit=200") for e in client.get(f"/events?{query}")[1]["items"]
            ]
            assert ("drill.placed" in kinds) is told and "drill.plan_changed" in kinds
            assert client.get(f"/events/{placed.pk}")[0] == (200 if told else 404)
            lines = client.get(f"/export/events?after={placed.pk - 5}")[1].decode()
            assert ("drill.placed" in lines) is told and drill in lines
        asked, real = (client.get(f"/actions/{pk}")[1] for pk in (drill, Action.objects.get(drill=False).pk))
        assert {asked["id"], real["id"]} == set(client.get(f"/runs/{real['run']}")[1]["actions"])
        for name in (
            "agent",
            "tool",
            "run",
            "next",
            "needs",
            "verdicts",
            "editable",
            "hears_reason",
            "rejecting_ends_run",
            "requested_by",
            "marks",
        ):
            assert asked[name] == real[name], name


def _ids(lines: bytes) -> list[int]:
    return [json.loads(line)["id"] for line in lines.decode().splitlines()]


def test_a_policy_is_proposed_and_published_by_another(token, cast, policy):
    ada = token(cast.admin)
    now = ada.get("/policies/in-force")[1]
    made = ada.post("/policies", {"source": now["source"].replace("untrusted_text: 8", "untrusted_text: 9"), "justification": "more care"})
    assert made[0] == 201 and made[1]["number"] == 0
    assert ada.post(f"/policies/{made[1]['id']}/publish", {"note": ""})[1]["number"] == now["number"] + 1
    status, refusal = ada.post("/policies", {"source": "levels: 5", "justification": "x"})
    assert (status, refusal["code"]) == (422, "invalid_policy") and refusal["fields"]


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 400),
        (b'{"tool": "a", "tool": "b", "args": {}}', "application/json", 400),
        (b'{"args": {"x": NaN}}', "application/json", 400),
        (b'{"args": {"x": "\\u0000"}}', "application/json", 400),
        (b'{"args": {"x": "\\ud800"}}', "application/json", 400),
        (b'{"args": {"x": 99999999999999999999}}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"args": {"x": "%s"}}' % (b"a" * 300_000), "application/json", 400),
        (b'{"args": {"x": "%s"}}' % (b"a" * 900_000), "application/json", 413),
        (b"args=1", "application/x-www-form-urlencoded", 415),
        (b'{"args": []}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"args": {}, "unknown": 1}', "application/json", 422),
    ],
)
def test_bad_bodies_are_problems_with_a_sentence(agent, raw, content_type, status):
    answer = agent.generic("POST", "/api/v1/actions", raw, content_type=content_type, headers={"Authorization": f"Bearer {agent.token}"})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["detail"] and answer.json()["code"] and Action.objects.count() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/actions/nonsense",
        "/actions/%00",
        "/runs/" + "a" * 3000,
        "/events?cursor=%F0%9F",
        "/events/0",
        "/policies/99999999999999999999",
    ],
)
def test_addresses_that_lead_nowhere_are_problems_too(token, cast, path):
    status, refusal = token(cast.admin).get(path)
    assert status in {400, 404, 422} and refusal["status"] == status and refusal["detail"]


@pytest.mark.usefixtures("shapes")
def test_a_question_whose_answer_could_not_be_used_is_asked_again(token, cast, world):
    run, question = factories.waiting(cast.reviewer, agent="number", world=world)
    olga = token(cast.operator)
    assert olga.post(f"/runs/{run.pk}/ask-again")[1]["code"] == "wrong_state"
    factories.decide(question, cast.second, "respond", response="a few")
    factories.work()
    assert token(cast.auditor, "read").post(f"/runs/{run.pk}/ask-again")[0] == 403
    assert olga.post(f"/runs/{run.pk}/ask-again")[1]["state"] == "READY"
    factories.work()
    assert factories.asked(run)[0].follows == question.pk


def test_whether_other_arguments_may_be_written_is_said_beside_the_verdicts(token, agent, cast):
    rita = token(cast.reviewer)
    _, call = agent.post("/actions", {"tool": "note", "args": {"text": "hello"}})
    _, question = agent.post("/actions", {"kind": "question", "args": {"question": "Blue?"}})
    assert (call["editable"], question["editable"]) == (True, False)
    factories.decide(Action.objects.get(pk=call["id"]), cast.reviewer)
    assert rita.get(f"/actions/{call['id']}")[1]["editable"] is False
    fixed = factories.action(agent_takes=("approve", "reject"))
    assert rita.get(f"/actions/{fixed.pk}")[1]["editable"] is False


def test_which_answers_a_question_takes_is_said_with_it(token, cast):
    """A program had to send an answer to hear, from its refusal, what would have fitted."""
    schema = {"type": "object", "properties": {"branch": {"enum": ["main", "release"]}}, "required": ["branch"]}
    asks = factories.action(kind="question", args={"question": "Which?"}, answer_schema=schema)
    free = factories.action(kind="question", args={"question": "Why?"})
    rita = token(cast.reviewer)
    assert rita.get(f"/actions/{asks.pk}")[1]["answer_schema"] == schema
    assert rita.get(f"/actions/{free.pk}")[1]["answer_schema"] is None
    documented = rita.get("/openapi.json")[1]["components"]["schemas"]["Action"]["properties"]["answer_schema"]
    assert documented["examples"] == [schema] and "as_json" in documented["description"]


@pytest.mark.usefixtures("agents")
def test_a_call_of_which_nobody_knows_what_came_says_so_until_an_operator_does(token, cast, world, capsys):
    action = factories.waiting(cast.reviewer, factories.call("explode"), world=world)[1]
    olga, path = token(cast.operator), f"/actions/{action.pk}"
    assert olga.get(path)[1]["unknown"] == ""
    factories.decide(action, cast.second)
    factories.work()
    found = olga.get(path)[1]
    assert (found["state"], found["next"]) == ("APPROVED", "wait") and "nobody knows what came of it" in found["unknown"]
    call_command("actions", "show", str(action.pk))
    assert "nobody knows what came of it" in capsys.readouterr().out
    agents.resolve_unknown(action.pk, done=True, reason="I looked", by=cast.operator, door="web")
    found = olga.get(path)[1]
    assert (found["unknown"], found["next"], found["outcome"]["status"]) == ("", "done", "done")


@pytest.mark.usefixtures("agents")
def test_what_a_halt_would_stop_is_counted_before(token, cast, world):
    factories.waiting(cast.reviewer, call(), world=world)
    olga = token(cast.operator, "read")
    assert olga.get("/halts/preview?scope=agent&target=calls") == (
        200,
        {"scope": "agent", "target": "calls", "runs": 1, "actions": 1, "calls": 0, "reversals": 0, "not_reversed": 0},
    )
    assert olga.get("/halts/preview?scope=everything")[1]["runs"] == 1 and not Halt.objects.exists()
    assert [olga.get(f"/halts/preview?{q}")[0] for q in ("scope=agent&target=nobody", "scope=galaxy", "", "scope=agent")] == [
        404,
        422,
        422,
        404,
    ]
    assert token(cast.reviewer).get("/halts/preview?scope=everything")[0] == 403
