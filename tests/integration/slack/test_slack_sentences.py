"""Private sentences: the link in them is ours, guests hear that they are guests, nobody hears the same one five times; and who an event is of."""

import json

import pytest

from approvals.models import Action, Comment
from approvals.policy.slack import SlackRule
from approvals.queries.slack import RefusedEdit
from approvals.slack import refusing, whispers
from tests import factories, fakes
from tests.integration.slack.conftest import link
from tests.integration.slack.test_slack_cards import card, tick

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]


@pytest.fixture
def action(world) -> Action:
    made = factories.action()
    tick()
    return made


def press(hands, world, user):
    return hands.press(user, "C0AI", card(world)["ts"], "approve")


def test_a_guest_is_told_that_guests_decide_on_the_page_and_gets_a_link(hands, world, action):
    world.person("U0GUEST", "T0HOME", "guest", guest=True)
    press(hands, world, "U0GUEST")
    said = world.private("C0AI", "U0GUEST")[-1]
    assert "Guests" in said and "<https://countersign.test|" in said and "code" not in said


def test_links_are_ours_and_no_text_of_others_makes_one(hands, world, action, cast):
    said = whispers.spoken({"user": "U1", "text": "<https://evil.example|here> https://evil.example", "url": "https://countersign.test/x"})
    assert "<https://evil" not in said["text"] and said["text"].endswith(": <https://countersign.test/x|https://countersign.test/x>")
    world.team("T0OTHER", "Other", token="xoxb-other")
    world.person("U0MEI2", "T0OTHER", "mei")
    press(hands, world, "U0MEI2")
    assert world.private("C0AI", "U0MEI2")[-1].endswith(": <https://countersign.test|https://countersign.test>")
    hands.reply("U0STRANGE", "C0AI", "hello", card(world)["ts"])
    assert "<https://countersign.test/preferences/slack|" in world.private("C0AI", "U0STRANGE")[-1]
    assert "<https://countersign.test/preferences/slack|" in hands.command("U0STRANGE", "C0AI", "/approvals", "").body["text"]


def test_pressing_again_and_again_says_the_same_sentence_once_in_some_seconds(hands, world, action):
    for _ in range(5):
        press(hands, world, "U0STRANGE")
    assert len(world.private("C0AI", "U0STRANGE")) == 1
    with fakes.clock_moved(seconds=6):
        press(hands, world, "U0STRANGE")
    press(hands, world, "U0OLIVE")
    assert len(world.private("C0AI", "U0STRANGE")) == 2 and "not in that group" in world.private("C0AI", "U0OLIVE")[-1]


def test_events_of_an_enterprise_grid_name_it_at_the_installation_they_are_for(hands, world, action, cast):
    link(cast.second, "U0GRID", enterprise="E0GRID")
    world.person("U0GRID", "T0HOME", "grid")
    for enterprise, expected in (("E0ELSE", 0), ("E0GRID", 1)):
        said = world.say("C0AI", "U0GRID", "from the grid", thread=card(world)["ts"])
        told = [{"team_id": "T0HOME", "enterprise_id": enterprise, "is_bot": True}]
        event = {"type": "event_callback", "team_id": "T0HOME", "event": {**said, "channel": "C0AI"}, "event_id": enterprise}
        hands._send("/slack/events", json.dumps({**event, "authorizations": told}).encode(), "application/json")
        assert Comment.objects.count() == expected
        tab = {"type": "app_home_opened", "user": "U0GRID", "tab": "home"}
        more = {**event, "event": tab, "event_id": f"home {enterprise}", "authorizations": told}
        hands._send("/slack/events", json.dumps(more).encode(), "application/json")
        assert ("not linked" in json.dumps(world.homes["U0GRID"])) != bool(expected)


@pytest.mark.parametrize(("level", "where"), [("high", "Review says why"), ("critical", "its page says why")])
def test_where_a_refused_edit_is_explained_is_there_of_each_level(level, where):
    """A critical card has a link and no view."""
    found = RefusedEdit("a", "wire_money", level, 1, "rita", None, {"to": "SECRET"}, {"to": "no such account"})
    said = refusing.line(found, SlackRule())
    assert where in said and "no such account" not in said
