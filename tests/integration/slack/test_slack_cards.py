"""Cards: where they go, what stands on them, and that every copy follows the truth."""

import json
import re

import pytest

from approvals import operations, tasks
from approvals.models import SlackMessage
from approvals.operations import commenting
from approvals.queries import comments
from approvals.slack import keeping, sending
from audit import queries as log
from audit.views.words import sentence_of
from tests import factories, fakes
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]


def tick(minutes: float = 0) -> None:
    """Spread and send, as the worker's ticks do; later ones find the buckets filled again."""
    with fakes.clock_moved(minutes=minutes):
        tasks.reach()
        for _ in range(30):
            if not sending.tick():
                return
            SlackMessage.objects.filter(state="WAITING").first()
            from approvals.models import SlackChannel

            SlackChannel.objects.update(post_at="2020-01-01T00:00Z", update_at="2020-01-01T00:00Z")


def card(world, channel="C0AI"):
    return world.cards(channel)[-1]


def words(message) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def buttons(message) -> list[str]:
    return [e["action_id"] for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]


def test_a_card_goes_where_the_policy_says_and_shows_what_is_safe(world):
    factories.action(args={"what": "this"})
    factories.action("high", args={"what": "that", "account": "SECRET"}, summary="Pay SECRET")
    tick()
    (medium,), (high,) = world.cards("C0AI"), world.cards("C0RISK")
    assert buttons(medium) == ["approve", "reject", "review"] and "what\\nthis" in words(medium) and "Medium risk" in words(medium)
    assert buttons(high) == ["review"] and "SECRET" not in words(high) and "SECRET" not in high["text"]
    assert len(medium["blocks"]) <= 12 and "<!date^" in words(medium) and "/actions/" in words(medium)


def test_why_it_scored_so_tells_no_argument_where_none_may_stand(world, routed):
    """A figure, a path and what a rule is about are the call's: where its arguments stay out, the factor's name and points stand."""
    rule = {"name": "big-ones", "about": "Refunds of Ms Secret", "score": 60}
    routes = {**ROUTES, "channels": [{"channel": "C0AI"}]}
    seen: list[str] = []
    for change in ({}, {"rules": [rule]}):
        routed.write_text(policy_text(lambda d, more=change: d.update(slack=routes, **more)))
        for args in ({"what": "x", "cents": 123_456}, {"what": "x"}):
            factories.action(args=args, figures={"amount_cents": 123_456})
            tick(minutes=len(seen))
            seen.append(words(world.cards("C0AI")[-1]))
    hidden, shown, by_rule, open_rule = seen
    assert "123,456" not in hidden and "Amount +40 · score" in hidden and "amount cents is 123,456" in shown
    assert "Ms Secret" not in by_rule and "Rule big-ones +60 · score" in by_rule and "Ms Secret" in open_rule


def test_a_title_that_is_cut_is_not_whole(world, hands, cast):
    action = factories.action(summary="Refund " + "x" * 150 + " to the attacker")
    factories.action(summary="Refund " + "x" * 100)
    tick()
    long, short = world.cards("C0AI")
    assert buttons(long) == ["review"] and "summary is longer" in words(long) and buttons(short) == ["approve", "reject", "review"]
    factories.action(summary="x" * 601)
    tick(minutes=1)
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    assert "summary is longer" in str(world.top("U0MEI").view) and str(action.pk) in words(long)


@pytest.mark.parametrize(
    ("level", "args", "expected"),
    [
        ("critical", {"what": "this"}, ["web"]),
        ("high", {"what": "this"}, ["review"]),
        ("medium", {"what": "this", "other": "hidden"}, ["review"]),
        ("medium", {"what": "x" * 1_201}, ["review"]),
        ("medium", {"what": {"k" * 201: "x"}}, ["review"]),  # the name is cut
        ("medium", {"what": {"@" + "@a" * 90: "@a" * 580}}, ["review"]),  # breaking what would mention makes it longer than a field
        ("medium", {"what": [str(n) for n in range(21)]}, ["review"]),
        ("medium", {"what": {"a": "b"}}, ["approve", "reject", "review"]),
    ],
)
def test_what_slack_cannot_show_whole_it_only_opens(world, level, args, expected):
    factories.action(level, args=args)
    tick()
    assert buttons(card(world, "C0AI" if level == "medium" else "C0RISK")) == expected


