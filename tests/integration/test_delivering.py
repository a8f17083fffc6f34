"""Sending: by a real mail server and a real push service, once, tried again when that makes sense, never in the way of deciding."""

import json
import os
from base64 import urlsafe_b64encode

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.urls import reverse

from approvals import tasks
from approvals.errors import BadRequest
from approvals.models import Action, Delivery, Device, User
from approvals.notify import vapid
from approvals.operations import delivering, devices, people, reaching
from approvals.operations.clock import database_now
from audit.actors import SYSTEM
from audit.models import Event
from tests import factories, fakes, servers


@pytest.fixture
def smtp(settings, cast):
    with servers.running(servers.MailServer()) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 3
        settings.PUBLIC_URL = "https://countersign.test"
        User.objects.filter(pk=cast.reviewer.pk).update(email="rita@example.org")
        yield server


@pytest.fixture
def pushes(settings, cast, tmp_path):
    """A push service, and a browser of the reviewer's that it reaches; gives the service and what opens its messages."""
    settings.PUSH_HOSTS, settings.VAPID_PRIVATE_KEY, settings.VAR_DIR = ["127.0.0.1"], "", tmp_path
    key, secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with servers.running(servers.PushService()) as service:
        devices.add(by=cast.reviewer, endpoint=service.endpoint, p256dh=b64(public), auth=b64(secret), name="A phone", door="web")

        def opened() -> dict:
            return json.loads(http_ece.decrypt(service.got[-1][1], private_key=key, auth_secret=secret, version="aes128gcm"))

        yield service, opened


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def states(channel: str = "email") -> list[str]:
    return sorted(Delivery.objects.filter(channel=channel).values_list("state", flat=True))


def test_a_device_that_changes_hands_is_on_record_for_both(pushes, cast):
    """It wrote nothing: whoever was called there before was called no more, and no record said since when."""
    device = Device.objects.get()
    keys = {"endpoint": device.endpoint, "p256dh": device.p256dh, "auth": device.auth}
    devices.add(by=cast.second, name="The same phone", door="web", **keys)
    assert Device.objects.get().user == cast.second
    events = Event.objects.filter(kind__startswith="person.device").order_by("pk")
    said = [(e.kind, e.actor_name, (data := json.loads(bytes(e.body))["data"])["username"], data["name"]) for e in events]
    assert said == [
        ("person.device_added", "rita", "rita", "A phone"),
        ("person.device_taken", "sam", "rita", "A phone"),
        ("person.device_added", "sam", "sam", "The same phone"),
    ]
    devices.add(by=cast.second, name="The same phone", door="web", **keys)  # its keys are told again: nothing changed hands
    assert Event.objects.filter(kind__startswith="person.device").count() == 3


def test_a_mail_is_plain_tells_no_argument_and_its_links_decide_nothing(smtp, cast, client):
    args = {"to": "SECRET-ACCOUNT", "SECRET-KEY": "a\u202eb"}
    secret = {"summary": "Pay SECRET-ACCOUNT", "rationale": "SECRET-ACCOUNT", "untrusted_text": ("SECRET-KEY",)}
    action = factories.action("high", args=args, **secret)
    tasks.reach()
    (mail,) = smtp.mails
    text = mail.get_payload(decode=True).decode()
    assert mail.get_content_type() == "text/plain" and "Critical risk" in mail["Subject"] and mail["To"] == "rita@example.org"
    assert "SECRET" not in str(mail) and "SECRET" not in text and mail["Auto-Submitted"] == "auto-generated"
    assert "20,000" not in text and "20000" not in text and "Its amount" in text and "Something in it cannot be read" in text
    links = [word.removeprefix("https://countersign.test") for word in text.split() if word.startswith("https://")]
    assert f"/actions/{action.pk}/" in links
    for link in links:  # as scanners of mail and chat do, and more
        for method in (client.get, client.head, client.post):
            answer = method(link)
            assert answer.status_code in {302, 403, 405} and (answer.status_code != 302 or "/accounts/login/" in answer["Location"])
    client.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    assert [client.get(link).status_code for link in links] == [200] * len(links)
    assert client.get(reverse("action-decide", args=[action.pk]), {"verdict": "approve", "seen_digest": action.digest}).status_code == 405
    assert Action.objects.get(pk=action.pk).state == "PENDING"


def test_one_mail_tells_of_all_that_is_due_and_is_sent_once(smtp, settings):
    for level in ("medium", "high", "critical"):
        factories.action(level)
    tasks.reach()
    tasks.reach()
    assert len(smtp.mails) == 1 and "3 actions" in smtp.mails[0]["Subject"] and states() == ["SENT"] * 3


def test_what_is_decided_locked_or_voted_meanwhile_is_not_sent(smtp, cast):
    decided, left = factories.action(), factories.action("critical")
    reaching.spread()
    factories.decide(decided, cast.second)
    factories.decide(left, cast.reviewer)
    tasks.reach()
    assert smtp.mails == [] and {d.error for d in Delivery.objects.all()} == {"Already approved", "Has decided it"}
    factories.action()
    reaching.spread()
    people.ensure_person(username="rita", roles=["auditors"])
    tasks.reach()
    factories.action()
    people.ensure_person(username="rita", roles=["reviewers"])
    reaching.spread()
    people.deactivate(username="rita", by=SYSTEM)
    tasks.reach()
    assert smtp.mails == [] and {"May no longer decide it", "The account is locked"} <= {d.error for d in Delivery.objects.all()}


