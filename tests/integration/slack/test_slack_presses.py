"""A press that is acknowledged before it is decided: stored, decided exactly once by whoever is there, and never lost with a process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from urllib.parse import parse_qsl

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from approvals import operations, tasks
from approvals.models import Absence, Action, Comment, Decision, Edit, Halt, SlackHeard
from approvals.operations import halts, people, slack_heard
from approvals.queries import action_detail
from approvals.slack import approving, later, modals, quick, reviewing, sending
from approvals.slack.handling import handle
from approvals.slack.verifying import over_socket
from audit import queries as log
from audit.actors import SYSTEM
from tests import factories, fakes
from tests.integration.slack.test_slack_cards import buttons, card, tick, words
from tests.integration.slack.test_slack_review import option, radio, text
from tests.slack.gestures import Answer, Gestures

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def action(world) -> Action:
    made = factories.action()
    tick()
    return made


@pytest.fixture
def nobody_after(monkeypatch) -> list:
    """What comes after the acknowledgement is never done: the process dies in that second."""
    lost: list = []
    monkeypatch.setattr(later, "do", lambda job, **_: lost.append(job))
    return lost


@pytest.fixture
def held(action):
    with holding(action) as other:
        yield other


@contextlib.contextmanager
def holding(action):
    """Somebody else holds the action's row, in a connection of their own."""
    at = connection.get_connection_params()
    names = {"host", "port", "dbname", "user", "password"}
    other = psycopg.connect(**{name: value for name, value in at.items() if name in names and value})
    other.execute("SELECT 1 FROM approvals_action WHERE id = %s FOR UPDATE", [action.pk])
    yield other
    other.close()


def press(hands, world, user="U0MEI"):
    return hands.press(user, "C0AI", card(world)["ts"], "approve")


def request_of_a_press(world) -> tuple[str, bytes, dict[str, str]]:
    """What Slack would send for Mei's press on Approve."""
    kept: list[tuple[str, bytes, dict[str, str]]] = []

    def keep(path, body, headers) -> Answer:
        kept.append((path, body, dict(headers)))
        return Answer(200, {})

    Gestures(world, keep).press("U0MEI", "C0AI", card(world)["ts"], "approve")
    return kept[0]


def stored() -> int:
    return SlackHeard.objects.filter(todo__isnull=False).count()


def test_a_press_on_a_locked_action_outlives_the_process_that_took_it(world, hands, action, held, nobody_after, cast):
    answer = press(hands, world)
    assert answer.status == 200 and stored() == 1 and not Decision.objects.exists()
    held.rollback()
    with fakes.clock_moved(seconds=1):
        assert approving.sweep() == 0  # a living thread would have it in hand still
    with fakes.clock_moved(seconds=3):
        tasks.slack()
        tasks.slack()
    decision = Decision.objects.get()
    assert (decision.by, decision.door, decision.verdict) == (cast.reviewer, "slack", "approve") and stored() == 0
    (recorded,) = [e for e in log.timeline(action=str(action.pk)) if e.kind == "decision.recorded"]
    assert recorded.data["click"]["slack_user"] == "U0MEI" and recorded.data["click"]["signature"].startswith("v0=")
    assert hands.again().status == 200 and Decision.objects.count() == 1  # Slack's own retry of it
    assert buttons(card(world)) == []


def test_meanwhile_the_card_says_that_it_is_being_dealt_with(world, hands, action, held, nobody_after):
    press(hands, world)
    key, about = _left()
    assert not approving.finish(key, patience_ms=50)  # it is held
    sending.at_once(about)
    assert buttons(card(world)) == [] and "Processing… (pressed by rita)" in words(card(world))
    held.rollback()
    approving._soon(key, about)
    nobody_after[-1]()
    assert "by rita" in words(card(world)) and "Processing" not in words(card(world)) and Decision.objects.count() == 1


def _left():
    with fakes.clock_moved(seconds=3):
        return slack_heard.left_over()[0]