def test_hidden_characters_and_mentions_reach_nobody(world, routed):
    routed.write_text(policy_text(lambda d: d.update(slack={**ROUTES, "channels": [{"channel": "C0AI"}]})))
    factories.action(args={"what": "pay\u202egpj.exe"}, agent="<!channel>", tool="do_it")
    factories.action(args={"what": "<!here> @channel <https://evil.example|click> *bold*"})
    tick()
    odd, mention = world.cards("C0AI")
    assert buttons(odd) == ["review"] and "U+202E" in words(odd) and "\u202e" not in words(odd)
    assert "<!channel>" not in odd["text"] and "@channel" not in words(mention)
    for message in (odd, mention):
        for block in message["blocks"]:
            for text in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
                if text and text.get("type") == "mrkdwn":
                    assert "evil" not in text["text"] and "<!here" not in text["text"] and "<!channel" not in text["text"]


def test_every_copy_becomes_the_receipt_whoever_decides(world, cast, hands):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    tick()
    direct = world.direct("T0HOME", "U0MEI").id
    assert buttons(card(world)) == buttons(card(world, direct)) == ["approve", "reject", "review"]
    factories.decide(action, cast.second, "reject", reason="not this one")
    tick()
    for channel in ("C0AI", direct):
        assert len(world.cards(channel)) == 1 and buttons(card(world, channel)) == []
        assert (
            "Rejected" in words(card(world, channel))
            and "by sam" in words(card(world, channel))
            and "not this one" in words(card(world, channel))
        )
        (reply,) = world.replies(channel, card(world, channel)["ts"])
        assert "Rejected by sam" in reply["text"]


def test_votes_so_far_new_versions_and_undoing_show_on_the_card(world, cast):
    two = factories.action("critical")
    tick()
    factories.decide(two, cast.reviewer)
    tick()
    assert "1 of 2" in words(card(world, "C0RISK")) and "rita approved" in words(card(world, "C0RISK"))
    factories.decide(two, cast.second)
    tick()
    assert "Approved" in card(world, "C0RISK")["text"] and buttons(card(world, "C0RISK")) == []


def test_what_was_decided_before_it_could_be_posted_is_not_posted(world, cast, slack):
    action = factories.action()
    tasks.reach()
    factories.decide(action, cast.reviewer)
    tick()
    assert world.cards("C0AI") == [] and SlackMessage.objects.get().state == "SKIPPED"


def test_a_deleted_card_and_a_changed_one_are_posted_again(world, hands, cast):
    factories.action()
    tick()
    first = card(world)
    hands.remove("C0AI", first["ts"])
    tick()
    second = card(world)
    assert len(world.cards("C0AI")) == 1 and second["ts"] != first["ts"]
    second |= {"text": "Nothing to see", "blocks": [], "edited": {"user": "U0MALLORY", "ts": "1.1"}}
    hands.event("T0HOME", {"type": "message", "subtype": "message_changed", "channel": "C0AI", "message": second, "ts": "9.9"})
    tick()
    assert buttons(card(world)) == ["approve", "reject", "review"] and card(world)["ts"] != second["ts"]


def test_the_sweeper_finds_what_no_event_told(world):
    factories.action()
    tick()
    world.channels["C0AI"].messages.clear()
    with fakes.clock_moved(minutes=11):
        assert keeping.sweep() == 1
    tick(minutes=12)
    assert len(world.cards("C0AI")) == 1
    before = len(world.channels["C0AI"].updates)
    with fakes.clock_moved(minutes=25):
        assert keeping.sweep() == 0
    tick(minutes=26)
    assert len(world.cards("C0AI")) == 1 and len(world.channels["C0AI"].updates) == before  # drawn again, nothing had changed


