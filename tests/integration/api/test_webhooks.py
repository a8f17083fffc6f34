"""Webhooks: owed from the log alone, signed, tried again for a day, to public addresses only, followed nowhere."""

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from approvals.errors import BadRequest, Conflict, NotAllowed
from approvals.models import Action, Endpoint, Looked, Post
from approvals.notify import webhooks as sending
from approvals.notify.errors import NotSent
from approvals.operations import halts, releasing, webhooks
from approvals.queries.webhooks import standing
from approvals.tasks import tell_programs
from audit import settled
from audit.models import Event
from audit.queries import events
from audit.views.words import sentence_of
from tests import factories
from tests.fakes import clock_moved, together
from tests.servers import PushService, running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_PRIVATE = True
    with running(PushService()) as server:
        yield server


def endpoint(cast, receiver, **more):
    return webhooks.add(**{"url": receiver.endpoint, "agent": "", "about": "", "kinds": [], "by": cast.admin, "door": "web", **more})


def kinds(receiver):
    return [json.loads(body)["type"] for _, body in receiver.got]


def test_what_happens_is_posted_signed_and_without_arguments(cast, receiver):
    made, secret = endpoint(cast, receiver)
    action = factories.action(args={"card": "4242-4242"})
    factories.decide(action, cast.reviewer)
    tell_programs()
    assert kinds(receiver) == ["action.opened", "action.approved"]
    headers, body = receiver.got[0]
    assert Webhook(secret).verify(body, headers)["data"]["action"] == str(action.pk)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)
    assert b"4242" not in body and secret not in made.secret and headers["webhook-id"] == Post.objects.order_by("pk")[0].message
    tell_programs()
    assert len(receiver.got) == 2 and set(Post.objects.values_list("state", flat=True)) == {"SENT"}


def test_an_endpoint_hears_of_its_agent_and_its_kinds_only_and_from_when_it_was_added(cast, receiver):
    factories.action(agent="mine")
    endpoint(cast, receiver, agent="mine", kinds=["action.opened"])
    factories.action(agent="mine"), factories.action(agent="other")
    factories.decide(factories.action(agent="mine"), cast.reviewer)
    tell_programs()
    assert kinds(receiver) == ["action.opened"] * 2


def test_what_commits_late_is_not_skipped(cast, receiver):
    factories.action()  # the first policy is in force, so that the two below do not wait for each other to put it there
    endpoint(cast, receiver)
    with transaction.atomic():
        factories.action()
        assert together([webhooks.spread])[0] == 0
        together([lambda: factories.action()])  # later, and committed before
        together([webhooks.spread])
    connection.close()
    tell_programs()
    assert kinds(receiver) == ["action.opened"] * 2


def test_who_writes_in_another_database_of_the_server_holds_nobody_up(cast, receiver):
    """An import of hours in somebody else's database: what is written here is posted, and given out, all the same."""
    factories.action()
    endpoint(cast, receiver)
    beside = connections.create_connection("default")
    beside.settings_dict = {**connection.settings_dict, "NAME": "postgres"}
    try:
        beside.set_autocommit(False)
        with beside.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        event = factories.action().pk
        tell_programs()
        assert kinds(receiver) == ["action.opened"]
        assert Event.objects.filter(action=event, pk__lte=settled.last_id()).exists()
    finally:
        beside.close()


def test_what_was_logged_before_an_endpoint_was_there_or_was_on_again_is_not_posted_there(cast, receiver, monkeypatch):
    """Whatever the oldest open transaction is: here one that began before everything."""
    before = settled.horizon()
    monkeypatch.setattr(settled, "horizon", lambda: before)
    factories.action()
    made, _ = endpoint(cast, receiver)
    webhooks.switch(made.pk, on=False, by=cast.admin, door="web")
    factories.action()
    webhooks.switch(made.pk, on=True, by=cast.admin, door="web")
    heard = factories.action()
    webhooks.switch(made.pk, on=True, by=cast.admin, door="web")  # it is on: nothing is lost by saying so again
    monkeypatch.undo()
    tell_programs()
    posted = Post.objects.values_list("about", "kind")
    assert [about for about, kind in posted if kind == "action.opened"] == [str(heard.pk)]


def test_with_no_endpoint_nothing_is_written(cast):
    factories.action()
    assert webhooks.spread() == 0 and not Looked.objects.exists() and not Post.objects.exists()


