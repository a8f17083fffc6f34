"""A press counts only on the copy that is kept true: one that somebody changed, or that was posted anew meanwhile, decides nothing and loses its buttons."""

import copy

import pytest

from approvals import operations, tasks
from approvals.models import Action, Comment, Decision, SlackChannel, SlackMessage
from approvals.operations import commenting, slack_installs, slack_queue
from approvals.operations.slack_installs import Installed
from approvals.slack import later, sending
from tests import factories, fakes
from tests.integration.slack.test_slack_cards import buttons, card, tick, words

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]
LIE = [{"type": "section", "text": {"type": "plain_text", "text": "Pay 1 cent"}}]


@pytest.fixture
def action(world) -> Action:
    made = factories.action()
    tick()
    return made


def changed(message, *, by="U0MALLORY"):
    """Somebody's app writes something else above our buttons."""
    kept = [block for block in message["blocks"] if block["type"] == "actions"]
    message |= {"blocks": LIE + kept, "edited": {"user": by, "ts": "1.1"}}
    return message


def tell(hands, message):
    event = {"type": "message", "subtype": "message_changed", "channel": "C0AI", "message": message, "ts": "9.9"}
    return hands.event("T0HOME", event)


def test_a_changed_card_loses_its_buttons_with_the_next_tick_and_a_new_one_is_posted(world, hands, action):
    lie = changed(card(world))
    tell(hands, lie)
    tick()
    old, new = world.cards("C0AI")
    assert old["ts"] == lie["ts"] and buttons(old) == [] and "earlier copy" in words(old) and "Pay 1 cent" not in words(old)
    assert buttons(new) == ["approve", "reject", "review"] and new["ts"] != old["ts"]


@pytest.mark.parametrize("button", ["approve", "reject", "review"])
def test_a_press_on_a_superseded_copy_does_nothing_and_leads_to_the_new_one(world, hands, action, button):
    lie = copy.deepcopy(changed(card(world)))
    tell(hands, lie)
    tick()
    new = card(world)["ts"]
    hands.press("U0MEI", "C0AI", lie["ts"], button, seen=lie)
    said = world.private("C0AI", "U0MEI")[-1]
    assert "earlier version" in said and f"p{new.replace('.', '')}" in said
    assert not Decision.objects.exists() and world.top("U0MEI") is None
    hands.press("U0MEI", "C0AI", new, "approve")
    assert Decision.objects.get().action == action


def test_a_press_on_a_changed_copy_is_refused_before_slack_tells_of_the_change(world, hands, action):
    lie = changed(card(world))
    hands.press("U0MEI", "C0AI", lie["ts"], "approve")
    assert not Decision.objects.exists() and "posted anew" in world.private("C0AI", "U0MEI")[-1]
    tick()
    old, new = world.cards("C0AI")
    assert buttons(old) == [] and buttons(new) == ["approve", "reject", "review"]


def test_a_press_with_the_value_of_another_card_takes_no_card_away(world, hands, action):
    other = factories.action()
    tick(minutes=1)
    first, second = world.cards("C0AI")
    mixed = copy.deepcopy(first)
    for block in mixed["blocks"]:
        for one in block.get("elements", []) if block["type"] == "actions" else []:
            one["value"] = f"{other.pk}:{other.digest[:12]}"
    hands.press("U0MEI", "C0AI", first["ts"], "approve", seen=mixed)
    assert not Decision.objects.exists() and not SlackMessage.objects.filter(kind="old").exists()
    tick(minutes=2)
    assert [buttons(one) for one in world.cards("C0AI")] == [["approve", "reject", "review"]] * 2
    assert action.pk != other.pk and second["ts"] != first["ts"]


def test_our_own_updates_are_no_change(world, hands, action, cast):
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    tick()
    ours = card(world)
    assert ours["edited"]["user"] == "U0HOMEBOT"
    for by in ("U0HOMEBOT", ours["bot_id"]):
        ours["edited"]["user"] = by
        tell(hands, ours)
    tick()
    assert len(world.cards("C0AI")) == 1
    hands.press("U0JORGE", "C0AI", ours["ts"], "approve")
    assert "earlier" not in " ".join(world.private("C0AI", "U0JORGE")) and not SlackMessage.objects.filter(kind="old").exists()


def test_a_copy_changed_while_it_was_being_sent_is_posted_anew_all_the_same(world, hands, action, cast):
    SlackMessage.objects.update(state="WAITING", due_at="2020-01-01T00:00Z")
    SlackChannel.objects.update(update_at="2020-01-01T00:00Z")
    taken = slack_queue.claim()
    assert taken
    lie = changed(card(world))
    tell(hands, lie)
    hands.press("U0MEI", "C0AI", lie["ts"], "approve")
    assert not Decision.objects.exists()
    slack_queue.record(taken, None, ts=taken.ts, shown=taken.shown, version=1)
    tick()
    old, new = world.cards("C0AI")
    assert buttons(old) == [] and buttons(new) == ["approve", "reject", "review"]


