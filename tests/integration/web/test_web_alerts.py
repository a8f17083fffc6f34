"""The page of alerts: what is open, acknowledged there, rules set there, history in pages; the console leads to it."""

import pytest
from django.urls import reverse

from approvals.operations import alerting
from approvals.operations.alerting import Reading
from approvals.queries import alerts as queries
from tests.fakes import clock_moved


@pytest.fixture
def raised(cast):
    alerting.observe({"unknown": [Reading(2)]})
    return queries.open_alerts()[0]


def test_an_alert_is_shown_with_its_runbook_and_acknowledged(cast, as_, raised):
    client = as_(cast.operator)
    page = client.get(reverse("alerts")).content.decode()
    assert "Calls whose outcome nobody knows: 2, the limit is 1" in page and reverse("runbook", args=["unknown"]) in page
    assert "1 alert is open" in client.get(reverse("console")).content.decode()
    assert client.post(reverse("alert-ack", args=[raised.id]), {"note": "calling the bank"}).status_code == 302
    page = client.get(reverse("alerts")).content.decode()
    assert "olga sees to it" in page and "calling the bank" in page and reverse("alert-ack", args=[raised.id]) not in page
    assert client.post(reverse("alert-ack", args=[raised.id]), {"note": "again"}).status_code == 409


def test_who_may_not_see_to_it_reads_only(cast, as_, raised):
    client = as_(cast.reviewer)
    page = client.get(reverse("alerts")).content.decode()
    assert "2, the limit is 1" in page and "Acknowledge</button>" not in page and "Set the rule" not in page
    assert client.post(reverse("alert-ack", args=[raised.id]), {"note": "x"}).status_code == 403
    assert client.post(reverse("alerts"), SAID).status_code == 403


SAID = {
    "rule": "oldest_waiting",
    "active": "1",
    "most": "7200",
    "for_s": "0",
    "again": "30",
    "mail": "1",
    "slack": "#ops",
    "reason": "nights",
}


def test_a_rule_is_set(cast, as_):
    client = as_(cast.operator)
    assert client.post(reverse("alerts"), SAID).status_code == 302
    rule = next(r for r in queries.rules() if r.name == "oldest_waiting")
    assert (rule.most, rule.again_s, rule.mail, rule.webhook, rule.slack) == (7_200, 1_800, True, False, "#ops")
    page = client.get(reverse("alerts"), {"rule": "oldest_waiting"}).content.decode()
    assert "from 2 h on, at once" in page and "mail, #ops" in page and "nights" in page and 'value="7200"' in page
    wrong = client.post(reverse("alerts"), {**SAID, "most": "-1"})
    assert (wrong.status_code, b"Write whole numbers" in wrong.content) == (400, True)


def test_what_is_over_is_listed_in_pages(cast, as_, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    for n in range(3):
        for minutes, value in ((10 * n, n + 1), (10 * n + 1, 0), (10 * n + 2, 0)):
            with clock_moved(minutes=minutes):
                alerting.observe({"unknown": [Reading(value)]})
    client = as_(cast.auditor)
    first = client.get(reverse("alerts")).content.decode()
    assert ": 3, the limit" in first and ": 2, the limit" in first and ": 1, the limit" not in first
    ids = [row.id for row in queries.closed_alerts()]
    rest = client.get(reverse("alerts"), {"before": ids[1]}).content.decode()
    assert ": 1, the limit" in rest and ": 3, the limit" not in rest
    assert f"?before={ids[1]}" in first
    assert client.get(reverse("alerts"), {"before": "x"}).status_code == 200
