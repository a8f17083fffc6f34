"""The socket says what changed and takes nothing: no decision travels there, and not everybody may listen."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError

from approvals.live import consumer
from approvals.models import Action, Decision, User
from approvals.operations import groups, people, sign_ins
from approvals.queries import last_notification
from audit.actors import SYSTEM
from tests import factories
from tests.chaos.stack import session_of

pytestmark = pytest.mark.django_db(transaction=True)


class Socket(ApplicationCommunicator):
    """A browser's end of the socket."""

    async def connect(self) -> bool:
        await self.send_input({"type": "websocket.connect"})
        return bool((await self.receive_output(5))["type"] == "websocket.accept")

    async def say(self, *, text: str | None = None, data: bytes | None = None) -> None:
        await self.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def until(self, kind: str) -> dict[str, Any]:
        for _ in range(20):
            frame: dict[str, Any] = json.loads((await self.receive_output(5))["text"])
            if frame["type"] == kind:
                return frame
        raise AssertionError(f"no {kind}")

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(5)


async def listen(user: User | None, *, origin: str = "http://localhost", path: str = "/live/") -> Socket:
    from config.asgi import application

    cookie = f"{settings.SESSION_COOKIE_NAME}={await sync_to_async(session_of)(user)}" if user else ""
    headers = [(b"cookie", cookie.encode()), (b"origin", origin.encode()), (b"host", b"localhost")]
    where, _, query = path.partition("?")
    scope = {"type": "websocket", "path": where, "query_string": query.encode(), "headers": headers, "subprotocols": []}
    return Socket(application, scope)


async def story() -> tuple[factories.Cast, Action]:
    cast = await sync_to_async(factories.cast)()
    return cast, await sync_to_async(factories.action)()


@pytest.mark.parametrize("who", ["outsider", "locked", None])
async def test_not_everybody_may_listen(who):
    cast, _ = await story()
    socket = await listen(getattr(cast, who) if who else None)
    assert not await socket.connect()


def _lose(how: str, user: User) -> None:
    if how == "role":
        people.ensure_person(username=user.username, roles=[])
    elif how == "account":
        people.deactivate(username=user.username, by=SYSTEM)
    elif how == "sign-in":  # as an administrator ends it on the page of people
        key = Session.objects.get().session_key
        sign_ins.end(sign_ins.begin(user=user, session_key=key, device="a test", proof="password"), by=User.objects.get(username="ada"))
    else:
        Session.objects.all().delete()


@pytest.mark.parametrize("how", ["role", "account", "sign-in", "session"])
async def test_whoever_lost_their_session_or_role_hears_nothing_more_within_thirty_seconds(monkeypatch, how):
    assert consumer.RECHECK_S <= 25  # the look itself takes part of the thirty
    monkeypatch.setattr(consumer, "RECHECK_S", 0.3)
    cast, _ = await story()
    socket = await listen(cast.reviewer)
    assert await socket.connect()
    await socket.until("hello")
    await socket.until("ping")  # looked at, and still welcome
    await sync_to_async(_lose)(how, cast.reviewer)
    said, code = ("Your role was taken away", consumer.BYE_NO_ROLE) if how == "role" else ("sign in again", consumer.BYE_SIGNED_OUT)
    bye = await socket.until("bye")
    assert said in bye["reason"] and bye["code"] == code
    closed = await socket.receive_output(5)
    assert (closed["type"], closed["code"]) == ("websocket.close", code)
    await socket.leave()  # as a server says to the application when it has closed
    await sync_to_async(factories.action)()
    assert socket.output_queue.empty()