def test_it_is_decided_once_whoever_comes_first(world, hands, action, held, nobody_after):
    press(hands, world)
    held.rollback()
    key, _about = _left()
    fakes.together([lambda: approving.finish(key)] * 4)
    assert Decision.objects.count() == 1 and stored() == 0


@pytest.mark.parametrize("why", ["role", "unlinked", "expired", "version", "late"])
def test_everything_is_asked_again_when_it_is_decided(world, hands, action, held, nobody_after, cast, why, monkeypatch):
    press(hands, world)
    held.rollback()
    _left()
    minutes = 0.1
    if why == "role":
        people.ensure_person(username="rita", roles=["auditors"], by=SYSTEM)
    elif why == "unlinked":
        hands.event("T0HOME", {"type": "user_change", "user": {"id": "U0MEI", "team_id": "T0HOME", "is_restricted": True}})
    elif why == "version":
        kept = SlackHeard.objects.get(todo__isnull=False)
        SlackHeard.objects.filter(pk=kept.pk).update(todo={**(kept.todo or {}), "prefix": "0" * 12})
    elif why == "late":
        minutes = 6
    else:
        monkeypatch.setattr(slack_heard, "LATE_AFTER", timedelta(hours=3))
        minutes = 120
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    with fakes.clock_moved(minutes=minutes):
        approving.sweep()
    said = {
        "role": "not in that group", "unlinked": "not linked", "expired": "time to decide this has passed", "version": "changed since",
        "late": "press again",
    }  # fmt: skip
    assert not Decision.objects.exists() and stored() == 0 and said[why] in world.private("C0AI", "U0MEI")[-1]


def test_what_is_stored_is_not_forgotten_before_it_is_dealt_with(world, hands, action, held, nobody_after):
    press(hands, world)
    with fakes.clock_moved(hours=30):
        slack_heard.forget_old()
    assert stored() == 1


def test_a_web_process_killed_with_a_press_in_hand_loses_none(world, hands, action, held, nobody_after, cast):
    """A process of its own takes the press over the signed door and waits for the row; it gets SIGKILL; the next tick decides."""
    path, body, headers = request_of_a_press(world)
    code = textwrap.dedent(
        f"""
        import django, sys, time
        django.setup()
        from django.test import Client
        headers = {headers!r}
        kind = headers.pop("Content-Type")
        print(Client(SERVER_NAME="localhost").generic("POST", {path!r}, {body!r}, content_type=kind, headers=headers).status_code, flush=True)
        time.sleep(60)
        """
    )
    at = connection.settings_dict
    env = {
        **os.environ, "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
        "SLACK_SIGNING_SECRET": world.signing_secret, "SLACK_API_URL": django_settings.SLACK_API_URL,
    }  # fmt: skip
    code = f"import os\nfrom django.conf import settings\nsettings.DATABASES['default'].update({_plain(at)!r})\n{code}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout is not None
        said = child.stdout.readline().strip()
        child.send_signal(signal.SIGKILL)
    assert said == "200"
    assert stored() == 1 and not Decision.objects.exists()
    held.rollback()
    with fakes.clock_moved(seconds=4):
        tasks.slack()
    assert Decision.objects.get().by == cast.reviewer and stored() == 0


