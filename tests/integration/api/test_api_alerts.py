"""Alerts, their rules and those of automatic halts over the API: the same operations, permissions and words as the page and `manage.py`."""

import pytest

from agents.operations import alerts as measuring
from approvals.models import Alert, AlertRule, HaltRule
from approvals.operations import alerting
from approvals.operations.alerting import Reading
from audit import queries as log

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture
def alert(cast) -> Alert:
    alerting.observe({"unknown": [Reading(3)]})
    return Alert.objects.get()


def test_what_is_open_is_listed_read_and_acknowledged_once(token, cast, alert):
    olga = token(cast.operator)
    status, found = olga.get("/alerts")
    (row,) = found["items"]
    assert (status, row["id"], row["rule"], row["last"], row["most"]) == (200, alert.pk, "unknown", 3, 1)
    assert row["words"] == "Calls whose outcome nobody knows: 3, the limit is 1" and row["runbook_url"].endswith(
        "/alerts/runbooks/unknown/"
    )
    status, said = olga.post(f"/alerts/{alert.pk}/acknowledge", {"note": "I look into it"})
    assert (status, said["acked_by"], said["ack_note"]) == (200, "olga", "I look into it")
    assert olga.get(f"/alerts/{alert.pk}")[1] == said
    (event,) = [e for e in log.events().rows if e.kind == "alert.acknowledged"]
    assert (event.door, event.actor) == ("api", "olga")
    status, refusal = olga.post(f"/alerts/{alert.pk}/acknowledge", {"note": "again"})
    assert (status, refusal["code"]) == (409, "conflict") and "olga sees to it already" in refusal["detail"]


def test_what_is_over_is_listed_apart_in_pages(token, cast):
    rows = [Alert(rule="unknown", key=str(n), value=1, most=1, last=0, worst=1, opened_at="2026-01-01T00:00Z", told_at="2026-01-01T00:00Z",
                  closed_at="2026-01-02T00:00Z") for n in range(3)]  # fmt: skip
    Alert.objects.bulk_create(rows)
    rita = token(cast.reviewer)
    assert rita.get("/alerts")[1] == {"items": [], "next": None}
    first = rita.get("/alerts?open=false&limit=2")[1]
    assert rita.get("/alerts?cursor=zzz")[0] == rita.get("/alerts?open=false&cursor=zzz")[0] == 400
    rest = rita.get(f"/alerts?open=false&limit=2&cursor={first['next']}")[1]
    assert [row["key"] for row in (*first["items"], *rest["items"])] == ["2", "1", "0"] and rest["next"] is None


def test_a_rule_of_alerts_is_set_with_a_reason_and_what_is_not_named_stays(token, cast):
    olga = token(cast.operator)
    before = next(rule for rule in olga.get("/alerts/rules")[1]["items"] if rule["name"] == "running")
    status, rule = olga.post("/alerts/rules/running", {"active": True, "most": 5, "reason": "many runs cost money"})
    assert (status, rule["active"], rule["most"], rule["for_s"], rule["by"]) == (200, True, 5, before["for_s"], "olga")
    assert olga.get("/alerts/rules/running")[1] == rule
    (event,) = [e for e in log.events().rows if e.kind == "alert.rule_set"]
    assert (event.door, event.data["before"]["most"]) == ("api", before["most"])
    measuring.look()
    assert AlertRule.objects.get().most == 5


def test_a_rule_of_automatic_halts_is_set_for_one_agent(token, cast, agents):
    olga = token(cast.operator)
    usual = olga.get("/halt-rules/tokens")[1]
    status, rule = olga.post("/halt-rules/tokens", {"agent": "calls", "active": True, "most": 1_000, "reason": "it talks too much"})
    assert (status, rule["agent"], rule["most"], rule["window_s"], rule["by"]) == (200, "calls", 1_000, usual["window_s"], "olga")
    assert olga.get("/halt-rules/tokens?agent=calls")[1] == rule and olga.get("/halt-rules/tokens")[1] == usual
    assert [r["agent"] for r in olga.get("/halt-rules")[1]["items"] if r["kind"] == "tokens"] == ["", "calls"]
    assert (HaltRule.objects.get().agent, [e.door for e in log.events().rows if e.kind == "halt.rule_set"]) == ("calls", ["api"])


DOORS = [
    ("/alerts/{alert}/acknowledge", {"note": "n"}),
    ("/alerts/rules/running", {"most": 5, "reason": "r"}),
    ("/halt-rules/tokens", {"most": 5, "reason": "r"}),
]


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_only_operators_with_the_scope_change_anything(token, session, agent, cast, alert, path, body):
    path = path.format(alert=alert.pk)
    for who in (token(cast.reviewer), session(cast.auditor), token(cast.operator, "read"), agent):
        status, refusal = who.post(path, body)
        assert (status, refusal["code"]) in {(403, "not_allowed"), (403, "csrf")}, refusal
    alert.refresh_from_db()
    assert (alert.acked_at, AlertRule.objects.count(), HaltRule.objects.count()) == (None, 0, 0)


@pytest.mark.parametrize("path", ["/alerts", "/alerts/1", "/alerts/rules", "/alerts/rules/running", "/halt-rules", "/halt-rules/tokens"])
def test_who_may_read_nothing_reads_nothing(session, agent, cast, path):
    assert [who.get(path)[0] for who in (agent, session(cast.outsider))] == [403, 403]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/alerts/999999/acknowledge", {"note": "n"}, 404),
        ("/alerts/{alert}/acknowledge", {"note": " "}, 400),
        ("/alerts/rules/nothing", {"most": 1, "reason": "r"}, 404),
        ("/alerts/rules/running", {"most": 0, "reason": "r"}, 422),
        ("/alerts/rules/running", {"most": 1, "reason": " "}, 400),
        ("/alerts/rules/running", {"most": 1, "reason": "r", "slack": "not a channel"}, 400),
        ("/alerts/rules/running", {"mots": 1, "reason": "r"}, 422),
        ("/halt-rules/nothing", {"most": 1, "reason": "r"}, 404),
        ("/halt-rules/tokens", {"most": 1, "window_s": 5, "reason": "r"}, 422),
        ("/halt-rules/tokens", {"agent": "nobody", "most": 1, "reason": "r"}, 404),
    ],
)
def test_what_does_not_fit_is_a_problem_and_changes_nothing(token, cast, alert, path, body, status):
    answer = token(cast.operator).post(path.format(alert=alert.pk), body)
    assert (answer[0], answer[1]["status"]) == (status, status), answer
    assert (AlertRule.objects.count(), HaltRule.objects.count(), Alert.objects.filter(acked_at=None).count()) == (0, 0, 1)


def test_the_document_shows_examples_of_each(client, db):
    document = client.get("/api/v1/openapi.json").json()
    shapes = document["components"]["schemas"]
    assert all(shapes[name]["example"] for name in ("AlertRuleIn", "HaltRuleIn", "AlertNote"))
    assert {"get", "post"} == document["paths"]["/api/v1/alerts/rules/{name}"].keys()