def test_threads_and_comments_are_one_discussion_and_decide_nothing(world, hands, cast):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    tick()
    ts = card(world)["ts"]
    assert hands.reply("U0JORGE", "C0AI", "approve &amp; go", ts).status == 200
    hands.again(-1)  # Slack tells it up to four times
    commenting.comment(action.pk, by=cast.operator, text="please wait\nfor the invoice", door="web")
    tick()
    said = comments.comments(action.pk)
    assert [(c.by, c.text, c.door) for c in said] == [("sam", "approve & go", "slack"), ("olga", "please wait\nfor the invoice", "web")]
    (from_web,) = [m for m in world.replies("C0AI", ts) if m.get("bot_id")]
    assert "please wait" in words(from_web)
    direct = world.direct("T0HOME", "U0MEI").id
    assert len(world.replies(direct, card(world, direct)["ts"])) == 2
    action.refresh_from_db()
    assert action.state == "PENDING"
    hands.reply("U0STRANGE", "C0AI", "approve", ts)
    assert "link your account" in world.private("C0AI", "U0STRANGE")[-1] and len(comments.comments(action.pk)) == 2


def test_a_reply_that_is_shown_in_the_channel_too_or_has_a_file_is_a_comment(world, hands, cast):
    action = factories.action()
    tick()
    ts = card(world)["ts"]
    hands.reply("U0JORGE", "C0AI", "ask <accounts>".replace("<", "&lt;").replace(">", "&gt;"), ts, subtype="thread_broadcast")
    files = [{"id": "F01", "name": "invoice.pdf", "user_team": "T0HOME"}]
    hands.reply("U0JORGE", "C0AI", "here it is", ts, subtype="file_share", files=files, team=None)
    hands.reply("U0JORGE", "C0AI", "", ts, subtype="file_share", files=files)
    hands.reply("U0JORGE", "C0AI", "joined", ts, subtype="channel_join")
    said = [c.text for c in comments.comments(action.pk)]
    assert said == ["ask <accounts>", "here it is\n(1 file was attached to this in Slack)"]
    assert "only words become comments" in world.private("C0AI", "U0JORGE")[-1]


def test_who_is_mentioned_reads_by_name_and_nobody_is_called_by_it_again(world, hands, cast, as_):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")  # a second card, so that a reply is repeated there
    tick()
    ts = card(world)["ts"]
    hands.reply("U0JORGE", "C0AI", "<@U0MEI> and <@U0STRANGE>: <!channel> see <#C0RISK|ai-high-risk>, not &lt;@U0OLIVE&gt;", ts)
    (said,) = comments.comments(action.pk)
    assert said.text == "@rita and @U0STRANGE: @channel see #ai-high-risk, not <@U0OLIVE>"
    commenting.comment(action.pk, by=cast.operator, text="<@U0MEI> <!here> @channel #general", door="web")
    tick()
    direct = world.direct("T0HOME", "U0MEI").id
    repeated = [*world.replies(direct, card(world, direct)["ts"]), *(m for m in world.replies("C0AI", ts) if m.get("bot_id"))]
    assert len(repeated) == 3
    for message in repeated:  # as plain text, in which Slack looks for no mention, and with the sign taken from its word all the same
        assert message["blocks"][1]["text"]["type"] == "plain_text"
        assert not re.search(r"<[@!#]\w|[@#!](channel|here|rita|general|U0)", message["text"] + words(message))
    assert "@rita and @U0STRANGE" in as_(cast.reviewer).get(f"/actions/{action.pk}/comments").content.decode()


