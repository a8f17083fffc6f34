"""A policy that is published reaches cards that stand already: what may not be read there leaves, and so does what belongs elsewhere."""

import pytest

from tests import factories
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES
from tests.integration.slack.test_slack_cards import buttons, card, tick, words

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]


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
