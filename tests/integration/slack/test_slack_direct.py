"""The app's own conversation with one person: replies under their cards are comments, everything else is read by nobody and says so."""

import pytest

from approvals import operations
from approvals.models import Comment
from approvals.slack.manifest import manifest
from tests import factories
from tests.integration.slack.test_slack_cards import card, tick

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]


@pytest.fixture
def direct(world, cast) -> str:
    """Mei's conversation with the app; the card of what she has reserved stands in it."""
    operations.reserve(factories.action().pk, by=cast.reviewer, door="web")
    tick()
    return world.direct("T0HOME", "U0MEI").id


def say(hands, world, channel, text, **more):
    message = {**world.say(channel, "U0MEI", text), **more}
    return hands.event("T0HOME", {**message, "channel": channel, "channel_type": "im", "event_ts": message["ts"]})


def test_people_may_write_to_the_app_and_a_reply_under_a_card_is_a_comment(hands, world, direct, cast):
    assert manifest()["features"]["app_home"]["messages_tab_read_only_enabled"] is False
    hands.reply("U0MEI", direct, "looks odd to me", card(world, direct)["ts"])
    assert [(c.by, c.text) for c in Comment.objects.all()] == [(cast.reviewer, "looks odd to me")]
    assert world.private(direct, "U0MEI") == []


def test_everything_else_is_told_once_that_nobody_reads_it(hands, world, direct):
    assert say(hands, world, direct, "approve it please").status == 200
    (said,) = world.private(direct, "U0MEI")
    assert "Nobody reads this here" in said and not Comment.objects.exists()
    note = world.say(direct, "U0HOMEBOT", "a reminder")
    hands.reply("U0MEI", direct, "ok", note["ts"])
    assert len(world.private(direct, "U0MEI")) == 2 and not Comment.objects.exists()


def test_the_apps_own_messages_and_what_is_said_in_channels_is_left_alone(hands, world, direct):
    say(hands, world, direct, "from a bot", bot_id="B0")
    say(hands, world, direct, "somebody joined", subtype="channel_join")
    message = world.say("C0AI", "U0MEI", "lunch?")
    hands.event("T0HOME", {**message, "channel": "C0AI", "channel_type": "channel", "event_ts": message["ts"]})
    assert not world.private(direct, "U0MEI") and not world.private("C0AI", "U0MEI")
