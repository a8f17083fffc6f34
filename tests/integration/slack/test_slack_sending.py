"""Sending: one message a second and conversation, waiting as long as Slack says, nothing twice, nothing lost, and nobody waits for it."""

import contextlib
import json
import sys
import time

import pytest
from django.db.models.functions import Now

from approvals import operations, tasks
from approvals.models import SlackChannel, SlackMessage, SlackTeam
from approvals.notify import sealing
from approvals.operations import commenting, policies, slack_installs, slack_owing, slack_queue
from approvals.operations.slack_installs import Installed
from approvals.queries import slack as queries
from approvals.slack import checking, client, installing, keeping, later, replies, sending, whispers
from approvals.slack.manifest import EVENTS
from tests import factories, fakes
from tests.integration.slack.test_slack_cards import buttons, card, tick

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]


def states() -> list[str]:
    return sorted(SlackMessage.objects.filter(kind="card").values_list("state", flat=True))


def test_a_conversation_gets_one_post_at_a_time_and_the_others_wait(world):
    for _ in range(3):
        factories.action()
    factories.action("high")
    tasks.reach()
    sending.tick()
    assert (len(world.cards("C0AI")), len(world.cards("C0RISK"))) == (1, 1)  # the bucket of each is empty now
    sending.tick()
    assert len(world.cards("C0AI")) == 1
    with fakes.clock_moved(seconds=1.2):
        sending.tick()
    assert len(world.cards("C0AI")) == 2


def test_retry_after_is_honoured_for_the_whole_workspace(world):
    factories.action()
    factories.action("high")
    tasks.reach()
    world.faults.set("chat.postMessage", "429", seconds=30)
    sending.tick()
    sending.tick()
    assert world.cards("C0AI") == world.cards("C0RISK") == [] and "wait 30 s" in SlackTeam.objects.get().error
    with fakes.clock_moved(seconds=20):
        sending.tick()
    assert world.cards("C0AI") == world.cards("C0RISK") == []
    with fakes.clock_moved(seconds=31):
        sending.tick()
    assert len(world.cards("C0AI")) == len(world.cards("C0RISK")) == 1


def left_of(world, method: str) -> int:
    """How often a fault is there still: what was not asked did not use it up."""
    return world.faults._set[method].times


def test_what_slack_says_of_one_method_stops_that_method_and_no_other(world, hands, cast, monkeypatch):
    """Looking at cards, asking who people are, views and private sentences keep to `Retry-After` by themselves; messages go on."""
    monkeypatch.setattr(later, "do", lambda job, **_: later._run(job))
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)
    _waits, action = factories.action(), factories.action()
    tick()
    for method in ("conversations.history", "users.info", "views.open", "chat.postEphemeral"):
        world.faults.set(method, "429", times=100, seconds=30)
    with fakes.clock_moved(minutes=1):
        for _ in range(2):
            hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
            hands.press("U0STRANGE", "C0AI", card(world)["ts"], "approve")
    for seconds in (0, 20):
        with fakes.clock_moved(days=2, seconds=seconds):
            SlackMessage.objects.filter(kind="card").update(checked_at="2020-01-01T00:00Z")
            keeping.sweep()
            keeping.people()
    asked = {m: 100 - left_of(world, m) for m in ("conversations.history", "users.info", "views.open", "chat.postEphemeral")}
    assert asked == {
        "conversations.history": 1,
        "users.info": 2,
        "views.open": 1,
        "chat.postEphemeral": 1,
    }  # who somebody is: once each day
    factories.decide(action, cast.reviewer)
    tick()
    assert buttons(card(world)) == [] and SlackTeam.objects.get().error == ""
    world.faults.clear()
    with fakes.clock_moved(days=2, seconds=40):
        SlackMessage.objects.filter(kind="card").update(checked_at="2020-01-01T00:00Z")
        world.channels["C0AI"].messages.clear()
        assert keeping.sweep() == 1


def test_a_lost_answer_is_looked_for_and_makes_no_second_message(world):
    factories.action()
    tasks.reach()
    world.faults.set("chat.postMessage", "lost")
    sending.tick()
    assert states() == ["WAITING"] and len(world.cards("C0AI")) == 1
    with fakes.clock_moved(seconds=60):
        sending.tick()
    assert states() == ["SENT"] and len(world.cards("C0AI")) == 1