def test_it_is_tried_again_with_longer_pauses_and_given_up_after_a_day(cast, receiver):
    endpoint(cast, receiver)
    receiver.status = 500
    factories.action()
    tell_programs()
    row = Post.objects.get()
    assert (row.state, row.attempts, row.error) == ("WAITING", 1, "It answers 500")
    assert 4 <= (row.next_at - row.changed_at).total_seconds() <= 6
    assert [webhooks.pause(n).total_seconds() for n in (1, 2, 8, 20)] == [5, 30, 10_800, 10_800]
    assert sum(webhooks.PAUSES_S) + 6 * webhooks.PAUSES_S[-1] > 24 * 3600
    with clock_moved(hours=25):
        letter = webhooks.claim()
        assert letter
        webhooks.record(letter, None, NotSent("still 500"))
    assert Post.objects.get().state == "FAILED" and "after a day" in Post.objects.get().error


@pytest.mark.parametrize(("written", "asked"), [("?key=1", "/?key=1"), ("//in/it?a=b#c", "//in/it?a=b"), ("", "/")])
def test_an_address_is_asked_for_as_it_is_written_also_without_a_path(cast, settings, written, asked):
    settings.WEBHOOK_PRIVATE = True
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def first_line():
            connected, _ = server.accept()
            with connected:
                said = connected.recv(65_536)
                connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return said.split(b"\r\n", 1)[0].decode()

        heard = pool.submit(first_line)
        url, secret = f"http://127.0.0.1:{server.getsockname()[1]}{written}", "whsec_" + "QUJD" * 8
        assert sending.send(url, secret=secret, message="msg_1", at=datetime.now(UTC), body="{}") == 204
        assert heard.result(5) == f"POST {asked} HTTP/1.1"


def test_a_redirect_is_not_followed_and_410_switches_it_off(cast, receiver):
    made, _ = endpoint(cast, receiver)
    receiver.status = 302
    factories.action()
    tell_programs()
    assert "redirect" in Post.objects.get().error and len(receiver.got) == 1
    receiver.status = 410
    Post.objects.update(next_at="2020-01-01T00:00:00Z")
    tell_programs()
    made.refresh_from_db()
    assert made.off_at and Post.objects.get().state == "FAILED"
    last = events(stream=f"webhook:{made.pk}").rows[0]
    assert sentence_of(last) == f"Switched the webhook {made.url} off: The address said that it is gone (410)"
    assert (last.kind, last.actor) == ("webhook.switched_off", "Countersign")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/x", "https"),
        ("ftp://example.com/x", "no address"),
        ("https://", "no address"),
        ("https://user:pw@example.com/x", "no address"),
        ("https://127.0.0.1/x", "not a public address"),
        ("https://10.1.2.3/x", "not a public address"),
        ("https://169.254.169.254/latest", "not a public address"),
        ("https://localhost/x", "localhost is 127.0.0.1"),
        ("https://localhost./x", "not a public address"),
        ("https://2130706433/x", "not a public address"),
        ("https://0x7f.1/", "0x7f.1 is 127.0.0.1"),
        ("https://[::1]/x", "not a public address"),
        ("https://[::ffff:10.0.0.1]/x", "not a public address"),
        ("https://[64:ff9b::a00:1]/x", "not a public address"),
        ("https://[64:ff9b:1::7f00:1]/x", "not a public address"),
        ("https://[::127.0.0.1]/x", "not a public address"),
        ("https://[::ffff:0:7f00:1]/x", "not a public address"),
        ("https://192.0.0.8/x", "not a public address"),
        ("https://[fec0::1]/x", "not a public address"),
        ("https://[fe80::1]/x", "not a public address"),
        ("https://0.0.0.0/x", "not a public address"),
        ("https://[3fff::1]/x", "not a public address"),
        ("https://[5f00::1]/x", "not a public address"),
        ("https://192.88.99.1/x", "not a public address"),
        ("https://[::ffff:192.88.99.1]/x", "not a public address"),
        ("https://[2002:c058:6301::1]/x", "not a public address"),
        ("https://[v1.x]/", "no address"),
        ("https://\\127.0.0.1/", "no address"),
        ("https://example.com\\@127.0.0.1/", "no address"),
        ("https://exa mple.com/", "no address"),
        ("https://example.com:99999/", "no address"),
    ],
)
def test_addresses_that_are_not_called(cast, url, why):
    with pytest.raises(BadRequest, match=why):
        webhooks.add(url=url, agent="", about="", kinds=[], by=cast.admin, door="web")