def test_a_card_of_an_earlier_installation_decides_nothing(world, hands, action, cast):
    slack_installs.remove("T0HOME", by=cast.admin, door="cli")
    slack_installs.install(Installed(team="T0HOME", name="Home", bot_user="U0HOMEBOT", token="xoxb-home"), by=cast.admin, door="cli")
    hands.press("U0MEI", "C0AI", card(world)["ts"], "approve")
    assert not Decision.objects.exists() and "https://countersign.test/actions/" in world.private("C0AI", "U0MEI")[-1]


@pytest.mark.parametrize("how", ["deleted", "changed"])
def test_a_receipt_that_is_gone_or_changed_is_posted_again(world, hands, action, cast, how):
    factories.decide(action, cast.reviewer)
    tick()
    first = card(world)
    hands.remove("C0AI", first["ts"]) if how == "deleted" else tell(hands, changed(first))
    tick()
    now = card(world)
    assert now["ts"] != first["ts"] and "by rita" in words(now) and not buttons(now)
    assert how == "deleted" or "earlier copy" in words(world.cards("C0AI")[0])


def test_a_receipt_of_long_ago_is_not(world, hands, action, cast):
    factories.decide(action, cast.reviewer)
    tick()
    hands.remove("C0AI", card(world)["ts"])
    with fakes.clock_moved(days=8):
        tasks.reach()
        sending.tick()
    assert world.cards("C0AI") == []


def test_an_old_copy_that_is_gone_is_no_trouble_and_is_not_posted_again(world, hands, action):
    hands.remove("C0AI", card(world)["ts"])
    tick()
    assert len(world.cards("C0AI")) == 1
    assert sorted(SlackMessage.objects.values_list("kind", "state")) == [("card", "SENT"), ("old", "SKIPPED")]


def test_what_is_said_while_the_card_is_posted_anew_stands_under_the_new_one(world, hands, action, cast):
    """Slack asks to wait, somebody comments on the page, somebody deletes the card: the comment is older than the new card."""
    commenting.comment(action.pk, by=cast.operator, text="wait for the invoice", door="web")
    world.faults.set("*", "429", times=100, seconds=5)
    tasks.reach()
    sending.tick()
    assert SlackMessage.objects.get(kind="reply").state == "WAITING"
    hands.remove("C0AI", card(world)["ts"])
    world.faults.clear()
    tick(minutes=1)
    (said,) = world.replies("C0AI", card(world)["ts"])
    assert "wait for the invoice" in words(said) and SlackMessage.objects.get(kind="reply").state == "SENT"


def test_what_is_said_under_a_card_that_nobody_told_us_is_gone_stands_under_a_new_one(world, action, cast):
    world.channels["C0AI"].messages.clear()
    commenting.comment(action.pk, by=cast.operator, text="wait for the invoice", door="web")
    tick()
    tick(minutes=1)
    (said,) = world.replies("C0AI", card(world)["ts"])
    assert "wait for the invoice" in words(said) and len(world.cards("C0AI")) == 1


def test_what_is_said_under_a_card_that_cannot_be_posted_waits_for_it_and_alarms_nobody(world, hands, action, cast):
    commenting.comment(action.pk, by=cast.operator, text="wait for the invoice", door="web")
    tasks.reach()
    world.faults.set("*", "429", times=1, seconds=5)
    sending.tick()
    hands.remove("C0AI", card(world)["ts"])
    world.channels["C0AI"].archived = True
    tick(minutes=1)
    assert dict(SlackMessage.objects.filter(kind__in=["card", "reply"]).values_list("kind", "state")) == {
        "card": "FAILED",
        "reply": "SKIPPED",
    }
    world.channels["C0AI"].archived = False
    slack_queue.send_again(SlackMessage.objects.get(kind="card").pk)
    tick(minutes=2)
    assert "wait for the invoice" in words(world.replies("C0AI", card(world)["ts"])[0])


def test_people_go_on_talking_under_an_old_copy(world, hands, action, cast):
    lie = changed(card(world))
    tell(hands, lie)
    tick()
    hands.reply("U0JORGE", "C0AI", "who changed this?", lie["ts"])
    assert Comment.objects.get().text == "who changed this?"


def test_taking_the_buttons_away_is_tried_again_when_slack_was_away(world, hands, action):
    lie = changed(card(world))
    world.faults.set("*", "429", times=2, seconds=5)
    tell(hands, lie)
    tick()
    assert buttons(lie) != []
    world.faults.clear()
    tick(minutes=1)
    assert buttons(world.cards("C0AI")[0]) == [] and len(world.cards("C0AI")) == 2


def test_the_card_says_what_was_done_before_any_tick(world, hands, action, monkeypatch):
    """The copies follow right after the acknowledgement, so that nobody presses after it."""
    after: list = []
    monkeypatch.setattr(later, "do", lambda job, **_: after.append(job))
    monkeypatch.setattr(sending, "tick", lambda **_: pytest.fail("no tick is needed"))
    hands.press("U0MEI", "C0AI", card(world)["ts"], "approve")
    assert buttons(card(world)) != [] and Decision.objects.exists()
    for job in after:
        job()
    assert buttons(card(world)) == [] and "by rita" in words(card(world))