def test_a_lost_answer_is_looked_for_also_behind_what_was_said_since(world, cast):
    """A busy channel, and a busy thread: page after page, back to when it was owed."""
    action = factories.action()
    tasks.reach()
    world.faults.set("chat.postMessage", "lost")
    sending.tick()
    for n in range(450):
        world.say("C0AI", "U0JORGE", f"about something else {n}")
    tick(1)
    assert states() == ["SENT"] and len(world.cards("C0AI")) == 1
    assert [args["oldest"] for _at, method, args in world.calls if method == "conversations.history"]
    commenting.comment(action.pk, by=cast.reviewer, text="look at this", door="web")
    for n in range(450):
        world.say("C0AI", "U0JORGE", f"well {n}", thread=card(world)["ts"])
    world.faults.set("chat.postMessage", "lost")
    tick(2)
    tick(4)
    ours = [m for m in world.replies("C0AI", card(world)["ts"]) if m.get("bot_id")]
    assert len(ours) == 1 and SlackMessage.objects.get(kind="reply").state == "SENT"


def test_a_worker_that_dies_half_way_leaves_no_second_message(world):
    factories.action()
    tasks.reach()
    taken = slack_queue.claim()
    assert taken
    drawn = sending._drawn(taken, slack_rule())
    assert drawn and sending._put(taken, drawn)  # posted, and then: gone
    sending.tick()
    assert states() == ["SENDING"]
    with fakes.clock_moved(minutes=2):
        sending.tick()
    assert states() == ["SENT"] and len(world.cards("C0AI")) == 1


def slack_rule():
    from approvals.operations import policies

    return policies.in_force().data.slack


@pytest.mark.parametrize(("kind", "seconds"), [("429", 7), ("500", 1)])
def test_a_private_sentence_that_slack_does_not_take_is_said_when_it_does(world, hands, cast, kind, seconds):
    factories.action()
    tick()
    world.faults.set("chat.postEphemeral", kind, seconds=seconds)
    hands.press("U0STRANGE", "C0AI", card(world)["ts"], "approve")
    assert world.private("C0AI", "U0STRANGE") == [] and SlackMessage.objects.get(kind="whisper").state == "WAITING"
    if kind == "429":
        with fakes.clock_moved(seconds=4):
            sending.tick()
        assert world.private("C0AI", "U0STRANGE") == []  # not before it said
    tick(minutes=1)
    (said,) = world.private("C0AI", "U0STRANGE")
    assert "not linked" in said and SlackMessage.objects.get(kind="whisper").state == "SENT"


@pytest.mark.parametrize("kind", ["lost", "slow", "down"])
def test_a_private_sentence_whose_answer_never_came_is_not_said_twice(world, hands, cast, kind):
    """Slack said it, and its answer was lost: it keeps no list in which one could look for it."""
    factories.action()
    tick()
    world.faults.set("chat.postEphemeral", kind, seconds=1.5)
    hands.press("U0STRANGE", "C0AI", card(world)["ts"], "approve")
    time.sleep(0.7 if kind == "slow" else 0)  # by then it has done what it was asked
    tick(minutes=1)
    tick(minutes=2)
    assert len(world.private("C0AI", "U0STRANGE")) == (0 if kind == "down" else 1)
    row = SlackMessage.objects.get(kind="whisper")
    assert row.state == "SKIPPED" and "may have been said" in row.error


def test_a_private_sentence_that_a_killed_process_was_saying_is_not_said_twice(world, hands, cast, monkeypatch):
    put = whispers.put
    monkeypatch.setattr(whispers, "put", lambda taken: (put(taken), sys.exit())[0])
    with contextlib.suppress(SystemExit):
        replies.whisper(SlackTeam.objects.get().pk, channel="C0AI", user="U0STRANGE", text="hello")
    monkeypatch.setattr(whispers, "put", put)
    tick(minutes=2)
    assert len(world.private("C0AI", "U0STRANGE")) == 1 and SlackMessage.objects.get(kind="whisper").state == "SKIPPED"