def test_an_edited_reply_stays_as_it_was_and_what_it_says_now_is_said_beside_it(world, hands, cast):
    """Somebody may have decided after reading it: what was taken is evidence."""
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    tick()
    hands.reply("U0JORGE", "C0AI", "looks fine", card(world)["ts"])
    ts = world.channels["C0AI"].messages[-1]["ts"]
    hands.rewrite("U0JORGE", "C0AI", ts, "looks fine", edited=False)  # Slack added a preview
    assert [c.text for c in comments.comments(action.pk)] == ["looks fine"]
    hands.rewrite("U0JORGE", "C0AI", ts, "wrong, &lt;stop&gt;")
    hands.again(-1)
    hands.rewrite("U0JORGE", "C0AI", ts, "wrong after all")
    said = [(c.by, c.text) for c in comments.comments(action.pk)]
    assert said == [
        ("sam", "looks fine"), ("sam", "Edited in Slack, it says now: wrong, <stop>"), ("sam", "Edited in Slack, it says now: wrong after all"),
    ]  # fmt: skip
    tick()
    assert [m for m in world.replies("C0AI", card(world)["ts"]) if m.get("bot_id")] == []  # there it was edited itself
    direct = world.direct("T0HOME", "U0MEI").id
    assert len(world.replies(direct, card(world, direct)["ts"])) == 3


def test_a_reply_that_was_not_taken_is_taken_when_it_is_edited(world, hands, cast):
    action = factories.action()
    tick()
    hands.reply("U0JORGE", "C0AI", "x" * 4_001, card(world)["ts"])
    ts = world.channels["C0AI"].messages[-1]["ts"]
    assert "at most 4,000" in world.private("C0AI", "U0JORGE")[-1] and comments.comments(action.pk) == []
    hands.rewrite("U0JORGE", "C0AI", ts, "shorter")
    assert [c.text for c in comments.comments(action.pk)] == ["shorter"]
    hands.rewrite("U0STRANGE", "C0AI", ts, "in somebody else's name")  # Slack lets nobody; its events are not believed either
    assert [c.text for c in comments.comments(action.pk)] == ["shorter"]


def test_a_deleted_reply_stays_and_says_that_it_was_deleted_there(world, hands, cast, as_):
    action = factories.action()
    tick()
    hands.reply("U0JORGE", "C0AI", "I never said this", card(world)["ts"])
    ts = world.channels["C0AI"].messages[-1]["ts"]
    assert hands.remove("C0AI", ts).status == 200
    hands.event("T0HOME", {"type": "message", "subtype": "message_deleted", "channel": "C0AI", "deleted_ts": ts, "ts": "9.9"})
    (said,) = comments.comments(action.pk)
    assert said.text == "I never said this" and said.deleted_at
    page = as_(cast.reviewer).get(f"/actions/{action.pk}/comments").content.decode()
    assert "I never said this" in page and "deleted in Slack" in page
    (gone,) = [e for e in log.timeline(action=str(action.pk)) if e.kind == "action.comment_deleted"]
    assert (gone.data["comment"], gone.door) == (said.id, "slack") and "it stays here" in str(sentence_of(gone))
    assert hands.remove("C0AI", world.say("C0AI", "U0JORGE", "about something else")["ts"]).status == 200


def test_without_a_workspace_nothing_is_owed(cast, installed):
    from approvals.operations import slack_installs

    slack_installs.remove("T0HOME", by=cast.admin, door="cli")
    factories.action()
    tick()
    assert not SlackMessage.objects.exists()
    installed.refresh_from_db()
    assert installed.token == "" and installed.removed_at


def test_tokens_are_not_in_the_database_as_they_are(installed):
    assert "xoxb" not in installed.token and len(installed.token) > 80


def test_what_policy_keeps_out_of_slack_has_no_card_nor_direct_message(world, cast, policy):
    def quietly(data):
        data.update(slack=ROUTES)
        data["requirements"]["medium"].update(tell=["email"])

    policy.write_text(policy_text(quietly))
    quiet = factories.action()
    operations.reserve(quiet.pk, by=cast.reviewer, door="web")
    factories.action("high")
    tick()
    assert not world.cards("C0AI") and len(world.cards("C0RISK")) == 1
    policy.write_text(policy_text(lambda data: data.update(slack=ROUTES)))
    tick(minutes=1)  # a route that comes back does not bring it either: it was asked under the other policy
    assert not world.cards("C0AI") and not SlackMessage.objects.filter(action=quiet).exists()