async def test_whoever_lost_a_group_comes_back_as_who_they_are_now(monkeypatch):
    monkeypatch.setattr(consumer, "RECHECK_S", 0.3)
    cast, _ = await story()
    await sync_to_async(groups.create)(name="finance", by=None, door="cli")
    socket = await listen(cast.reviewer)
    assert await socket.connect()
    await socket.until("hello")
    await sync_to_async(groups.add)(group="finance", username="rita", by=None, door="cli")
    await socket.until("ping")  # a group more takes nothing away
    again = await listen(cast.reviewer)
    assert await again.connect()
    await sync_to_async(groups.remove)(group="finance", username="rita", by=None, door="cli")
    await again.until("resync")
    closed = await again.receive_output(5)
    assert (closed["type"], closed["code"]) == ("websocket.close", consumer.BYE_ANOTHER_GROUP)
    await again.leave()
    await socket.leave()


async def test_a_look_that_fails_shows_the_browser_out_which_may_come_back(monkeypatch):
    monkeypatch.setattr(consumer, "RECHECK_S", 0.3)
    cast, _ = await story()
    socket = await listen(cast.reviewer)
    assert await socket.connect()
    await socket.until("ping")

    def away(*args: Any, **more: Any) -> Any:
        raise OperationalError("the database is restarting")

    with monkeypatch.context() as patch:
        patch.setattr(consumer.LiveConsumer, "_standing", away)
        while (frame := await socket.receive_output(5))["type"] == "websocket.send":
            pass
    assert (frame["type"], frame["code"]) == ("websocket.close", consumer.BYE_UNSURE)
    await sync_to_async(factories.action)()
    await asyncio.sleep(0.5)
    assert socket.output_queue.empty(), "nothing is told meanwhile, though the browser has not hung up yet"
    await socket.leave()
    again = await listen(cast.reviewer)
    assert await again.connect()
    await again.leave()


async def test_another_site_may_not_listen():
    cast, _ = await story()
    assert not await (await listen(cast.reviewer, origin="http://evil.example")).connect()


async def test_no_decision_travels_over_the_socket():
    cast, action = await story()
    socket = await listen(cast.reviewer)
    assert await socket.connect()
    await socket.until("hello")
    for frame in (
        "approve",
        "[]",
        '{"type": "decide"}',
        f'{{"type":"decide","id":"{action.pk}","verdict":"approve","seen_digest":"x"}}'[:200],
    ):
        await socket.say(text=frame)
    await socket.say(text='{"type": "ping"}')
    assert await sync_to_async(Decision.objects.count)() == 0
    await socket.leave()


@pytest.mark.parametrize("frame", [{"text": "x" * 201}, {"data": b"\x00"}])
async def test_who_talks_too_much_is_shown_out(frame):
    cast, _ = await story()
    socket = await listen(cast.reviewer)
    await socket.connect()
    await socket.until("hello")
    await socket.say(**frame)
    assert (await socket.receive_output(5))["type"] == "websocket.close"


async def test_who_was_away_hears_what_was_missed():
    cast, action = await story()
    since = await sync_to_async(last_notification)()
    await sync_to_async(factories.decide)(action, cast.reviewer)
    socket = await listen(cast.second, path=f"/live/?since={since}")
    await socket.connect()
    frame = await socket.until("hint")
    assert frame["object"] == "action"
    await socket.leave()


@pytest.mark.parametrize("since", ["x", "-1", "9" * 40, "", "%00", "\u0661"])
async def test_a_place_nobody_gave_is_no_error(since):
    cast, _ = await story()
    socket = await listen(cast.reviewer, path=f"/live/?since={since}")
    assert await socket.connect()
    await socket.until("hello")
    await socket.leave()


async def test_a_hint_arrives_when_and_only_when_the_change_is_committed():
    cast, action = await story()
    socket = await listen(cast.second)
    await socket.connect()
    await socket.until("hello")
    await asyncio.sleep(0.3)  # the process has only just begun to LISTEN
    await sync_to_async(factories.decide)(action, cast.reviewer)
    frame = await socket.until("hint")
    assert (frame["object_id"], frame["kind"].startswith("action.")) == (str(action.pk), True)
    await socket.leave()