def _plain(at) -> dict:
    return {name: at[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}


def test_over_the_socket_it_is_stored_and_acknowledged_before_anything_waits(world, hands, action, held, nobody_after):
    """Whatever holds the row, the acknowledgement waits for none of it."""
    _path, body, _headers = request_of_a_press(world)
    payload = json.loads(dict(parse_qsl(body.decode()))["payload"])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1ms'")  # it may wait for nothing at all
        assert handle("block_actions", payload, over_socket(b"x", "E1")) == {}
    assert stored() == 1
    held.rollback()
    key, _about = _left()
    assert approving.finish(key) and Decision.objects.count() == 1


def test_a_press_is_decided_while_every_thread_that_answers_waits_for_slack(world, hands, action, held, cast, monkeypatch):
    """Four views that Slack does not take for a second each: the stored press has a thread of its own."""
    monkeypatch.setattr(later, "do", lambda job, *, pool=later.ANSWERS: transaction.on_commit(lambda: later._begin(job, pool)))
    over = threading.Event()
    for _ in range(4):
        later._begin(over.wait)
    try:
        press(hands, world)
        assert stored() == 1
        held.rollback()
        for future in list(later._open[later.PRESSES]):
            future.result(20)
        assert Decision.objects.get().by == cast.reviewer and stored() == 0
    finally:
        over.set()
        later.wait()


def test_what_is_slow_without_a_lock_is_stored_and_decided_after_the_acknowledgement(world, hands, action, nobody_after, cast, monkeypatch):
    """A database that takes its time: the press is cut off before Slack gives up on it, and loses nothing."""
    monkeypatch.setattr(approving, "WHOLE_MS", 200)
    decide = operations.decide

    def slow(*args, **more):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.5)")
        return decide(*args, **more)

    monkeypatch.setattr(operations, "decide", slow)
    assert press(hands, world).status == 200 and stored() == 1 and not Decision.objects.exists()
    key, _about = _left()
    assert approving.finish(key) and Decision.objects.get().by == cast.reviewer


def test_many_small_steps_are_cut_off_as_one_long_one_is(action):
    """Nothing of it is done, and what follows in the transaction has its usual time again."""

    def job() -> None:
        with transaction.atomic():
            Action.objects.filter(pk=action.pk).update(summary="changed")
            for _ in range(20):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.05)")

    with transaction.atomic(), connection.cursor() as cursor:
        assert not quick.within(100, job, whole_ms=200)
        assert quick.within(100, lambda: None, whole_ms=200)
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), pg_sleep(0.3)")
        assert cursor.fetchone()[:2] == ("0", "0")
    action.refresh_from_db()
    assert action.summary != "changed"


@pytest.mark.parametrize(("verdict", "reason", "shown"), [("approve", "fine by me", "Approved"), ("reject", "", "Rejected")])
def test_a_view_submitted_while_somebody_else_holds_the_action_is_stored_and_says_what_became_of_it(
    world, hands, action, cast, nobody_after, monkeypatch, verdict, reason, shown
):
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": verdict})
    monkeypatch.setattr(later, "do", lambda job, **_: nobody_after.append(job))
    said = {modals.CHOICE: option(verdict), "reason": text(reason)}
    with holding(action) as other:
        if verdict == "reject":
            assert "reason" in hands.submit("U0MEI", said).body["errors"] and stored() == 0
            said["reason"] = text("not this one")
        answer = hands.submit("U0MEI", said)
        assert answer.status == 200 and "Kept. Somebody else holds" in json.dumps(answer.body) and stored() == 1
        assert not Decision.objects.exists()
        other.rollback()
    with fakes.clock_moved(seconds=3):
        tasks.slack()
        tasks.slack()
    decision = Decision.objects.get()
    assert (decision.by, decision.verdict, decision.reason) == (cast.reviewer, verdict, reason or "not this one") and stored() == 0
    assert decision.proof["click"]["slack_user"] == "U0MEI" and buttons(card(world)) == []
    nobody_after[-1]()
    assert shown in json.dumps(hands.open_view("U0MEI").view)


@pytest.mark.parametrize("why", ["late", "role"])
def test_a_kept_verdict_that_is_refused_is_said_also_when_the_view_is_closed(world, hands, action, cast, nobody_after, monkeypatch, why):
    opened_at(hands, world, monkeypatch, nobody_after, "reject")
    with holding(action) as other:
        hands.submit("U0MEI", {modals.CHOICE: option("reject"), "reason": text("not this one")})
        other.rollback()
    if why == "role":
        people.ensure_person(username="rita", roles=[], by=SYSTEM)
    world.close(hands.open_view("U0MEI").id)
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    with fakes.clock_moved(minutes=10 if why == "late" else 0, seconds=3):
        tasks.slack()
        tick()
    (said,) = [m["text"] for m in world.cards(world.direct("T0HOME", "U0MEI").id)]
    assert ("press again" if why == "late" else "no role") in said and not Decision.objects.exists() and stored() == 0


