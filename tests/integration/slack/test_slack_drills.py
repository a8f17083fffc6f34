"""A test action in Slack: the same card and the same buttons, told at once when it is over, nobody named and nothing shown that the channel may not see."""

import copy
import re

import pytest

from approvals import tasks
from approvals.models import Action, Decision, Delivery, Drill, SlackMessage
from approvals.operations import seeding
from approvals.queries.drills import at_once
from tests import factories
from tests.integration.slack.test_slack_cards import buttons, card, tick, words

pytestmark = [pytest.mark.usefixtures("routed", "linked"), pytest.mark.django_db]
WRONG = [{"path": "what", "said": "It says this; what the agent went by says that"}]


def placed(cast, **more) -> Action:
    seeding.set_plan(group="reviewers", active=True, every=10, per_day=5, kinds=["amount"], by=cast.admin, door="cli")
    due = at_once("reviewers")
    real = factories.action(**more)
    made = seeding.place("reviewers", factories.proposal(**more), kind="amount", wrong=WRONG, based_on=real.pk, since=due.since)
    assert made is not None
    return made


def alike(message) -> str:
    """What stands on a card, but for ids and digests."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}(:[0-9a-f]{12})?|\b[0-9a-f]{12}\b|\d{10}", "#", words(message))


def press(hands, world, action, user, verb="approve", seen=None):
    message = seen or next(m for m in world.cards("C0AI") if str(action.pk) in words(m))
    return hands.press(user, "C0AI", message["ts"], verb, seen=seen)


def test_its_card_is_the_card_of_any_other(world, cast):
    drill = placed(cast)
    tick()
    real, test = sorted(world.cards("C0AI"), key=lambda m: str(drill.pk) in words(m))
    assert alike(real) == alike(test) and buttons(test) == ["approve", "reject", "review"]
    assert "test" not in words(test).lower().replace("countersign.test", "")


def test_a_press_ends_it_and_the_channel_is_told_without_a_name(world, cast, hands):
    drill = placed(cast)
    tick()
    seen = copy.deepcopy(card(world))
    press(hands, world, drill, "U0MEI")
    press(hands, world, drill, "U0JORGE", seen=seen)  # whose client shows the old one still
    tick()
    found = next(m for m in world.cards("C0AI") if str(drill.pk) in words(m))
    assert Drill.objects.get().state == "MISSED" and buttons(found) == []
    assert "Test action, missed" in words(found) and "Nothing ran" in words(found) and "It says this" in words(found)
    assert "rita" not in words(found) and "U0MEI" not in words(found)
    assert SlackMessage.objects.filter(body__icontains="rita").count() == 0  # no thread says it either
    assert "test action, and it is over" in world.private("C0AI", "U0JORGE")[-1] and "rita" not in world.private("C0AI", "U0JORGE")[-1]
    assert Decision.objects.filter(action=drill).count() == 1


def test_what_was_wrong_stays_out_of_a_channel_that_may_not_see_the_arguments(world, cast):
    drill = placed(cast, args={"what": "this", "account": "SECRET"})
    tick()
    factories.decide(drill, cast.reviewer, "reject")
    tick()
    found = card(world) if str(drill.pk) in words(card(world)) else next(m for m in world.cards("C0AI") if str(drill.pk) in words(m))
    assert "Test action, caught" in words(found) and "stands in Countersign" in words(found)
    assert "It says this" not in words(found) and "SECRET" not in words(found)


def test_people_are_told_of_it_as_of_any_other(cast):
    drill = placed(cast)
    tasks.reach()
    told = {a.pk: set(Delivery.objects.filter(action=str(a.pk)).values_list("user", "channel", "kind")) for a in Action.objects.all()}
    real = Action.objects.get(drill=False)
    assert told[drill.pk] == told[real.pk]
