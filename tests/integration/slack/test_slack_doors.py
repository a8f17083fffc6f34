"""The signed doors: whatever is not Slack's is 401, a replay too; what comes twice is answered as it was; who presses is looked up, never believed."""

import contextlib
import copy
import json
import random
import time
import traceback
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.core.signals import got_request_exception
from django.test import Client

from approvals import operations
from approvals.models import Action, Comment, Decision, SlackPerson
from approvals.notify.errors import NotSent
from approvals.operations import people, slack_people
from approvals.queries.sign_ins import verify_proofs
from approvals.slack import later
from audit import queries as log
from audit.actors import SYSTEM
from tests import factories
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES, link
from tests.integration.slack.test_slack_cards import buttons, card, tick, words
from tests.slack.gestures import FORM_TYPE, signed

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]
DOORS = ("interactivity", "events", "commands", "options")


@pytest.fixture
def action(world) -> Action:
    """A medium action whose card stands in the channel."""
    made = factories.action()
    tick()
    return made


def press(hands, world, user="U0MEI", action_id="approve", channel="C0AI", **more):
    return hands.press(user, channel, card(world, channel)["ts"], action_id, **more)


def test_a_thousand_forged_requests_are_all_401(slack, world):
    client, rng = Client(raise_request_exception=False), random.Random(7)
    good = b'payload={"type":"block_actions"}'
    stamps = ["", "abc", "9" * 400, "-1", "1e9", "٣٤٥", " ", str(int(time.time()) - 301), str(int(time.time()) + 301), "0", "None", "12.5"]
    macs = ["", "v0=", "v0=ü", "v0=" + "0" * 64, "v1=x", "\udcff", "v0=" + "é" * 64, "x" * 5_000, "v0=" + "A" * 64]
    bodies = [
        good,
        b"",
        b"\xff\xfe\x00",
        b"\xed\xa0\x80",
        b"x" * 900_000,
        b'{"a":' * 2_000,
        b"payload=%ED%A0%80",
        b"\x00",
        "ü".encode("latin-1"),
    ]
    kinds = [FORM_TYPE, "application/json", "text/plain", "multipart/form-data; boundary=x", "", "image/png"]
    seen = set()
    for n in range(1_000):
        body = rng.choice(bodies) if n % 20 else bodies[4]
        headers = {"X-Slack-Request-Timestamp": rng.choice([*stamps, str(int(time.time()))]), "X-Slack-Signature": rng.choice(macs)}
        if n % 3 == 0:  # a real signature over something else, of another secret, or of another time
            headers = signed(
                rng.choice([world.signing_secret, "another"]),
                body + b"x" if n % 2 else body,
                at=int(time.time()) - rng.choice([0, 400, 10**6]),
            )
            headers["X-Slack-Signature"] = headers["X-Slack-Signature"][: rng.choice([20, 66])] + rng.choice(["", "z"])
        if not headers["X-Slack-Signature"].isprintable():
            headers["X-Slack-Signature"] = "v0=\x80"
        path = f"/slack/{rng.choice(DOORS)}" + rng.choice(["", "?a=%00", "?" + "b" * 3_000])
        seen.add(
            client.generic(
                rng.choice(["POST", "POST", "GET", "PUT"]), path, body, content_type=rng.choice(kinds), headers=headers
            ).status_code
        )
    assert seen == {401}


def test_the_same_request_twice_is_a_replay(slack, world, hands, action):
    client, body = Client(), b"payload=%7B%22type%22%3A%22block_actions%22%7D"
    headers = signed(world.signing_secret, body)
    first, second = (
        client.generic("POST", "/slack/interactivity", body, content_type=FORM_TYPE, headers=headers).status_code for _ in range(2)
    )
    assert (first, second) == (200, 401)


def test_without_a_secret_nothing_is_slacks(slack, settings, hands, world, action):
    settings.SLACK_SIGNING_SECRET = ""
    assert press(hands, world).status == 401


def test_signed_and_malformed_is_400_never_500(slack, world):
    client = Client(raise_request_exception=False)
    for path, body in [
        ("events", b"[1]"),
        ("events", b"{"),
        ("interactivity", b"payload=1"),
        ("interactivity", b"x=1"),
        ("events", b"[" * 100_000),
    ]:
        headers = signed(world.signing_secret, body)
        assert client.generic("POST", f"/slack/{path}", body, content_type=FORM_TYPE, headers=headers).status_code == 400, body[:20]
    for payload in (
        {"type": "view_submission"},
        {"type": "block_actions", "actions": [1]},
        {"type": "block_actions", "actions": [{"action_id": "approve"}]},
    ):
        body = b"payload=" + json.dumps(payload).encode()
        assert (
            client.generic(
                "POST", "/slack/interactivity", body, content_type=FORM_TYPE, headers=signed(world.signing_secret, body)
            ).status_code
            == 200
        )