BESIDES = [("reserve", {}, "Reserved for you"), ("snooze", {"seconds": radio("900")}, "Snoozed for you alone")]


def opened_at(hands, world, monkeypatch, nobody_after, choice):
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": choice})
    monkeypatch.setattr(later, "do", lambda job, **_: nobody_after.append(job))


@pytest.mark.parametrize(("choice", "fields", "shown"), BESIDES)
def test_what_decides_nothing_is_kept_as_well_and_says_what_became_of_it(
    world, hands, action, nobody_after, monkeypatch, choice, fields, shown
):
    opened_at(hands, world, monkeypatch, nobody_after, choice)
    with holding(action) as other:
        answer = hands.submit("U0MEI", {modals.CHOICE: option(choice), **fields})
        assert "Kept. Somebody else holds" in json.dumps(answer.body) and stored() == 1
        other.rollback()
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    with fakes.clock_moved(seconds=3):
        tasks.slack()
    assert stored() == 0 and shown in json.dumps(hands.open_view("U0MEI").view)
    (event,) = log.events(kind="slack.pressed").rows
    assert event.data["what"] == choice


@pytest.mark.parametrize(("choice", "fields", "shown"), BESIDES)
def test_what_comes_after_the_decision_says_who_was_first_also_when_the_view_is_closed(
    world, hands, action, cast, nobody_after, monkeypatch, choice, fields, shown
):
    opened_at(hands, world, monkeypatch, nobody_after, choice)
    with holding(action) as other:
        hands.submit("U0MEI", {modals.CHOICE: option(choice), **fields})
        other.rollback()
    factories.decide(action, cast.second, "reject", reason="no")
    world.close(hands.open_view("U0MEI").id)
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    with fakes.clock_moved(seconds=3):
        tasks.slack()
        tick()
    (said,) = [m["text"] for m in world.cards(world.direct("T0HOME", "U0MEI").id)]
    assert "not done" in said and "Rejected by sam" in said and stored() == 0


def test_a_view_left_open_over_the_decision_says_that_nothing_of_it_was_done(world, hands, action, cast, nobody_after, monkeypatch):
    opened_at(hands, world, monkeypatch, nobody_after, "reserve")
    factories.decide(action, cast.second)
    said = json.dumps(hands.submit("U0MEI", {modals.CHOICE: option("reserve")}).body)
    assert "Reserving it: not done" in said and "Approved by sam" in said and "warning" in said


@pytest.mark.parametrize("slow", ["before", "while"])
def test_a_view_submitted_to_a_slow_machine_is_stored_in_time_and_says_nothing_of_others(
    world, hands, action, cast, nobody_after, monkeypatch, slow
):
    """Slack counts from when it sent it: with the time gone for looking, or cut off while it is decided, the verdict is stored."""
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": "approve"})
    monkeypatch.setattr(later, "do", lambda job, **_: nobody_after.append(job))
    begun: list[str] = []
    decide = operations.decide

    def late(*args, **more):
        begun.append("before")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.4)")
        return action_detail(*args, **more)

    def decided(*args, **more):
        begun.append("while")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return decide(*args, **more)

    monkeypatch.setattr(reviewing, "WHOLE_MS", 480 if slow == "before" else 3_000)
    if slow == "before":
        monkeypatch.setattr(reviewing, "action_detail", late)
    monkeypatch.setattr(operations, "decide", decided)
    answer = hands.submit("U0MEI", {modals.CHOICE: option("approve"), "reason": text("fine by me")})
    assert begun == [slow], "it was tried with no time left"
    said = json.dumps(answer.body)
    assert answer.status == 200 and "Kept; it is being recorded" in said and stored() == 1 and not Decision.objects.exists()
    monkeypatch.setattr(operations, "decide", decide)
    key, _about = _left()
    assert approving.finish(key) and Decision.objects.get().reason == "fine by me"