def test_a_mistake_in_a_private_sentence_holds_up_nothing(world, cast, monkeypatch):
    monkeypatch.setattr(whispers, "spoken", lambda body: 1 / 0)
    replies.whisper(SlackTeam.objects.get().pk, channel="C0AI", user="U0STRANGE", text="hello")
    assert SlackMessage.objects.get(kind="whisper").state == "FAILED"
    factories.action()
    tick(minutes=1)
    assert len(world.cards("C0AI")) == 1


@pytest.mark.usefixtures("bucket")
def test_private_sentences_keep_to_the_bucket_of_their_conversation(world, hands, cast):
    """Three people who may not press it do, in one moment, right after the card was posted; another card waits, too."""
    factories.action()
    tasks.reach()
    sending.tick()
    factories.action()
    tasks.reach()
    posts = world.channels["C0AI"].posts
    with fakes.clock_moved(minutes=1):  # it was posted this very moment, however long the lines before have taken
        SlackChannel.objects.update(post_at=Now())
    for name in ("U0STRANGE", "U0NEW", "U0OTHER"):
        world.people.get(name) or world.person(name, "T0HOME", name.lower())
        hands.press(name, "C0AI", card(world)["ts"], "approve")
    assert len(posts) == 1 and SlackMessage.objects.filter(kind="whisper", state="WAITING").count() == 3
    for n in range(4):
        with fakes.clock_moved(minutes=1 + n):
            sending.tick()
        assert len(posts) == 2 + n
        assert len(world.cards("C0AI")) == (2 if n == 3 else 1)  # whoever has just pressed waits for it; the card comes after them
    assert all("not linked" in " ".join(world.private("C0AI", name)) for name in ("U0STRANGE", "U0NEW", "U0OTHER"))


def test_a_private_sentence_for_a_press_on_the_home_tab_is_a_view(world, hands, cast):
    """No conversation is there; a direct message would stand where they do not look, and its address would be a person's."""
    hands.home("U0MEI")
    operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    operations.come_back(by=cast.reviewer, door="web")
    payload = {"actions": [{"type": "button", "action_id": "home_back", "block_id": "b", "action_ts": "1.1"}]}
    hands.interact({**hands._base("block_actions", "U0MEI", None), "container": {"type": "view"}, "view": {"type": "home"}, **payload})
    assert "You are not away" in str(hands.open_view("U0MEI").view) and not SlackMessage.objects.filter(kind="whisper").exists()


def test_private_sentences_of_the_day_before_are_forgotten(world, hands, cast):
    factories.action()
    tick()
    hands.press("U0STRANGE", "C0AI", card(world)["ts"], "approve")
    with fakes.clock_moved(days=2):
        slack_queue.forget_old()
    assert sorted(SlackMessage.objects.values_list("kind", flat=True)) == ["card"]


def test_a_private_sentence_nobody_waits_for_any_more_is_not_said(world, hands, cast):
    factories.action()
    tick()
    world.faults.set("chat.postEphemeral", "500", times=100)
    hands.press("U0STRANGE", "C0AI", card(world)["ts"], "approve")
    world.faults.clear()
    tick(minutes=11)
    assert world.private("C0AI", "U0STRANGE") == [] and SlackMessage.objects.get(kind="whisper").state == "SKIPPED"


@pytest.mark.parametrize("kind", ["500", "down", "slow"])
def test_a_slack_that_is_away_keeps_nobody_and_is_caught_up_with(world, cast, kind):
    open_one, decided = factories.action(), factories.action()
    tick()
    world.faults.set("*", kind, times=10_000, seconds=1.5)
    began = time.monotonic()
    assert factories.decide(decided, cast.reviewer).resolved and time.monotonic() - began < 1
    later = factories.action()
    for minutes in range(3):
        with fakes.clock_moved(minutes=minutes):
            tasks.reach()
            sending.tick()
    assert queries.standing().last_error and factories.decide(open_one, cast.reviewer).resolved
    world.faults.clear()
    tick(minutes=4)
    assert sorted(states()) == ["SENT"] * 3 and [buttons(m) for m in world.cards("C0AI")] == [[], [], ["approve", "reject", "review"]]
    assert str(later.pk) in str(world.cards("C0AI")[-1]["blocks"]) and SlackTeam.objects.get().error == ""


