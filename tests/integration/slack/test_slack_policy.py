"""A policy that is published reaches cards that stand already: what may not be read there leaves, and so does what belongs elsewhere."""

import pytest

from approvals.models import SlackMessage
from tests import factories
from tests.factories import call
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES
from tests.integration.slack.test_slack_cards import buttons, card, tick, words
from tests.integration.slack.test_slack_review import open_at, submit, text

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]


@pytest.fixture
def edited(world, hands, cast, tmp_path):
    """Somebody changed `label` in Slack; its reply stands under the card."""
    _, action = factories.waiting(cast.operator, call(label="FIRST-LABEL"), world=str(tmp_path / "world"))
    tick()
    open_at(hands, world, "edit")
    submit(hands, "edit", **{"edit:label": text("SECOND-LABEL")}, reason=text("typo"))
    hands.submit("U0MEI", {})
    factories.work()
    tick()
    action.refresh_from_db()
    assert action.version == 2
    return action


def publish(routed, **changed):
    routed.write_text(policy_text(lambda data: data.update(slack={**ROUTES, **changed})))


def test_arguments_leave_the_channel_with_the_next_tick(world, routed):
    factories.action(args={"what": "NOT-FOR-ALL"})
    tick()
    assert "NOT-FOR-ALL" in words(card(world))
    publish(routed, show=[])
    tick()
    assert "NOT-FOR-ALL" not in words(card(world)) and buttons(card(world)) == ["review"]


def test_a_card_that_is_routed_elsewhere_leaves_a_sentence_and_comes_back_with_its_route(world, routed):
    factories.action(args={"what": "THIS"})
    tick()
    publish(routed, channels=[{"channel": "C0RISK"}])
    tick()
    left, new = card(world), card(world, "C0RISK")
    assert "does not send this here any more" in words(left) and "THIS" not in words(left) and buttons(left) == []
    assert buttons(new) == ["approve", "reject", "review"]
    publish(routed)
    tick()
    assert buttons(card(world)) == ["approve", "reject", "review"] and buttons(card(world, "C0RISK")) == []


SHOWN = [{"tools": ["*"], "fields": ["label", "what"]}]


def said(world, channel: str = "C0AI") -> str:
    return " ".join(words(message) for message in world.replies(channel, card(world, channel)["ts"]))


def test_what_an_edit_changed_leaves_the_channel_as_well_decided_or_not(world, routed, edited, cast):
    publish(routed, show=SHOWN)
    tick()
    assert "FIRST-LABEL → SECOND-LABEL" in said(world)
    factories.decide(edited, cast.second)
    tick()
    publish(routed, show=[])
    tick()
    assert "-LABEL" not in said(world) and "1 value that stays out of the channel differs" in said(world) and "typo" in said(world)
    calls = len(world.calls)
    tick()  # once for each policy
    assert len(world.calls) == calls


def test_what_an_edit_changed_leaves_a_channel_that_no_route_leads_to(world, routed, edited):
    publish(routed, show=SHOWN)
    tick()
    publish(routed, show=SHOWN, channels=[{"channel": "C0RISK"}])
    tick()
    assert "-LABEL" not in said(world)
    publish(routed, show=SHOWN)
    tick()
    assert "FIRST-LABEL → SECOND-LABEL" in said(world)


def test_a_reply_that_was_deleted_is_not_posted_again_for_that(world, hands, routed, edited):
    publish(routed, show=SHOWN)
    tick()
    (reply,) = (m for m in world.replies("C0AI", card(world)["ts"]) if "-LABEL" in words(m))
    hands.remove("C0AI", reply["ts"])
    publish(routed, show=[])
    tick()
    assert "Version 2" not in said(world) and SlackMessage.objects.filter(kind="reply", state="SKIPPED").exists()
