"""A Slack on a port of this machine that delivers to Django's test client, a workspace installed, two people linked, a policy with routes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.test import Client

from approvals.models import SlackChannel, SlackTeam, User
from approvals.operations import slack_installs, slack_owing, slack_people
from approvals.operations.slack_installs import Installed
from approvals.operations.slack_people import Identity
from approvals.slack import approving, editing, halting, hearing, later, quick, releasing, reviewing, sending
from tests import snapshots
from tests.fakes import PolicyInForce, policy_text
from tests.integration.web.conftest import as_  # noqa: F401  (a fixture)
from tests.slack.gestures import Answer, Gestures
from tests.slack.server import SlackServer
from tests.slack.world import World

ROUTES: dict[str, Any] = {
    "channels": [{"channel": "C0AI", "levels": ["low", "medium"]}, {"channel": "C0RISK", "levels": ["high", "critical"]}],
    "show": [{"tools": ["do_it"], "fields": ["what"]}],
}


def to_client(client: Client) -> Callable[[str, bytes, Mapping[str, str]], Answer]:
    """Slack's requests as Django gets them."""

    def deliver(path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        more = dict(headers)
        kind = more.pop("Content-Type", "application/x-www-form-urlencoded")
        answer = client.generic("POST", path, body, content_type=kind, headers=more)
        return Answer(answer.status_code, answer.json() if answer.headers.get("Content-Type") == "application/json" else {})

    return deliver


def with_room(owe: Callable[..., int]) -> Callable[..., int]:
    """Private sentences find room in their conversation's bucket, however lately a test has filled that; `bucket` takes this away."""

    def owe_whisper(*args: Any, **more: Any) -> int:
        number = owe(*args, **more)
        SlackChannel.objects.filter(messages=number).update(post_at="2020-01-01T00:00Z")
        return number

    return owe_whisper


OWE_WHISPER = slack_owing.owe_whisper


@pytest.fixture
def bucket(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Private sentences keep to the bucket as they really do."""
    monkeypatch.setattr(slack_owing, "owe_whisper", OWE_WHISPER)


@pytest.fixture
def world() -> World:  # of Slack; the agents' world is a file
    return World()


@pytest.fixture
def slack(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    """Slack, delivering at once and in this thread."""
    server = SlackServer(world, deliver=to_client(Client()))
    server.serve()
    settings.SLACK_API_URL, settings.SLACK_SIGNING_SECRET = server.api, world.signing_secret
    settings.SLACK_CLIENT_ID, settings.SLACK_CLIENT_SECRET = world.client
    settings.SLACK_TIMEOUT_S = 1
    settings.PUBLIC_URL = "https://countersign.test"
    monkeypatch.setattr(later, "do", lambda job, **_: job())
    for limited in (approving, editing, halting, hearing, quick, releasing, reviewing):  # however slow the machine of a test is
        monkeypatch.setattr(limited, "WHOLE_MS", 60_000)
    monkeypatch.setattr("tests.slack.world.TRIGGER_S", 60.0)
    monkeypatch.setattr(sending, "_since", None)
    monkeypatch.setattr(slack_owing, "_caught_up", None)
    monkeypatch.setattr(slack_owing, "owe_whisper", with_room(slack_owing.owe_whisper))
    yield server
    server.close()


@pytest.fixture
def hands(slack: SlackServer) -> Gestures:
    return slack.hands


@pytest.fixture
def installed(slack: SlackServer, cast: Any) -> SlackTeam:
    found = Installed(team="T0HOME", name="Home", bot_user="U0HOMEBOT", token="xoxb-home", app="A0COUNTER")
    snapshots.once("slack", lambda: slack_installs.install(found, by=cast.admin, door="cli"))
    SlackTeam.objects.update(api=slack.api)  # each test's Slack has an address of its own
    return SlackTeam.objects.get(team="T0HOME")


def link(user: User, slack_user: str, *, team: str = "T0HOME", enterprise: str = "") -> None:
    code = slack_people.make_code(by=user)
    slack_people.link(code, identity=Identity(enterprise, team, slack_user))


@pytest.fixture
def linked(installed: SlackTeam, cast: Any) -> None:
    """Mei is the reviewer, Jorge the second one, Olive the operator; the stranger is nobody."""
    hands = {cast.reviewer: "U0MEI", cast.second: "U0JORGE", cast.operator: "U0OLIVE"}

    def link_all() -> None:
        for user, slack_user in hands.items():
            link(user, slack_user)

    snapshots.once("slack people", link_all)


@pytest.fixture
def routed(linked: None, policy: PolicyInForce) -> PolicyInForce:
    """Cards go to two channels, and `what` may be read there."""
    snapshots.once("slack routes", lambda: policy.write_text(policy_text(lambda data: data.update(slack=ROUTES))))
    return policy