def test_a_server_that_is_away_is_tried_again_later_and_nobody_waits_for_it(smtp, cast, settings):
    settings.EMAIL_PORT = 9  # nothing listens there
    action = factories.action()
    tasks.reach()
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("WAITING", 1) and "cannot be reached" in row.error and row.next_at > database_now()
    assert factories.decide(action, cast.second).resolved
    other = factories.action()
    settings.EMAIL_PORT = smtp.port
    with fakes.clock_moved(minutes=2):
        tasks.reach()
    assert len(smtp.mails) == 1 and str(other.pk) in smtp.mails[0].get_payload() and states() == ["SENT", "SKIPPED"]


@pytest.mark.parametrize(
    ("refuse", "state"),
    [
        ({"RCPT": "550 no such person"}, "FAILED"),
        ({"RCPT": "450 later"}, "WAITING"),
        ({".": "554 spam"}, "FAILED"),
        ({".": "451 later"}, "WAITING"),
        ({".": "hang up"}, "UNSURE"),  # it may have been taken: not sent a second time by itself
    ],
)
def test_what_the_server_answers_decides_what_comes_next(smtp, refuse, state):
    smtp.refuse = refuse
    factories.action()
    tasks.reach()
    row = Delivery.objects.get()
    assert row.state == state and row.error
    with fakes.clock_moved(hours=0, minutes=5):
        smtp.refuse = {}
        before = len(smtp.mails)
        tasks.reach()
        assert (len(smtp.mails) > before) == (state == "WAITING")


def test_it_gives_up_after_some_tries_and_a_person_may_send_again(smtp):
    smtp.refuse = {"MAIL": "451 later"}
    factories.action("critical")
    for n in range(delivering.MOST_TRIES):
        with fakes.clock_moved(minutes=n):
            Delivery.objects.update(next_at=database_now())
            tasks.reach()
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("FAILED", delivering.MOST_TRIES)
    smtp.refuse = {}
    delivering.send_again(row.pk)
    tasks.reach()
    assert len(smtp.mails) == 1
    with pytest.raises(BadRequest, match="sent"):
        delivering.send_again(row.pk)


def test_a_worker_that_dies_half_way_leaves_no_second_mail_and_no_lost_push(smtp, pushes):
    factories.action()
    reaching.spread()
    assert delivering.claim("email") and delivering.claim("push")  # and then: gone
    assert delivering.claim("email") is None
    tasks.reach()
    assert (states(), states("push")) == (["SENDING"], ["SENDING"])
    with fakes.clock_moved(minutes=3):
        tasks.reach()
    assert (states(), states("push")) == (["UNSURE"], ["SENT"]) and smtp.mails == []


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_mail_once(smtp, cast):
    for _ in range(6):
        User.objects.filter(pk=factories.another_reviewer().pk).update(email="more@example.org")
    factories.action()
    results = fakes.together([tasks.reach] * 4)
    tasks.reach()
    assert not [r for r in results if r is not None]
    assert len(smtp.mails) == 7 and states() == ["SENT"] * 7


def test_a_push_is_encrypted_signed_and_says_level_tool_and_agent(pushes):
    service, opened = pushes
    action = factories.action("critical", args={"to": "SECRET"}, summary="SECRET")
    tasks.reach()
    headers, body = service.got[0]
    assert b"Critical" not in body and vapid.public_key() in headers["authorization"] and headers["urgency"] == "high"
    said = opened()
    assert (said["title"], said["body"], said["url"]) == ("Critical risk: do_it", "somebody", f"/actions/{action.pk}/")
    assert "SECRET" not in json.dumps(said) and states("push") == ["SENT"]


@pytest.mark.parametrize(("status", "state", "left"), [(410, "FAILED", 0), (500, "WAITING", 1), (400, "FAILED", 1), (302, "FAILED", 1)])
def test_a_push_service_that_refuses(pushes, status, state, left):
    service, _ = pushes
    service.status = status
    factories.action()
    tasks.reach()
    assert states("push") == [state] and Device.objects.count() == left and len(service.got) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://10.0.0.1/x",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://me@fcm.googleapis.com/",
        "file:///etc",
        "[",
        "",
    ],
)
def test_only_push_services_are_called(cast, endpoint):
    with pytest.raises(BadRequest):
        devices.add(by=cast.reviewer, endpoint=endpoint, p256dh="x", auth="y", name="n", door="web")
    assert not Device.objects.exists()


def test_the_key_is_made_once(settings, tmp_path):
    settings.VAPID_PRIVATE_KEY, settings.VAR_DIR = "", tmp_path
    assert vapid.private_key() == vapid.private_key() and len(vapid.public_key()) == 87
    assert (tmp_path / "vapid_private_key").stat().st_mode & 0o077 == 0
