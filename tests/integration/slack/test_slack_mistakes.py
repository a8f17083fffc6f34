"""A mistake of ours while something from Slack is handled: whoever pressed hears a sentence, the same over HTTP and Socket Mode; the log has it."""

import contextlib

import pytest
from structlog.testing import capture_logs

from approvals.models import Decision, SlackHeard
from approvals.slack import handling, later, pressing
from tests import factories
from tests.integration.slack.test_slack_cards import card, tick
from tests.integration.slack.test_slack_review import open_at, option, text
from tests.integration.slack.test_slack_socket import connected  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db(transaction=True)]
SAID = "Something went wrong here, and nothing was recorded"


@pytest.fixture(params=["http", "socket"])
def door(request, slack) -> str:
    if request.param == "socket":
        request.getfixturevalue("connected")
    return str(request.param)


@pytest.fixture
def broken(monkeypatch):
    """From now on what handles deliveries has a mistake in it, after it has begun."""

    def now() -> None:
        def fails(*_args) -> None:
            SlackHeard.objects.create(key="half done")
            raise ZeroDivisionError

        for kind in handling.HANDLERS:
            monkeypatch.setitem(handling.HANDLERS, kind, fails)

    return now


def test_a_view_says_so_and_does_not_close_as_if_all_were_well(door, hands, world, broken):
    factories.action()
    tick()
    open_at(hands, world, "approve")
    broken()
    with capture_logs() as logged:
        answer = hands.submit("U0MEI", {"choice": option("approve"), "reason": text("fine")})
    assert answer.status == 200 and SAID in str(answer.body["view"]) and not Decision.objects.exists()
    assert not SlackHeard.objects.filter(key="half done").exists()
    (line,) = [one for one in logged if one["event"] == "slack_not_handled"]
    assert line["kind"] == "view_submission" and line["exc_info"]


def test_a_press_is_answered_privately_and_a_command_where_it_was_written(door, hands, world, broken):
    factories.action()
    tick()
    broken()
    assert hands.press("U0MEI", "C0AI", card(world)["ts"], "approve").status == 200
    assert SAID in world.private("C0AI", "U0MEI")[-1] and not Decision.objects.exists()
    assert SAID in hands.command("U0MEI", "C0AI", "/approvals", "").body["text"]


def suppressed(job, **_which) -> None:
    """As a thread of `later` does, which writes down what went wrong."""
    with contextlib.suppress(ZeroDivisionError):
        job()


def test_what_fails_after_the_acknowledgement_is_said_as_well(door, hands, world, monkeypatch):
    factories.action()
    tick()
    monkeypatch.setattr(later, "do", suppressed)
    monkeypatch.setattr(pressing, "drawn", lambda *_args, **_more: 1 / 0)
    assert hands.press("U0MEI", "C0AI", card(world)["ts"], "review").status == 200
    assert SAID in world.private("C0AI", "U0MEI")[-1]


def test_an_event_is_not_taken_so_that_slack_sends_it_again(hands, world, broken):
    broken()
    with pytest.raises(ZeroDivisionError):  # a 500 outside of tests
        hands.reply("U0MEI", "C0AI", "thanks", "1.1")
    assert not SlackHeard.objects.filter(key__startswith="d:").exists()