def test_an_edit_confirmed_while_somebody_else_holds_the_action_is_kept_and_asked_for(world, hands, cast, agents, tmp_path, monkeypatch):
    _, action = factories.waiting(cast.operator, factories.call(label="a line"), world=str(tmp_path / "world"))
    tick()
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": "edit"})
    assert hands.submit("U0MEI", {modals.CHOICE: option("edit"), "edit:label": text("another")}).body["response_action"] == "push"
    with holding(action) as other:
        monkeypatch.setattr(later, "do", lambda job, **_: None)
        answer = hands.submit("U0MEI", {})
        assert answer.status == 200 and "Kept. Somebody else holds" in json.dumps(answer.body) and not Edit.objects.exists()
        other.rollback()
    key, _about = _left()
    assert approving.finish(key) and Edit.objects.get().by == cast.reviewer


def test_a_reply_while_somebody_else_holds_the_action_is_sent_again_by_slack(world, hands, action, cast):
    ts = card(world)["ts"]
    with holding(action) as other:
        assert hands.reply("U0JORGE", "C0AI", "please wait", ts, ts="1700000000.000100").status == 503 and not Comment.objects.exists()
        other.rollback()
    for _ in range(2):
        assert hands.reply("U0JORGE", "C0AI", "please wait", ts, ts="1700000000.000100").status == 200
    assert Comment.objects.get().text == "please wait"


# -- halting, and one's own desk --------------------------------------------------------------------


@contextlib.contextmanager
def nobody_else(statement: str):
    """A connection of somebody else has taken a lock; ends with a rollback."""
    at = connection.get_connection_params()
    names = {"host", "port", "dbname", "user", "password"}
    with psycopg.connect(**{name: value for name, value in at.items() if name in names and value}) as other:
        other.execute(statement)
        yield other
        other.rollback()


@pytest.mark.parametrize(("minutes", "closed"), [(0, False), (10, True)])
def test_a_halt_that_cannot_be_given_in_time_is_kept_given_and_said(world, hands, cast, agents, monkeypatch, linked, minutes, closed):
    """A claim holds the lock that an order needs: it is stored with its answer, outlives the process, and is never too late."""
    hands.command("U0OLIVE", "C0AI", "/halt", "everything")
    inline = later.do
    monkeypatch.setattr(later, "do", lambda job, **_: None)  # the process dies with its answer
    said = {"scope": option("everything"), "reason": text("looking into it"), "word": text("HALT")}
    with nobody_else(halts.HOLD_OFF):
        assert hands.submit("U0OLIVE", {**said, "reason": text(" ")}).body["errors"]["reason"] and stored() == 0
        answer = hands.submit("U0OLIVE", said)
        assert answer.status == 200 and "Kept. Nothing is halted yet" in json.dumps(answer.body) and stored() == 1
        assert not Halt.objects.exists()
    monkeypatch.setattr(later, "do", inline)
    if closed:
        world.close(hands.open_view("U0OLIVE").id, everything=True)
    with fakes.clock_moved(seconds=60 * minutes + 3):
        tasks.slack()
        tasks.slack()
    order = Halt.objects.get()
    assert (order.by, order.scope, order.door, order.reason) == (cast.operator, "everything", "slack", "looking into it") and stored() == 0
    assert [e.data["click"]["slack_user"] for e in log.events(kind="slack.pressed").rows] == ["U0OLIVE"]
    shown = world.direct("T0HOME", "U0OLIVE").messages if closed else hands.open_view("U0OLIVE").view
    assert "Halted. Nothing new starts" in json.dumps(shown)


def test_a_kept_halt_that_may_not_be_given_is_said_too(world, hands, cast, agents, nobody_after, monkeypatch):
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    hands.command("U0OLIVE", "C0AI", "/halt", "everything")
    monkeypatch.setattr(later, "do", lambda job, **_: nobody_after.append(job))
    with nobody_else(halts.HOLD_OFF):
        hands.submit("U0OLIVE", {"scope": option("everything"), "reason": text("looking"), "word": text("HALT")})
    people.deactivate(username=cast.operator.get_username(), by=SYSTEM)
    key, _about = _left()
    assert approving.finish(key) and not Halt.objects.exists() and stored() == 0
    nobody_after[-1]()
    assert "locked" in json.dumps(hands.open_view("U0OLIVE").view)