def test_what_slack_refuses_for_good_is_on_the_operators_page(world, cast, as_):
    factories.action()
    world.channels["C0AI"].archived = True
    tick()
    row = SlackMessage.objects.get()
    assert row.state == "FAILED" and "archived" in row.error and "archived" in " ".join(checking.problems())
    olga, rita = as_(cast.operator), as_(cast.reviewer)
    assert (
        "This channel is archived" in olga.get("/deliveries/slack?state=FAILED").content.decode()
        and rita.get("/deliveries/slack").status_code == 403
    )
    world.channels["C0AI"].archived = False
    assert olga.post(f"/deliveries/slack/{row.pk}/again").status_code == 302
    tick()
    assert states() == ["SENT"]
    assert (
        olga.post(f"/deliveries/slack/{row.pk}/again").status_code == 400 and olga.post("/deliveries/slack/999999/again").status_code == 404
    )


def test_a_conversation_of_a_long_name_has_the_whole_width_of_a_phone(world, cast, as_):
    """Beside the time, which does not wrap, a long name was given one character a line."""
    factories.action()
    tick()
    name = "a-very-long-name-of-a-channel-" * 2
    SlackChannel.objects.filter(name="C0AI").update(name=name)
    page = as_(cast.operator).get("/deliveries/slack").content.decode()
    cell = page[: page.index(name)].rpartition("<td")[2]
    assert cell.startswith(' class="wide">')


def test_the_list_is_by_when_a_message_was_owed_and_what_failed_last_stands_above_it(world, cast, as_):
    """A card of long ago that fails today stood under everything that was sent since, in a list that was sorted by what it did not show."""
    actions = [factories.action() for _ in range(3)]
    tick()
    rows = [SlackMessage.objects.get(action=action, kind="card") for action in actions]
    with fakes.clock_moved(minutes=5):
        world.channels["C0AI"].archived = True
        factories.decide(actions[0], cast.reviewer)
        tick(minutes=5)
    page = as_(cast.operator).get("/deliveries/slack").content.decode()
    above, listed = page.split("filter-bar")
    assert f"/actions/{actions[0].pk}/" in above and f"/deliveries/slack/{rows[0].pk}/again" in above
    assert not any(f"/actions/{action.pk}/" in above for action in actions[1:])
    places = [listed.rindex(f"/actions/{action.pk}/") for action in actions]
    assert places == sorted(places, reverse=True)
    assert "Failed, the last first" not in as_(cast.operator).get("/deliveries/slack?state=SENT").content.decode()


def test_a_message_that_cannot_be_drawn_keeps_no_other_waiting(world, monkeypatch):
    from approvals.slack import cards

    factories.action()
    factories.action("high")
    draw = cards.draw
    monkeypatch.setattr(cards, "draw", lambda detail, *rest: draw(detail, *rest) if detail.row.level == "high" else 1 / 0)
    tick()
    assert sorted(states()) == ["FAILED", "SENT"] and "could not be drawn" in queries.standing().last_error


def test_a_mistake_while_a_message_is_sent_leaves_none_half_way(world, monkeypatch):
    def broken(*_args, **_more):
        raise KeyError("channel")

    factories.action()
    monkeypatch.setattr(client, "call", broken)
    tick()
    row = SlackMessage.objects.get()
    assert row.state == "FAILED" and "worker's log" in row.error


def test_a_change_while_it_is_being_drawn_is_drawn_as_well(world, cast):
    action = factories.action()
    tasks.reach()
    taken = slack_queue.claim()
    assert taken
    factories.decide(action, cast.reviewer)
    SlackMessage.objects.filter(pk=taken.id).update(told=taken.told + 10)
    slack_queue.record(taken, None, ts="1.1", shown="x", version=1)
    assert SlackMessage.objects.get().state == "WAITING"


