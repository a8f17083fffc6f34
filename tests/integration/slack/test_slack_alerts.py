"""Alerts in Slack: one message in the rule's channel, none twice, and nothing from outside that links or mentions."""

import pytest

from approvals.operations import alerting
from approvals.operations.alerting import Reading
from approvals.queries import slack as queries
from tests.fakes import clock_moved
from tests.integration.slack.test_slack_cards import tick

pytestmark = [pytest.mark.usefixtures("linked"), pytest.mark.django_db]


def said(world):
    return [message["blocks"][0]["text"] for message in world.cards("C0RISK")]


def observe(n, minutes=0, rule="unknown", **more):
    with clock_moved(minutes=minutes):
        alerting.observe({rule: [Reading(n, **more)]})


def test_an_alert_and_its_end_are_said_in_the_channel_once_each(cast, world):
    alerting.set_rule(name="unknown", slack="C0RISK", reason="so", by=cast.operator, door="web")
    observe(2)
    observe(2, 1)
    tick()
    (first,) = said(world)
    assert first["text"].startswith("Alert: Calls whose outcome nobody knows\n") and "2, the limit is 1" in first["text"]
    assert "<https://countersign.test/alerts/runbooks/unknown/|What to do>" in str(world.cards("C0RISK")[0]["blocks"][1])
    observe(0, 2)
    observe(0, 3)
    tick(4)
    assert said(world)[1]["text"].startswith("Over: Calls whose outcome nobody knows")
    assert len(said(world)) == 2 and queries.standing().failed == 0


def test_what_an_alert_is_about_neither_links_nor_mentions(cast, world):
    alerting.set_rule(name="auto_halts", slack="C0RISK", reason="so", by=cast.operator, door="web")
    observe(1, rule="auto_halts", key="7", about="agent <!channel>: <https://evil.example|look> & more")
    tick()
    assert said(world)[0]["type"] == "plain_text" and "agent <!channel>: <https[://]evil[.]example|look> & more" in said(world)[0]["text"]


def test_without_a_channel_nothing_is_owed(world):
    observe(2)
    tick()
    assert said(world) == []
