"""Numbers of hints are given out before they commit: whatever order that happens in, each is heard, and once by all workers. Real connections."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from approvals.models import Notification, SlackMessage
from approvals.operations import commenting, slack_following, slack_owing
from approvals.slack import sending
from tests import factories
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES
from tests.integration.slack.test_slack_cards import buttons, card, tick

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db(transaction=True)]


@contextmanager
def begun(change: Callable[[], object]) -> Iterator[None]:
    """A change whose hint has its number, and is not committed yet; it commits at the end."""
    written, on = threading.Event(), threading.Event()

    def do() -> None:
        try:
            with transaction.atomic():
                change()
                written.set()
                assert on.wait(30)
        finally:
            written.set()
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    assert written.wait(30)
    try:
        yield
    finally:
        on.set()
        thread.join(30)


def numbers() -> list[int]:
    return list(Notification.objects.filter(channel="live").order_by("pk").values_list("pk", flat=True))


def test_a_decision_that_commits_after_a_later_hint_shows_with_the_next_tick(world, cast):
    """Nothing else is told afterwards that would have somebody look again."""
    action, other = factories.action(), factories.action()
    tick()
    before = numbers()[-1]
    with begun(lambda: factories.decide(action, cast.reviewer)):
        commenting.comment(other.pk, by=cast.second, text="please wait", door="web")
        tick()
    decided = Notification.objects.filter(object_id=str(action.pk), kind="action.approved").get().pk
    commented = Notification.objects.filter(object_id=str(other.pk), kind="action.commented").get().pk
    assert before < decided < commented == numbers()[-1]
    tick()
    (mine,) = (m for m in world.cards("C0AI") if str(action.pk) in str(m["blocks"]))
    assert mine["text"].startswith("Approved") and buttons(mine) == []
    (said,) = world.replies("C0AI", mine["ts"])
    assert "rita" in said["text"]


def test_a_hint_of_an_action_is_not_skipped_for_a_policys_that_has_a_later_number(world, cast, routed):
    action = factories.action()
    tick()
    with begun(lambda: factories.decide(action, cast.reviewer)):
        routed.write_text(policy_text(lambda data: data.update(slack={**ROUTES, "show": []})))
        tick()
    assert card(world)["text"].startswith("Medium risk")
    factories.action("high")  # something is told after both, so that somebody looks
    tick()
    assert card(world)["text"].startswith("Approved")


def test_a_change_that_is_heard_while_its_card_is_being_sent_draws_it_once_more(world, cast, monkeypatch):
    action = factories.action()
    tick()
    commenting.comment(action.pk, by=cast.second, text="please wait", door="web")
    put, heard = sending._put, list[slack_following.News]()

    def meanwhile(taken, drawn):
        if taken.kind == "card" and not heard:
            factories.decide(action, cast.reviewer)
            heard.append(slack_following.follow(0))
        return put(taken, drawn)

    monkeypatch.setattr(sending, "_put", meanwhile)
    SlackMessage.objects.filter(kind="card").update(shown="")  # so that it is sent, whatever it says
    tick()
    assert heard[0].actions == [action.pk] and card(world)["text"].startswith("Approved")


def test_each_hint_is_heard_once_by_all_workers_and_wakes_no_card_again(world, cast, monkeypatch):
    action = factories.action()
    tick()
    factories.decide(action, cast.reviewer)
    tick()
    assert card(world)["text"].startswith("Approved")
    calls = len(world.calls)
    monkeypatch.setattr(sending, "_since", None)  # a worker that has just started
    tick()
    assert slack_following.follow(0).actions == [] and len(world.calls) == calls
    assert not SlackMessage.objects.exclude(state="SENT").exists()


def test_what_was_told_while_no_worker_ran_is_heard_by_the_one_that_starts(world, cast, monkeypatch):
    action = factories.action()
    tick()
    monkeypatch.setattr(sending, "_since", None)
    factories.decide(action, cast.reviewer)
    monkeypatch.setattr(slack_following, "OVERLAP", 0)
    tick()
    assert card(world)["text"].startswith("Approved")


def test_what_fails_after_hearing_is_heard_again(world, cast, monkeypatch):
    action = factories.action()
    tick()
    factories.decide(action, cast.reviewer)
    with monkeypatch.context() as broken:
        broken.setattr(slack_owing, "owe_replies", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sending.tick()
    tick()
    assert card(world)["text"].startswith("Approved") and len(world.replies("C0AI", card(world)["ts"])) == 1
