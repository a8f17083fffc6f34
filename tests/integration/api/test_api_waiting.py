"""Long polls and streams are held in the event loop: they answer when something happens, and cost no connection while nothing does."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connections

from agents import operations
from approvals.models import Action
from tests import factories
from tests.integration.api.conftest import TOOLS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _requests_give_their_connection_back(monkeypatch):
    """As the pool of a web process does: each request here has a thread, and a connection, of its own."""
    from config.asgi import OneTrip

    plain = OneTrip.get_response

    def closing(self, request):
        try:
            return plain(self, request)
        finally:
            connections.close_all()

    monkeypatch.setattr(OneTrip, "get_response", closing)


class Held(ApplicationCommunicator):
    """One GET as a server hands it over."""

    def __init__(self, path: str, token: str, **headers: str) -> None:
        from config.asgi import application

        where, _, query = path.partition("?")
        sent = [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {token}".encode()),
            *((k.encode(), v.encode()) for k, v in headers.items()),
        ]
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/api/v1{where}",
            "query_string": query.encode(),
            "headers": sent,
            "http_version": "1.1",
        }
        super().__init__(application, {**scope, "raw_path": f"/api/v1{where}".encode(), "scheme": "http", "server": ("localhost", 80)})

    async def begin(self) -> "Held":
        await self.send_input({"type": "http.request", "body": b""})
        return self

    async def answer(self, seconds: float = 10) -> tuple[int, Any]:
        start = await self.receive_output(seconds)
        body = b""
        while True:
            part = await self.receive_output(seconds)
            body += part.get("body", b"")
            if not part.get("more_body"):
                return start["status"], json.loads(body) if body else None


def _agent() -> tuple[factories.Cast, str, Action]:
    cast = factories.cast()
    operations.declare(slug="books", title="Books", description="", environment="demo", tools=TOOLS, by=cast.admin, door="api")
    token = operations.make_key(agent="books", name="k", scopes=["propose", "read"], days=None, by=cast.admin, door="web")[1]
    return cast, token, factories.action(agent="books")


async def test_it_answers_when_the_action_is_decided_and_at_once_when_there_is_nothing_to_wait_for():
    cast, token, action = await sync_to_async(_agent)()
    held = [await Held(f"/actions/{action.pk}?wait=30", token).begin() for _ in range(20)]
    assert await held[0].receive_nothing(0.3)
    await sync_to_async(factories.decide)(action, cast.reviewer)
    for one in held:
        status, told = await one.answer()
        assert (status, told["next"]) == (200, "claim")
    assert (await (await Held(f"/actions/{action.pk}?wait=30", token).begin()).answer(5))[1]["state"] == "APPROVED"


async def test_an_id_in_capitals_or_without_dashes_is_waited_for_as_well():
    cast, token, action = await sync_to_async(_agent)()
    held = [await Held(f"/actions/{name}?wait=30", token).begin() for name in (str(action.pk).upper(), action.pk.hex)]
    for one in held:
        assert await one.receive_nothing(0.3)
    await sync_to_async(factories.decide)(action, cast.reviewer)
    for one in held:
        assert (await one.answer())[1]["next"] == "claim"


async def test_the_time_it_was_given_ends_it_and_no_header_of_ours_leaves():
    _cast, token, action = await sync_to_async(_agent)()
    held = await Held(f"/actions/{action.pk}?wait=1", token).begin()
    start = await held.receive_output(5)
    assert start["status"] == 200 and not any(b"look-again" in name for name, _ in start["headers"])
    assert json.loads((await held.receive_output(5))["body"])["next"] == "wait"


async def test_whoever_may_not_see_it_is_told_at_once():
    _cast, token, _ = await sync_to_async(_agent)()
    other = await sync_to_async(factories.action)()
    assert (await (await Held(f"/actions/{other.pk}?wait=30", token).begin()).answer(3))[0] == 404
    assert (await (await Held(f"/actions/{other.pk}?wait=30", "nonsense").begin()).answer(3))[0] == 401
    assert (await (await Held(f"/actions/{other.pk}?wait=soon", token).begin()).answer(3))[0] == 422


async def test_a_key_that_is_revoked_meanwhile_sees_nothing_more():
    from approvals.models import ApiKey
    from approvals.operations import api_keys

    cast, token, action = await sync_to_async(_agent)()
    held = await Held(f"/actions/{action.pk}?wait=30", token).begin()
    assert await held.receive_nothing(0.3)
    key = await ApiKey.objects.aget()
    await sync_to_async(api_keys.revoke)(key.pk, by=cast.admin, door="web")
    await sync_to_async(factories.decide)(action, cast.reviewer)
    assert (await held.answer())[0] == 401


async def test_whoever_hangs_up_is_forgotten():
    from approvals.live import listener

    _cast, token, action = await sync_to_async(_agent)()
    held = await Held(f"/actions/{action.pk}?wait=30", token).begin()
    assert await held.receive_nothing(0.3) and str(action.pk) in listener._awaited
    await held.send_input({"type": "http.disconnect"})
    await held.wait(5)
    assert str(action.pk) not in listener._awaited


async def test_a_process_that_is_stopped_gives_what_was_so_and_cuts_nobody_off_without_a_word():
    """uvicorn cancels what is still held after its grace."""
    from config.stopping import Stopping

    _cast, token, action = await sync_to_async(_agent)()
    held = await Held(f"/actions/{action.pk}?wait=30", token).begin()
    assert await held.receive_nothing(0.3)
    held.future.cancel()
    status, told = await held.answer()
    assert (status, told["next"]) == (200, "wait")

    async def slow(scope, receive, send):
        await asyncio.sleep(30)

    for path, body in (("/api/v1/me", b'"code": "stopping"'), ("/inbox/", b"being started again")):
        cut = ApplicationCommunicator(Stopping(slow), {"type": "http", "path": path})
        assert await cut.receive_nothing(0.1)
        cut.future.cancel()
        start, rest = await cut.receive_output(2), await cut.receive_output(2)
        assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"5") and body in rest["body"]


async def test_a_hold_is_waited_for():
    from tests.fakes import PolicyInForce, policy_text

    cast, token, action = await sync_to_async(_agent)()

    def hold(data):
        data["requirements"]["medium"]["hold_s"] = 1

    await sync_to_async(lambda: PolicyInForce().write_text(policy_text(hold)))()
    action = await sync_to_async(lambda: factories.action(agent="books"))()
    held = await Held(f"/actions/{action.pk}?wait=30", token).begin()
    await sync_to_async(factories.decide)(action, cast.reviewer)
    _, told = await held.answer()
    assert told["next"] == "claim" and told["hold_until"]


async def test_the_progress_of_a_run_is_streamed_until_it_ends(tmp_path):
    def begin():
        cast = factories.cast()
        factories.register()
        from approvals.operations import api_keys

        token = api_keys.make(of=cast.auditor, name="k", scopes=["read"], days=1, by=cast.auditor, door="web")[1]
        return cast, token, factories.run(cast.operator, factories.call(), world=str(tmp_path / "world"))

    cast, token, run = await sync_to_async(begin)()
    held = await Held(f"/runs/{run.pk.hex.upper()}/events", token, accept="text/event-stream").begin()
    start = await held.receive_output(5)
    assert start["status"] == 200 and (b"content-type", b"text/event-stream") in start["headers"]
    frames: list[str] = []

    async def until(word: str) -> None:
        while not any(word in frame for frame in frames):
            frames.extend((await held.receive_output(10))["body"].decode().split("\n\n"))

    await until("run.created")
    await sync_to_async(factories.work)()
    await until("action.opened")
    await sync_to_async(lambda: factories.decide(factories.asked(run)[0], cast.reviewer))()
    await sync_to_async(factories.work)()
    await until("event: end")
    ids = [line for frame in frames for line in frame.splitlines() if line.startswith("id: ")]
    assert len(ids) == len(set(ids)) and '"SUCCEEDED"' in frames[-2]
    await asyncio.wait_for(held.wait(5), 6)