def test_a_name_that_resolves_to_a_private_address_is_not_called(cast, monkeypatch):
    asked = []

    def resolve(host, *args, **more):
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34", 0)), (2, 1, 6, "", ("10.0.0.7", 0))]

    monkeypatch.setattr("approvals.notify.webhooks.socket.getaddrinfo", resolve)
    monkeypatch.setattr("approvals.notify.webhooks.socket.create_connection", lambda *a, **k: pytest.fail("it was called"))
    webhooks.add(url="https://hooks.example.com/x", agent="", about="", kinds=[], by=cast.admin, door="web")
    factories.action()
    tell_programs()
    assert "10.0.0.7" in Post.objects.get().error and asked == ["hooks.example.com"]


def test_it_connects_to_the_very_address_it_looked_at(cast, monkeypatch, settings):
    called = []
    monkeypatch.setattr("approvals.notify.webhooks.socket.getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("93.184.216.34", 0))])

    def connect(address, timeout):
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("approvals.notify.webhooks.socket.create_connection", connect)
    with pytest.raises(NotSent, match="cannot be reached"):
        sending.send("https://hooks.example.com/x", secret="whsec_" + "A" * 44, message="m", at=datetime.now(UTC), body="{}")
    assert called == [("93.184.216.34", 443)]


def test_whoever_answers_a_byte_now_and_then_is_given_up(cast, settings, monkeypatch):
    settings.WEBHOOK_PRIVATE = True
    monkeypatch.setattr(sending, "IN_ALL_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def drip():
            there, _ = listening.accept()
            with there, suppress(OSError):
                there.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
                while not over.wait(0.05):
                    there.sendall(b"a")

        dripping = threading.Thread(target=drip)
        dripping.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        try:
            with pytest.raises(NotSent, match="cannot be reached"):
                sending.send(url, secret="whsec_" + "A" * 44, message="m", at=datetime.now(UTC), body="{}")
        finally:
            over.set()
            dripping.join()


def test_two_workers_never_post_to_one_endpoint_at_once(cast, receiver):
    endpoint(cast, receiver)
    for _ in range(8):
        factories.action()
    webhooks.spread()
    taken = [letter for letter in together([webhooks.claim] * 6) if letter is not None]
    assert len(taken) == 1 and Post.objects.filter(state="SENDING").count() == 1


def test_a_worker_that_died_leaves_a_message_that_is_sent_again(cast, receiver):
    endpoint(cast, receiver)
    factories.action()
    webhooks.spread()
    assert webhooks.claim() and webhooks.claim() is None
    with clock_moved(minutes=3):
        letter = webhooks.claim()
    assert letter and letter.attempts == 2
    webhooks.record(letter, *webhooks.post(letter))
    assert Post.objects.get().state == "SENT"


def test_only_administrators_and_owners_say_where_webhooks_go(cast, receiver, outside):
    for by in (cast.reviewer, cast.operator, cast.auditor):
        with pytest.raises(NotAllowed):
            endpoint(cast, receiver, by=by)
    assert endpoint(cast, receiver, agent=outside)[0].agent == "books"


def test_the_page_adds_tests_and_sends_again(cast, receiver):
    client = Client()
    client.force_login(cast.admin, backend="django.contrib.auth.backends.ModelBackend")

    def post(path, body=""):
        return client.generic("POST", path, body, content_type="application/x-www-form-urlencoded")

    page = post("/webhooks/add", f"url={receiver.endpoint}&agent=&about=ci&kinds=")
    assert page.status_code == 200 and "whsec_" in page.content.decode()
    again = client.get("/webhooks/").content.decode()
    assert "whsec_" not in again and 'value="alert.raised,alert.reminded,alert.recovered"' in again
    made = Endpoint.objects.get()
    assert post(f"/webhooks/{made.pk}/test").status_code == 302
    tell_programs()
    first = Post.objects.get()
    assert (first.kind, first.state, first.status) == ("test", "SENT", 201)
    assert post(f"/webhooks/messages/{first.pk}/again").status_code == 302
    tell_programs()
    assert [h["webhook-id"] for h, _ in receiver.got] == [first.message] * 2
    factories.action()
    webhooks.spread()
    assert Post.objects.filter(state="WAITING").exists()
    post(f"/webhooks/{made.pk}/switch", "on=0")
    tell_programs()
    assert len(receiver.got) == 2  # not what was owed before it was switched off, either
    factories.action()
    tell_programs()
    assert len(receiver.got) == 2
    for path in (f"/webhooks/{made.pk}/test", f"/webhooks/messages/{first.pk}/again"):  # never "on its way" to where nothing is sent
        refused = post(path)
        assert refused.status_code == 409 and "switched off" in refused.content.decode(), path
    assert Post.objects.filter(kind="test").count() == 2
    assert post("/webhooks/add", "url=nonsense").status_code == 400


class Stamped(list):
    """When each message came."""

    def append(self, message):
        super().append(time.monotonic())


def test_receivers_that_hang_keep_nobody_elses_messages_waiting(cast, receiver, monkeypatch):
    """One of them held up every endpoint, one message in 20 s."""
    monkeypatch.setattr("approvals.notify.webhooks.ANSWER_S", 4)
    receiver.got = Stamped()
    with socket.create_server(("127.0.0.1", 0), backlog=50) as hangs:  # it takes connections, and says nothing
        for n in range(12):
            endpoint(cast, receiver, url=f"http://127.0.0.1:{hangs.getsockname()[1]}/{n}")
        endpoint(cast, receiver)
        for _ in range(5):
            factories.action()
        began = time.monotonic()
        tell_programs()
    assert len(receiver.got) == 5 and max(receiver.got) - began < 3


def test_when_its_time_is_over_a_worker_waits_for_no_endpoint_that_has_failed(cast, receiver):
    slow, _ = endpoint(cast, receiver, url="http://127.0.0.1:9/slow")
    factories.action()
    webhooks.spread()
    letter = webhooks.claim()
    assert letter is not None
    webhooks.record(letter, None, NotSent("it hangs"))
    factories.action()
    webhooks.spread()
    assert webhooks.claim(sound=True) is None
    quick, _ = endpoint(cast, receiver)
    factories.action()
    webhooks.spread()
    assert Post.objects.get(pk=webhooks.claim(sound=True).id).endpoint_id == quick.pk
    assert Post.objects.get(pk=webhooks.claim().id).endpoint_id == slow.pk


def test_the_death_of_a_worker_is_no_failure_of_the_endpoint(cast, receiver):
    """What else it was owed stood behind all that dead endpoints were, for minutes."""
    made, _ = endpoint(cast, receiver)
    factories.action()
    webhooks.spread()
    assert webhooks.claim()
    with clock_moved(seconds=121):
        assert (letter := webhooks.claim(sound=True)) and letter.attempts == 2
    assert Post.objects.get(endpoint=made).error == webhooks.DIED()


@pytest.mark.parametrize(
    ("said", "most"),
    [
        ("40", 40),
        ("99999999999", 3_600),
        ("", 0),
        ("soon", 0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0),
        ("-5", 0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
    ],
)
def test_a_server_that_asks_to_be_left_alone_is(cast, receiver, said, most):
    made, _ = endpoint(cast, receiver)
    receiver.status, receiver.headers = 429, {"Retry-After": said}
    first, second = factories.action(), factories.action()
    tell_programs()
    made.refresh_from_db()
    assert bool(made.alone_until) is bool(most)
    rows = Post.objects.filter(endpoint=made).order_by("pk")
    assert rows[0].attempts == 1 and rows[1].attempts == (0 if most else 1), (first, second)
    if not most:
        return
    receiver.status, receiver.headers = 200, {}
    with clock_moved(seconds=most - 10):
        tell_programs()
        assert not receiver.got[2:] and {row.state for row in rows.all()} == {"WAITING"}
    with clock_moved(seconds=most + 1):
        tell_programs()
    assert {row.state for row in rows.all()} == {"SENT"}


def test_until_somebody_presses(cast, receiver):
    made, _ = endpoint(cast, receiver)
    receiver.status, receiver.headers = 503, {"Retry-After": "600"}
    factories.action()
    tell_programs()
    client = Client(raise_request_exception=False)
    client.force_login(cast.admin)
    assert "asked to be left alone" in client.get("/webhooks/").content.decode()
    receiver.status = 200
    webhooks.test(made.pk, by=cast.admin)
    tell_programs()
    assert "test" in kinds(receiver)


def test_the_page_shows_those_in_use_first_and_all_that_are_off(cast, receiver):
    """With fifty that were off, those in use were on no page."""
    for n in range(55):
        made, _ = endpoint(cast, receiver, url=f"{receiver.endpoint}/off{n}")
        webhooks.switch(made.pk, on=False, by=cast.admin, door="web")
    endpoint(cast, receiver, url=f"{receiver.endpoint}/used")
    client = Client(raise_request_exception=False)
    client.force_login(cast.admin)
    text = client.get("/webhooks/").content.decode()
    assert (
        text.index("/used") < text.index("/off54") and "/off5<" in text.replace("</b>", "<") and "/off4<" not in text.replace("</b>", "<")
    )
    more = client.get(re.search(r'"(\?off=[0-9]+)"', text)[1].replace("?", "/webhooks/?")).content.decode()
    assert all(f"/off{n}<" in more.replace("</b>", "<") for n in range(5)) and "/used" not in more


def test_no_more_are_switched_on_than_may_be_added(cast, receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST", 1)
    first, _ = endpoint(cast, receiver)
    webhooks.switch(first.pk, on=False, by=cast.admin, door="web")
    endpoint(cast, receiver)
    with pytest.raises(Conflict):
        webhooks.switch(first.pk, on=True, by=cast.admin, door="web")


def test_an_endpoint_of_one_agent_hears_of_whatever_stops_it(cast, receiver):
    endpoint(cast, receiver, agent="mine", kinds=["halt.ordered"])
    own = factories.action(agent="mine")
    Action.objects.filter(pk=own.pk).update(customer="ada")
    stops = [("everything", ""), ("agent", "mine"), ("version", "mine@3"), ("tool", own.tool), ("customer", "ada")]
    others = [("agent", "other"), ("version", "other@3"), ("tool", "another"), ("customer", "bob")]
    for scope, target in stops + others:
        order = halts.halt(scope=scope, target=target, reason="why", by=cast.operator, door="web")
        releasing.release(order.pk, reason="why", by=cast.operator, door="web")
    tell_programs()
    said = [json.loads(body)["data"] for _, body in receiver.got]
    assert [(one["scope"], one["target"]) for one in said] == stops
    with pytest.raises(BadRequest, match="whole installation"):
        endpoint(cast, receiver, agent="mine", kinds=["alert.raised", "alert.recovered"])


def test_however_much_is_owed_at_one_look_is(cast, receiver, monkeypatch):
    """More than 65,535 values are no statement: every look failed from then on, and nobody was told anything any more."""
    for n in range(40):
        endpoint(cast, receiver, url=f"{receiver.endpoint}/{n}")
    for _ in range(150):
        factories.action()
    monkeypatch.setattr(webhooks, "EVENTS", 100)
    assert webhooks.spread() == Post.objects.count() == 40 * 150
    assert webhooks.spread() == 0
    with connection.cursor() as cursor:  # each message is found by an index, in a table nobody has looked at since it was empty, too
        cursor.execute("EXPLAIN " + webhooks._DUE, {"sound": True, "died": ""})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "post_next" in plan and "Seq Scan on approvals_post p" not in plan, plan
    assert standing().behind < timedelta(minutes=1)
    with clock_moved(minutes=5):
        assert standing().stuck  # nobody posts


def test_a_look_that_failed_half_way_owes_nothing_twice(cast, receiver, monkeypatch):
    endpoint(cast, receiver)
    for _ in range(5):
        factories.action()
    monkeypatch.setattr(webhooks, "EVENTS", 2)
    happened, looks = webhooks._happened, []

    def dies(*args):
        looks.append(args)
        if len(looks) == 3:
            raise OSError("the worker is gone")
        return happened(*args)

    monkeypatch.setattr(webhooks, "_happened", dies)
    with pytest.raises(OSError, match="gone"):
        webhooks.spread()
    assert Post.objects.count() == 4
    assert webhooks.spread() == 5 and Post.objects.count() == 5 and len(set(Post.objects.values_list("message", flat=True))) == 5


def test_doctor_says_that_nobody_looks(cast, receiver, capsys):
    endpoint(cast, receiver)
    assert not standing().stuck
    Looked.objects.update(at=datetime(2026, 1, 1, tzinfo=UTC))
    assert standing().stuck
    with suppress(SystemExit, CommandError):
        call_command("doctor")
    assert "what is owed" in capsys.readouterr().out