ODD: list[Any] = [
    None,
    0,
    True,
    "x",
    "",
    [],
    [1],
    {},
    {"id": []},
    {"id": {"a": 1}},
    "\ud800",
    "\x00",
    "x" * 70_000,
    -1e308,
    [[{}]],
    {"values": {"b": []}},
]


def test_five_hundred_signed_deliveries_of_any_shape_give_no_5xx_and_decide_nothing(slack, world, hands, action, cast, monkeypatch):
    """Nobody but Slack can sign, so this is about mistakes: ours in reading, or a field that Slack changes one day."""
    client, rng = Client(raise_request_exception=False), random.Random(11)
    press(hands, world, "U0STRANGE")
    hands.press("U0JORGE", "C0AI", card(world)["ts"], "review")
    hands.choose("U0JORGE", "choice", selected_option={"value": "approve"})
    hands.submit("U0JORGE", {"choice": {"value": {"selected_option": None}}, "reason": {"value": {"value": "x"}}})
    hands.reply("U0STRANGE", "C0AI", "hello", card(world)["ts"])
    hands.home("U0JORGE")
    whole = [json.loads(dict(parse_qsl(b.decode()))["payload"] if k == FORM_TYPE else b) for _, b, k in hands.sent]
    monkeypatch.setattr(later, "do", _as_its_thread)
    troubles: list[str] = []
    note = lambda **_: troubles.append("".join(traceback.format_exc().splitlines(keepends=True)[-9:]))  # noqa: E731
    got_request_exception.connect(note)
    seen = set()
    for n in range(500):
        payload, body = _mangled(rng, rng.choice(whole)), b""
        path = "events" if payload.get("type") == "event_callback" else "interactivity"
        text = json.dumps({**payload, "nonce": n})
        body = text.encode() if path == "events" else urlencode({"payload": text}).encode()
        kind = "application/json" if path == "events" else FORM_TYPE
        seen.add(client.generic("POST", f"/slack/{path}", body, content_type=kind, headers=signed(world.signing_secret, body)).status_code)
    got_request_exception.disconnect(note)
    assert seen <= {200, 400}, "\n".join(sorted(set(troubles)))
    assert not Decision.objects.exclude(by__username__in=["rita", "sam"]).exists()


def _as_its_thread(job, **_):
    """What Slack refuses afterwards is in the log and in no answer; a mistake of ours still shows."""
    with contextlib.suppress(NotSent):
        job()


def _mangled(rng: random.Random, payload):
    """One to three of its parts, at any depth, replaced by something odd, or gone."""
    copy = json.loads(json.dumps(payload))
    for _ in range(rng.randint(1, 3)):
        at = copy
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(at[key], dict | list) and at[key] and rng.random() < 0.7:
                at = at[key]
                continue
            if rng.random() < 0.2:
                del at[key]
            else:
                at[key] = rng.choice(ODD)
            break
    return copy


def test_slack_is_told_that_the_address_is_ours(slack, world):
    body = json.dumps({"type": "url_verification", "challenge": "c"}).encode()
    answer = Client().generic("POST", "/slack/events", body, content_type="application/json", headers=signed(world.signing_secret, body))
    assert answer.json() == {"challenge": "c"}


def test_a_press_decides_and_the_click_is_proved_in_the_log(hands, world, cast, action):
    assert press(hands, world).status == 200
    decision = Decision.objects.get()
    assert (decision.by, decision.door, decision.verdict) == (cast.reviewer, "slack", "approve")
    (recorded,) = [e for e in log.timeline(action=str(action.pk)) if e.kind == "decision.recorded"]
    click = recorded.data["click"]
    assert (
        click["slack_user"] == "U0MEI"
        and click["team"] == "T0HOME"
        and click["signature"].startswith("v0=")
        and len(click["body_sha256"]) == 64
    )
    assert list(verify_proofs(log.proofs_logged())) == [1]
    tick()
    assert buttons(card(world)) == [] and "by rita" in words(card(world)) and "Slack" in words(card(world))