def test_what_slack_refused_goes_when_the_app_is_installed_anew(world, cast):
    """A decided card kept its buttons for good: nobody looked at a message that had failed, but for whoever pressed "Try again" on its row."""
    action = factories.action()
    tick()
    SlackTeam.objects.update(token=sealing.seal("xoxb-revoked"))
    factories.decide(action, cast.reviewer)
    tick(minutes=11)
    assert SlackMessage.objects.filter(state="FAILED").exists()
    found = Installed(team="T0HOME", name="Home", bot_user="U0HOMEBOT", token="xoxb-home")
    slack_installs.install(found, by=cast.admin, door="cli")
    tick(minutes=12)
    assert not SlackMessage.objects.filter(state="FAILED").exists()
    (card,) = world.cards("C0AI")
    assert "Approved" in json.dumps(card) and '"approve"' not in json.dumps(card)


def test_several_workspaces_each_get_their_own(world, cast, routed, as_):
    from tests.fakes import policy_text

    world.team("T0TWO", "Two", token="xoxb-two")
    world.channel("C0TWO", "T0TWO", "two")
    slack_installs.install(Installed(team="T0TWO", name="Two", bot_user="U0TWOBOT", token="xoxb-two"), by=None, door="cli")
    routes = [{"channel": "C0AI", "team": "T0HOME"}, {"channel": "C0TWO", "team": "T0TWO"}, {"channel": "C0RISK"}]
    routed.write_text(policy_text(lambda d: d.update(slack={"channels": routes})))
    factories.action()
    tick()
    assert [len(world.cards(c)) for c in ("C0AI", "C0TWO", "C0RISK")] == [1, 1, 0]
    assert "No card goes to C0RISK" in " ".join(checking.problems())
    page = as_(cast.operator).get("/deliveries/slack").content.decode()
    assert "No card goes to C0RISK" in page and "No card goes to C0TWO" not in page
    routes[2]["team"] = "T0HOME"  # mended: what waits gets its card, once
    routed.write_text(policy_text(lambda d: d.update(slack={"channels": routes})))
    tick(minutes=1)
    tick(minutes=2)
    assert [len(world.cards(c)) for c in ("C0AI", "C0TWO", "C0RISK")] == [1, 1, 1]
    assert "No card goes" not in as_(cast.operator).get("/deliveries/slack").content.decode()


def test_a_workspace_that_is_connected_gets_what_waits(world, cast):
    slack_installs.remove("T0HOME", by=cast.admin, door="cli")
    waits, over = factories.action(), factories.action()
    tick()
    factories.decide(over, cast.reviewer)
    assert world.cards("C0AI") == []
    slack_installs.install(Installed(team="T0HOME", name="Home", bot_user="U0HOMEBOT", token="xoxb-home"), by=cast.admin, door="cli")
    tick(minutes=1)
    tick(minutes=2)
    (shown,) = world.cards("C0AI")
    assert str(waits.pk) in str(shown["blocks"])


def test_a_card_that_could_not_be_posted_goes_when_the_app_is_invited(world, hands):
    world.channels["C0AI"].members = {"U0MEI"}
    factories.action()
    tick()
    assert states() == ["FAILED"] and "not in this channel" in SlackMessage.objects.get().error
    hands.event("T0HOME", {"type": "member_joined_channel", "user": "U0JORGE", "channel": "C0AI"})
    assert states() == ["FAILED"]
    world.channels["C0AI"].members.add("U0HOMEBOT")
    hands.event("T0HOME", {"type": "member_joined_channel", "user": "U0HOMEBOT", "channel": "C0AI"})
    tick(minutes=1)
    assert states() == ["SENT"] and len(world.cards("C0AI")) == 1


@pytest.mark.parametrize("event", ["channel_unarchive", "group_unarchive"])
def test_what_an_archived_channel_did_not_take_goes_when_it_is_archived_no_more(world, hands, cast, event):
    action = factories.action()
    tick()
    world.channels["C0AI"].archived = True
    factories.decide(action, cast.reviewer)
    tick()
    assert "FAILED" in states() and "archived" in SlackMessage.objects.get(kind="card").error and event in EVENTS
    world.channels["C0AI"].archived = False
    hands.event("T0HOME", {"type": event, "channel": "C0AI", "user": "U0JORGE"})
    tick(minutes=1)
    assert set(states()) == {"SENT"} and "Approved" in str(card(world)["blocks"])


def test_a_long_discussion_is_not_looked_for_one_by_one_at_every_change(world, cast, django_assert_max_num_queries):
    action = factories.action()
    tick()
    for n in range(30):
        commenting.comment(action.pk, by=cast.reviewer, text=f"{n}", door="web", key="")
    assert slack_owing.owe_replies([action.pk]) == 30
    with django_assert_max_num_queries(8):
        assert slack_owing.owe_replies([action.pk]) == 0


