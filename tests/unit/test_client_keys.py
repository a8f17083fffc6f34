"""Calls of one tool under one name: each finds its own again, side by side and in any order, and another proposal never passes for one."""

import asyncio
import threading
import time
from contextvars import copy_context
from typing import Any

import pytest

from countersign import Conflict, Unreachable, idempotency, keys
from countersign.keys import under_key, under_key_async

ORDERS = ["ABCD", "DCBA", "CADB", "BADC"]


class Server:
    """Knows what was proposed under each key, and refuses another under the same."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.away = False

    def ask(self, what: str) -> Any:
        def under(key: str) -> Any:
            if self.away:
                self.away = False
                raise Unreachable("away")
            if self.known.setdefault(key, what) != what:
                raise Conflict(409, {"action": key, "detail": "This key was used for another proposal before"})
            return key

        return under


@pytest.fixture
def server(monkeypatch) -> Server:
    monkeypatch.setattr(keys, "OTHERS_S", 0.3)
    return Server()


def in_threads(server: Server, order: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def call(what: str) -> None:
        found[what] = under_key("pay", server.ask(what))

    with idempotency("job"):
        threads = [threading.Thread(target=copy_context().run, args=(call, what)) for what in order]
        for thread in threads:
            thread.start()
            time.sleep(0.01)  # so that they come in this order
        for thread in threads:
            thread.join()
    return found


async def in_tasks(server: Server, order: str) -> dict[str, Any]:
    async def asked(what: str):
        async def ask(key: str):
            await asyncio.sleep(0.005)
            return server.ask(what)(key)

        return await under_key_async("pay", ask)

    with idempotency("job"):
        return dict(zip(order, await asyncio.gather(*map(asked, order)), strict=True))


@pytest.mark.parametrize("order", ORDERS)
async def test_calls_side_by_side_find_their_own_again_in_any_order(server, order):
    first = in_threads(server, "ABCD")
    assert len(set(first.values())) == 4
    assert in_threads(server, order) == first
    assert await in_tasks(server, order) == first


def test_two_alike_are_two_and_stay_two(server):
    def keys_of(calls: str) -> list[Any]:
        with idempotency("job"):
            return [under_key("pay", server.ask(what)) for what in calls]

    first = keys_of("AAB")
    assert len(set(first)) == 3
    assert keys_of("AAB") == first


def test_what_was_computed_anew_is_refused_and_asked_of_nobody(server):
    with idempotency("job"):
        under_key("pay", server.ask("80"))
    with idempotency("job"), pytest.raises(Conflict, match="another proposal"):
        under_key("pay", server.ask("81"))
    assert list(server.known.values()) == ["80"]


def test_a_number_that_may_have_been_heard_is_nobody_elses(server):
    with idempotency("job"):
        server.away = True
        with pytest.raises(Unreachable):
            under_key("pay", server.ask("A"))
        second: Any = under_key("pay", server.ask("A"))
    assert second.endswith(":2")


def test_another_refusal_is_not_taken_for_the_one_about_the_key(server):
    def halted(key: str):
        raise Conflict(409, {"code": "halted", "detail": "Halted"})

    with idempotency("job"), pytest.raises(Conflict, match="Halted"):
        under_key("pay", halted)


def test_outside_of_any_name_every_call_is_a_new_one(server):
    assert under_key("pay", server.ask("A")) != under_key("pay", server.ask("A"))