def test_pressed_twice_and_delivered_twice_is_one_decision(hands, world, action, cast):
    seen = copy.deepcopy(card(world))
    press(hands, world)
    assert hands.again().status == 200  # Slack's own retry: the recorded outcome
    press(hands, world, seen=seen)  # the person, once more, whose client shows the buttons still
    assert Decision.objects.count() == 1
    assert "decided this already" in world.private("C0AI", "U0MEI")[-1]
    press(hands, world, "U0JORGE", seen=seen)
    assert "Already approved by rita" in world.private("C0AI", "U0JORGE")[-1] and Decision.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "sentence"),
    [("U0STRANGE", "not linked"), ("U0OLIVE", "not in that group"), ("U0GONE", "locked")],
)
def test_the_channel_is_not_the_access_list(hands, world, action, cast, who, sentence):
    world.person("U0GONE", "T0HOME", "lena")
    SlackPerson.objects.create(team="T0HOME", slack_user="U0GONE", user=cast.locked)
    press(hands, world, who)
    assert sentence in world.private("C0AI", who)[-1] and not Decision.objects.exists()


def test_people_of_other_workspaces_decide_nothing_even_if_they_are_linked(hands, world, action, cast):
    world.team("T0OTHER", "Other", token="xoxb-other")
    world.person("U0MEI2", "T0OTHER", "mei")
    link(cast.reviewer, "U0MEI2", team="T0OTHER")
    press(hands, world, "U0MEI2")
    assert "another workspace" in world.private("C0AI", "U0MEI2")[-1]
    # A forged team of the user, a missing one, an enterprise that is not the linked one: all nobody.
    press(hands, world, user="U0MEI", enterprise={"id": "E0X"})
    press(hands, world, user="U0MEI", team={"id": "T0NOWHERE"})
    assert not Decision.objects.exists()


def test_whoever_comes_from_a_workspace_without_the_app_is_told_in_the_shared_channel(hands, world, action):
    """Slack may name the workspace of whoever pressed, not the one whose channel it is."""
    world.team("T0ELSE", "Else", token="xoxb-else")
    world.person("U0ELSE", "T0ELSE", "else")
    for button in ("approve", "review"):
        assert press(hands, world, "U0ELSE", button, payload={"team": {"id": "T0ELSE"}}).status == 200
    (said,) = world.private("C0AI", "U0ELSE")
    assert "not installed in your workspace" in said and "countersign.test" in said and not Decision.objects.exists()


def test_names_and_texts_in_the_payload_are_only_data(hands, world, action, cast):
    who = {"id": "U0STRANGE", "team_id": "T0HOME", "name": "rita", "username": "rita", "email": "rita@example.org"}
    press(hands, world, "U0STRANGE", payload={"user": who})
    assert not Decision.objects.exists()


def test_an_old_card_is_harmless(hands, world, action, cast):
    value = next(e["value"] for b in card(world)["blocks"] if b["type"] == "actions" for e in b["elements"] if e["action_id"] == "approve")
    for wrong in (
        f"{action.pk}:000000000000",
        f"{action.pk}:",
        f"{action.pk}",
        "x:y",
        f"{'0' * 8}-0000-0000-0000-000000000000:{value[-12:]}",
        "",
    ):
        press(hands, world, action={"value": wrong})
    assert not Decision.objects.exists() and len(world.private("C0AI", "U0MEI")) == 3  # the same sentence once
    assert "changed since" in world.private("C0AI", "U0MEI")[0]


def test_too_late_and_halted_are_said(hands, world, action, cast):
    from tests import fakes

    with fakes.clock_moved(hours=2):
        press(hands, world)
    assert "time to decide this has passed" in world.private("C0AI", "U0MEI")[-1]
    operations.halt(scope="everything", reason="fire", by=cast.operator, door="web")
    press(hands, world)
    assert "halted" in world.private("C0AI", "U0MEI")[-1] and not Decision.objects.exists()


def test_what_may_not_be_decided_in_slack_is_refused_whatever_is_sent(hands, world, cast):
    high = factories.action("high")
    secret = factories.action(args={"what": "this", "account": "SECRET"})
    tick()
    for target in (high, secret):
        channel = "C0RISK" if target is high else "C0AI"
        hands.press(
            "U0MEI",
            channel,
            card(world, channel)["ts"],
            "review",
            action={"action_id": "approve", "value": f"{target.pk}:{target.digest[:12]}"},
        )
        assert "https://countersign.test/actions/" in world.private(channel, "U0MEI")[-1]
    assert not Decision.objects.exists()