def test_a_vote_cast_before_the_card_was_posted_stands_in_its_thread(world, cast):
    two = factories.action("critical")
    tasks.reach()
    factories.decide(two, cast.reviewer)
    tick()
    (reply,) = world.replies("C0RISK", card(world, "C0RISK")["ts"])
    assert "by rita" in reply["text"]


def test_tokens_that_end_are_renewed_once_and_keys_can_be_changed(world, settings, cast):
    world.team("T0ROT", "Rotating", token="xoxe.xoxb-1", refresh_token="xoxe-1")
    found = Installed(team="T0ROT", name="R", bot_user="U0ROTBOT", token="xoxe.xoxb-1", refresh_token="xoxe-1", expires_in=60)
    row = slack_installs.install(found, by=cast.admin, door="cli")
    assert client.call(row.pk, "auth.test")["team_id"] == "T0ROT"
    row.refresh_from_db()
    assert sealing.unseal(row.token) == world.teams["T0ROT"].token != "xoxe.xoxb-1"
    old, new = "0ZgGQ5vYHTRdvUqM2CsGUB9PgLZ3rfkzKpKEm5H9dkk=", "r1jRjmZzY0r2p1wX1v0KCVQK0gWTRx2B3p6l1R3yT0k="
    slack_installs.reseal()
    settings.SLACK_TOKEN_KEYS = [old]
    with pytest.raises(sealing.Unsealable):
        sealing.unseal(SlackTeam.objects.get(pk=row.pk).token)
    settings.SLACK_TOKEN_KEYS = []
    token = sealing.unseal(SlackTeam.objects.get(pk=row.pk).token)
    settings.SLACK_TOKEN_KEYS = [old]
    SlackTeam.objects.update(token=sealing.seal(token), refresh_token="")
    settings.SLACK_TOKEN_KEYS = [new, old]
    slack_installs.reseal()
    settings.SLACK_TOKEN_KEYS = [new]
    assert sealing.unseal(SlackTeam.objects.get(pk=row.pk).token) == token


def test_a_removed_app_is_forgotten(world, hands):
    hands.event("T0HOME", {"type": "app_uninstalled"})
    factories.action()
    tick()
    assert not SlackTeam.objects.filter(removed_at=None).exists() and not SlackMessage.objects.exists()


def test_the_check_is_content_when_all_is_there(world, settings):
    settings.PUBLIC_URL = "https://countersign.test"
    assert list(checking.problems()) == []


def test_a_second_workspace_changes_nothing_for_the_channels_of_the_first(world, cast, routed, as_):
    """A route without a team stays where its channel is known; only of a channel that nobody knows nobody can tell."""
    factories.action()
    tick()
    page = as_(cast.admin).post("/slack/install").content.decode()
    assert "Cards for C0AI go on to Home" in page and "No card will go to C0RISK" in page
    world.team("T0TWO", "Two", token="xoxb-two")
    slack_installs.install(Installed(team="T0TWO", name="Two", bot_user="U0TWOBOT", token="xoxb-two"), by=None, door="cli")
    factories.action()
    factories.action("high")
    tick(1)
    assert (len(world.cards("C0AI")), len(world.cards("C0RISK"))) == (2, 0)
    problems = " ".join(checking.problems())
    assert "No card goes to C0RISK" in problems and "C0AI" not in problems
    operators = as_(cast.operator).get("/deliveries/slack").content.decode()
    assert "No card goes to C0RISK" in operators and "No card goes to C0AI" not in operators
    slack_installs.remove("T0HOME", by=None, door="cli")  # and with it goes what was known
    slack_installs.install(Installed(team="T0OTHER", name="Other", bot_user="U0OBOT", token="xoxb-other"), by=None, door="cli")
    assert "No card goes to C0AI" in " ".join(checking.problems())