def test_leaving_and_coming_back_wait_for_nobody_and_say_that_nothing_was_recorded(world, hands, cast, nobody_after, monkeypatch):
    def do_now(now: bool) -> None:
        monkeypatch.setattr(later, "do", lambda job, **_: job() if now else nobody_after.append(job))

    said = {"delegate": option("sam"), "days": option(""), "note": text("")}
    do_now(True)
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_away")
    do_now(False)
    with nobody_else("LOCK TABLE approvals_absence IN ACCESS EXCLUSIVE MODE"):
        assert "nothing was recorded" in hands.submit("U0MEI", said).body["errors"]["delegate"]
    assert not Absence.objects.exists()
    do_now(True)
    hands.submit("U0MEI", said)
    do_now(False)
    with nobody_else("LOCK TABLE approvals_absence IN ACCESS EXCLUSIVE MODE"):
        assert hands.press_home("U0MEI", "home_back").status == 200
    assert Absence.objects.get().ended_at is None
    for job in nobody_after:
        job()
    assert "nothing was recorded" in json.dumps(hands.open_view("U0MEI").view)


# -- what is said of it -----------------------------------------------------------------------------


def test_a_double_click_on_record_ends_with_the_receipt(world, hands, action, nobody_after, cast, monkeypatch):
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": "approve"})
    monkeypatch.setattr(later, "do", lambda job, **_: nobody_after.append(job))
    shown = hands.open_view("U0MEI")
    before, said = dict(shown.view), {modals.CHOICE: option("approve"), "reason": text("fine")}
    with holding(action) as other:
        hands.submit("U0MEI", said)
        shown.view = before  # as it stood when they clicked the second time
        hands.submit("U0MEI", said)
        assert stored() == 2
        other.rollback()
    with fakes.clock_moved(seconds=3):
        assert approving.sweep() == 2
    for job in nobody_after:
        job()
    said_at_last = json.dumps(hands.open_view("U0MEI").view)
    assert Decision.objects.count() == 1 and "Approved" in said_at_last and "decided this already" not in said_at_last


def test_nobody_is_blamed_for_a_slow_machine():
    assert "Somebody else" in quick.again(quick.Ended.HELD)
    assert "Somebody" not in quick.again(quick.Ended.LATE) and "nothing was recorded, try again" in quick.again(quick.Ended.LATE)


@pytest.mark.parametrize(("why", "said"), [("held", "Kept. Somebody else holds"), ("slow", "Kept; it is being recorded")])
def test_what_is_kept_blames_somebody_else_only_when_there_is_somebody(world, hands, action, monkeypatch, why, said):
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": "snooze"})
    if why == "slow":
        monkeypatch.setattr(reviewing, "WHOLE_MS", 1)
    with nobody_else("LOCK TABLE approvals_snooze IN ACCESS EXCLUSIVE MODE") if why == "held" else contextlib.nullcontext():
        answer = hands.submit("U0MEI", {modals.CHOICE: option("snooze"), "seconds": option("900")})
    assert said in json.dumps(answer.body)


def test_the_sentence_about_a_newer_version_has_the_way_to_it(world, hands, action, monkeypatch):
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    ts = card(world)["ts"]
    for button in ("approve", "review"):
        hands.press("U0MEI", "C0AI", ts, button, action={"value": f"{action.pk}:{'0' * 12}"})
        said = world.private("C0AI", "U0MEI")[-1]
        assert "newer one" in said and f"<https://countersign.test/actions/{action.pk}/|" in said
        monkeypatch.setattr(slack_heard, "first_for_a_while", lambda _what: True)
    assert len(world.private("C0AI", "U0MEI")) == 2