def test_excluded_requesters_are_refused_with_the_rule(hands, world, cast, routed):
    def exclude(data):
        data["slack"] = ROUTES
        data["requirements"]["medium"]["exclude"] = ["requester"]

    routed.write_text(policy_text(exclude))
    mine = factories.action(requested_by=cast.reviewer)
    tick()
    press(hands, world)
    assert not Decision.objects.exists() and "you asked for this yourself" in world.private("C0AI", "U0MEI")[-1]
    press(hands, world, "U0JORGE")
    assert Decision.objects.get().action == mine


def test_linking_by_a_one_time_code(hands, world, cast, action):
    SlackPerson.objects.all().delete()
    press(hands, world)
    assert "<https://countersign.test/preferences/slack|https://countersign.test/preferences/slack>" in world.private("C0AI", "U0MEI")[-1]
    code = slack_people.make_code(by=cast.reviewer)
    assert "Asking" in hands.command("U0MEI", "C0AI", "/approvals", f"link {code}").body["text"]
    assert "you are rita here" in world.private("C0AI", "U0MEI")[-2]
    hands.command("U0JORGE", "C0AI", "/approvals", f"link {code}")
    assert any("not valid" in text for text in world.private("C0AI", "U0JORGE"))
    hands.command("U0JORGE", "C0AI", "/approvals", "link nonsense")
    assert SlackPerson.objects.count() == 1
    press(hands, world)
    assert Decision.objects.get().by == cast.reviewer
    assert [e.kind for e in log.events(kind="person.slack_linked").rows]


def test_whoever_types_a_wrong_code_and_has_closed_the_view_hears_that(hands, world, cast, action, monkeypatch):
    """They are not linked, so nobody was told."""
    SlackPerson.objects.all().delete()
    press(hands, world)
    sentence = world.channels["C0AI"].ephemeral[-1][1]
    hands.press("U0MEI", "C0AI", sentence["ts"], "link")
    inline = later.do
    jobs: list[Any] = []
    monkeypatch.setattr(later, "do", lambda job, **_: jobs.append(job))
    assert "Asking Slack" in json.dumps(hands.submit("U0MEI", {"code": {"code": {"type": "plain_text_input", "value": "ABCD-2345"}}}).body)
    world.close(hands.open_view("U0MEI").id, everything=True)
    monkeypatch.setattr(later, "do", inline)
    for job in jobs:
        job()
    tick()
    (said,) = [m["text"] for m in world.cards(world.direct("T0HOME", "U0MEI").id)]
    assert "not valid" in said and not SlackPerson.objects.exists()


@pytest.mark.parametrize("kind", ["bot", "guest", "stranger"])
def test_bots_guests_and_strangers_cannot_be_linked(hands, world, cast, kind):
    SlackPerson.objects.all().delete()
    world.person("U0ODD", "T0HOME", "odd", bot=kind == "bot", guest=kind == "guest")
    if kind == "stranger":
        world.team("T0OTHER", "Other", token="xoxb-other")
        world.people["U0ODD"].team = "T0OTHER"
    hands.command("U0ODD", "C0AI", "/approvals", f"link {slack_people.make_code(by=cast.reviewer)}")
    assert not SlackPerson.objects.exists()


def test_whoever_becomes_a_guest_is_linked_no_more(hands, world, action):
    hands.event("T0HOME", {"type": "user_change", "user": {"id": "U0MEI", "team_id": "T0HOME", "is_restricted": True}})
    press(hands, world)
    assert not Decision.objects.exists() and "not linked" in world.private("C0AI", "U0MEI")[-1]


def test_a_role_taken_away_meanwhile_counts(hands, world, action, cast):
    people.ensure_person(username="rita", roles=["auditors"], by=SYSTEM)
    press(hands, world)
    assert not Decision.objects.exists() and "not in that group" in world.private("C0AI", "U0MEI")[-1]


def test_an_event_of_a_bot_or_of_nothing_makes_no_comment(hands, world, action):
    ts = card(world)["ts"]
    hands.event(
        "T0HOME", {"type": "message", "bot_id": "B1", "channel": "C0AI", "thread_ts": ts, "text": "approve", "ts": "2.2", "team": "T0HOME"}
    )
    hands.event("T0HOME", {"type": "message", "user": "U0MEI", "channel": "C0AI", "text": "no thread", "ts": "2.3", "team": "T0HOME"})
    hands.event(
        "T0HOME",
        {"type": "message", "user": "U0MEI", "channel": "C0AI", "thread_ts": "1.1", "text": "other", "ts": "2.4", "team": "T0HOME"},
    )
    assert not Comment.objects.exists()
