"""Over Socket Mode, and at the same instant: with real connections and threads."""

import time

import psycopg
import pytest
from django.db import connection, transaction

from approvals.models import Comment, Decision
from approvals.slack import later, socket
from audit import queries as log
from tests import factories, fakes
from tests.integration.slack.test_slack_cards import card, tick
from tests.slack.gestures import Answer, Gestures

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def connected(slack, settings, world):
    """The app has dialled in: everything comes through the socket from now on."""
    settings.SLACK_APP_TOKEN = world.app_token
    connection = socket.connect()
    for _ in range(100):
        if slack.wire.connected:
            break
        time.sleep(0.05)
    yield connection
    connection.close()


def test_the_same_deliveries_come_over_the_socket(connected, world, hands, cast):
    action = factories.action()
    tick()
    assert hands.press("U0MEI", "C0AI", card(world)["ts"], "approve").status == 200
    (recorded,) = [e for e in log.timeline(action=str(action.pk)) if e.kind == "decision.recorded"]
    click = recorded.data["click"]
    assert (click["via"], click["slack_user"]) == ("socket", "U0MEI") and click["envelope"] and "signature" not in click
    assert hands.again().status == 200 and Decision.objects.count() == 1
    assert "0 actions wait for you" in hands.command("U0MEI", "C0AI", "/approvals", "").body["text"]
    hands.reply("U0MEI", "C0AI", "thanks", card(world)["ts"])
    assert Comment.objects.get().text == "thanks"


def test_over_the_socket_nobody_is_somebody_else(connected, world, hands, cast):
    factories.action()
    tick()
    assert hands.press("U0STRANGE", "C0AI", card(world)["ts"], "approve").status == 200
    assert not Decision.objects.exists() and "not linked" in world.private("C0AI", "U0STRANGE")[-1]


def test_a_press_is_acknowledged_while_somebody_else_holds_the_action(connected, world, hands, cast, monkeypatch):
    """What holds it is there until after the acknowledgement: then it is decided, as it was stored."""
    action = factories.action()
    tick()
    monkeypatch.setattr(later, "do", after_commit)
    other = other_connection()
    other.execute("SELECT 1 FROM approvals_action WHERE id = %s FOR UPDATE", [action.pk])
    answer = hands.press("U0MEI", "C0AI", card(world)["ts"], "approve")
    assert answer.status == 200 and not Decision.objects.exists()
    other.rollback()
    other.close()
    later.wait()
    assert Decision.objects.get().by == cast.reviewer and not _has(card(world), "approve")


def after_commit(job, **which) -> None:
    """As it is outside of tests: in a thread, when the caller's transaction has committed."""
    transaction.on_commit(lambda: later._begin(job, **which))


def other_connection() -> psycopg.Connection:
    at = connection.get_connection_params()
    return psycopg.connect(**{name: at[name] for name in ("host", "port", "dbname", "user", "password") if at.get(name)})


def _has(message, name: str) -> bool:
    return any(e.get("action_id") == name for b in message["blocks"] for e in b.get("elements", []))


def test_the_app_dials_again_when_slack_hangs_up(connected, slack, world, hands):
    slack.wire.hang_up()
    for _ in range(300):
        if slack.wire.connected:
            break
        time.sleep(0.05)
    assert hands.command("U0MEI", "C0AI", "/approvals", "").status == 200


def test_slack_and_the_page_at_the_same_instant_are_one_decision(world, hands, cast):
    for _ in range(4):
        action = factories.action()
        tick()
        ts = card(world)["ts"]
        fakes.together(
            [
                lambda ts=ts: hands.press("U0MEI", "C0AI", ts, "approve"),
                lambda action=action: factories.decide(action, cast.second, "reject"),
                lambda ts=ts: hands.press("U0JORGE", "C0AI", ts, "approve"),
            ]
        )
        assert Decision.objects.filter(action=action).count() == 1
        action.refresh_from_db()
        assert action.state in {"APPROVED", "REJECTED"}
    tick()
    assert not [m for m in world.cards("C0AI") if _has(m, "approve")]


def test_the_same_delivery_twice_at_the_same_instant_is_done_once(world, hands, cast):
    """Slack's retry overtakes the first: it waits for it, and gets the same answer."""
    factories.action()
    tick()
    kept: list[tuple[str, bytes, str]] = []

    def keep(path, body, headers) -> Answer:
        kept.append((path, body, headers["Content-Type"]))
        return Answer(200, {})

    Gestures(world, keep).press("U0MEI", "C0AI", card(world)["ts"], "approve")
    hands.sent += kept
    answers = fakes.together([lambda: hands.again(retry=1), lambda: hands.again(retry=2), lambda: hands.again(retry=3)])
    assert [a.status for a in answers] == [200, 200, 200] and Decision.objects.count() == 1
    assert not any("already" in said for said in world.private("C0AI", "U0MEI"))