def test_the_check_says_which_scopes_a_bot_token_lacks_and_which_cannot_be_renewed(world, settings, installed):
    world.teams["T0HOME"].without = frozenset({"users:read", "im:write"})
    found = installing.from_bot_token("xoxb-home", by=None)
    assert "chat:write" in found.scopes and "users:read" not in found.scopes
    assert "Countersign demo: the app lacks im:write, users:read" in " ".join(checking.problems())
    world.teams["T0HOME"].without = frozenset()
    SlackTeam.objects.update(token_until="2090-01-01T00:00Z")
    (said,) = checking.problems()
    assert said.startswith(
        "Countersign demo: its token ends at 2090-01-01 00:00 UTC, and there is none to renew it with: install the app again"
    )
    SlackTeam.objects.update(token_until=None)
    factories.action()
    slack_owing.owe_waiting(policies.in_force().data.slack, most=1)
    SlackMessage.objects.update(due_at="2020-01-01T00:00Z")
    (late,) = checking.problems()
    assert "1 messages are late" in late and "is a worker running" in late and "last:" not in late


def test_a_stretch_waits_for_the_bucket_and_a_card_goes_before_what_was_said_of_others(world, cast):
    first = factories.action()
    tick()
    (ts,) = (message["ts"] for message in world.cards("C0AI"))
    commenting.comment(first.pk, by=cast.reviewer, text="please wait", door="web", key="")
    factories.action()
    with fakes.clock_moved(seconds=5):
        tasks.reach()
        sending.tick(seconds=10, waits=True)
    (second,) = (message["ts"] for message in world.cards("C0AI") if message["ts"] != ts)
    (reply,) = world.replies("C0AI", ts)
    assert float(second) < float(reply["ts"])


@pytest.mark.slow
def test_two_hundred_decisions_while_slack_is_gone_slow_and_limiting_then_every_card_is_right(world, cast, settings):
    """Time is the database's, moved; the buckets are the real ones: at most a message a second and conversation.

    Half of the cards stand when it begins; of what is proposed meanwhile some is decided before Slack is back, some waits still.
    """
    actions = [factories.action("medium" if n % 2 else "high") for n in range(100)]
    while len(world.cards("C0AI")) + len(world.cards("C0RISK")) < 100:
        tick()
    open_ones = []
    settings.SLACK_TIMEOUT_S = 1
    began = time.monotonic()
    for n in range(200):
        action = actions[n] if n < 100 else factories.action("medium" if n % 2 else "high")
        if n % 67 == 0:  # gone, then so slow that nobody waits for it, then asking to be left alone
            world.faults.clear()
            world.faults.set("*", *[("down",), ("slow",), ("429",)][n // 67], times=100_000, seconds=[1, 1.5, 30][n // 67])
        factories.decide(action, cast.reviewer if n % 3 else cast.second, "reject" if n % 4 else "approve")
        if n % 4 == 0:
            open_ones.append(factories.action("medium" if n % 8 else "high"))
        if n % 20 == 0:
            tasks.reach()
            with fakes.clock_moved(seconds=n * 3):
                sending.tick()
    assert time.monotonic() - began < 120
    world.faults.clear()
    tasks.reach()
    posted, seconds = [0], 600.0
    while SlackMessage.objects.filter(kind="card").exclude(state__in=["SENT", "SKIPPED"]).exists():
        seconds += 1
        assert seconds < 720, "not within two minutes"
        before, looked = [len(world.channels[c].posts) for c in ("C0AI", "C0RISK")], time.monotonic()
        with fakes.clock_moved(seconds=seconds):
            sending.tick()
        after = [len(world.channels[c].posts) for c in ("C0AI", "C0RISK")]
        most = 1 + int(time.monotonic() - looked)  # one a second, also where a busy machine takes longer for one look
        assert all(b - a <= most for a, b in zip(before, after, strict=True))
        posted.append(sum(after) - sum(before))
    assert sum(posted) >= len(open_ones) == 50  # posting was held to its measure, and not only updating
    for message in (m for c in ("C0AI", "C0RISK") for m in world.cards(c)):
        waits = any(str(action.pk) in str(message["blocks"]) for action in open_ones)
        assert bool(buttons(message)) == waits and message["text"].startswith(("Approved", "Rejected")) != waits
    shown = str([world.cards(c) for c in ("C0AI", "C0RISK")])
    assert all(str(action.pk) in shown for action in open_ones)
