"""What only opens or changes a view is acknowledged before it is drawn; who pressed is told when it did not open in Slack's time."""

import pytest

from approvals.slack import client, later, modals, pressing
from tests import factories
from tests.integration.slack.test_slack_cards import card, tick

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]


@pytest.fixture
def left(monkeypatch):
    """Holds back what is left for after the acknowledgement: called, the list of it; called again, it is done."""
    jobs = []

    def hold():
        monkeypatch.setattr(later, "do", lambda job, **_: jobs.append(job))
        return jobs

    def let_go():
        monkeypatch.setattr(later, "do", lambda job, **_: job())
        while jobs:
            jobs.pop(0)()

    return hold, let_go


@pytest.mark.parametrize("button", ["review", "reject"])
def test_a_view_is_drawn_after_the_acknowledgement(hands, world, left, monkeypatch, button):
    hold, let_go = left
    factories.action()
    tick()
    drawn, really = [], pressing.drawn

    def spied(*args, **more):
        drawn.append(1)
        return really(*args, **more)

    monkeypatch.setattr(pressing, "drawn", spied)
    hold()
    assert hands.press("U0MEI", "C0AI", card(world)["ts"], button).status == 200
    assert not drawn and world.top("U0MEI") is None
    let_go()
    assert drawn and world.top("U0MEI").view["callback_id"] == modals.REVIEW


def test_a_halt_whose_view_does_not_open_is_said_privately(hands, world, monkeypatch):
    monkeypatch.setattr(world, "exchange", lambda trigger: ("", "expired_trigger_id"))
    assert hands.command("U0OLIVE", "C0AI", "/halt", "everything").status == 200
    (said,) = world.private("C0AI", "U0OLIVE")
    assert "try again" in said and "https://" in said and world.top("U0OLIVE") is None


def test_a_view_that_came_too_late_is_said_privately(hands, world, monkeypatch):
    factories.action()
    tick()
    monkeypatch.setattr(world, "exchange", lambda trigger: ("", "expired_trigger_id"))
    assert hands.press("U0MEI", "C0AI", card(world)["ts"], "review").status == 200
    (said,) = world.private("C0AI", "U0MEI")
    assert "try again" in said and "/actions/" in said and world.top("U0MEI") is None


def test_who_may_not_look_is_told_after_it_as_well(hands, world, left):
    hold, let_go = left
    factories.action()
    tick()
    hold()
    hands.press("U0STRANGE", "C0AI", card(world)["ts"], "review")
    assert not world.private("C0AI", "U0STRANGE")
    let_go()
    assert world.top("U0STRANGE") is None and "not linked" in world.private("C0AI", "U0STRANGE")[-1]


def test_the_shortcut_and_leaving_ones_desk_are_drawn_after_it_too(hands, world, left, monkeypatch):
    hands.home("U0MEI")
    jobs = left[0]()
    monkeypatch.setattr(client, "call", None)  # nothing is asked of Slack before
    assert hands.shortcut("U0MEI", "my_approvals").status == 200
    assert hands.press_home("U0MEI", "home_away").status == 200 and len(jobs) == 2
