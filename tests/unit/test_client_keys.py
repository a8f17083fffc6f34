"""Calls of one tool under one name: each finds its own again, side by side and in any order, and another proposal never passes for one."""

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import pytest

from countersign import ApiError, AsyncClient, Conflict, Unreachable, idempotency, keys, require_approval
from countersign.keys import may_come_again, under_key, under_key_async

ORDERS = ["ABCD", "DCBA", "CADB", "BADC"]


@dataclass
class Asked:
    id: str


class Server:
    """Knows what was proposed under each key, and refuses another under the same. `lost`: so many are not answered; `hears`: though heard."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.lost, self.hears = 0, False

    def ask(self, what: str) -> Any:
        def under(key: str) -> Any:
            if self.lost:
                self.lost -= 1
                if self.hears:
                    self.known.setdefault(key, what)
                raise Unreachable("away")
            if self.known.setdefault(key, what) != what:
                raise Conflict(409, {"action": key, "detail": "This key was used for another proposal before"})
            return Asked(key)

        return under


@pytest.fixture
def server(monkeypatch) -> Server:
    monkeypatch.setattr(keys, "OTHERS_S", 0.3)
    return Server()


def pay(server: Server, what: str) -> str:
    return under_key("pay", {"what": what}, server.ask(what)).id


def in_threads(server: Server, order: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def call(what: str) -> None:
        found[what] = pay(server, what)

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

        return (await under_key_async("pay", {"what": what}, ask)).id

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
            return [pay(server, what) for what in calls]

    first = keys_of("AAB")
    assert len(set(first)) == 3
    assert keys_of("AAB") == first


def test_what_was_computed_anew_is_refused_and_asked_of_nobody(server):
    with idempotency("job"):
        pay(server, "80")
    with idempotency("job"), pytest.raises(Conflict, match="another proposal"):
        pay(server, "81")
    assert list(server.known.values()) == ["80"]


@pytest.mark.parametrize("hears", [True, False])
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_call_that_was_not_heard_is_the_same_when_it_is_made_again(server, lost, hears):
    """One after the other, and beside another that is not heard either."""

    def start(calls: str) -> dict[str, str]:
        found = {}
        with idempotency("job"):
            left = deque(calls)
            while left:
                what = left.popleft()
                try:
                    found[what] = pay(server, what)
                except Unreachable:
                    left.append(what)
        return found

    server.lost, server.hears = lost, hears
    first = start("ABC")
    assert sorted(server.known.values()) == ["A", "B", "C"]  # each asked once
    for order in ("ABC", "CBA"):
        assert in_threads(server, order) == first


def test_who_goes_on_after_a_call_that_was_not_heard_is_not_kept_waiting(server):
    for hears in (True, False):
        server.known.clear()
        with idempotency("job"):
            server.lost, server.hears = 1, hears
            with pytest.raises(Unreachable):
                pay(server, "A")
            pay(server, "B")
            pay(server, "A")
        assert sorted(server.known.values()) == ["A", "B"]


def test_what_was_computed_anew_is_refused_beside_others_too(server):
    """The first start was killed when it had asked one of two."""
    assert in_threads(server, "A").keys() == {"A"}
    for order in ("XB", "BX"):
        refused: list[str] = []

        def call(what: str, refused: list[str] = refused) -> None:
            try:
                pay(server, what)
            except Conflict:
                refused.append(what)

        with idempotency("job"):
            threads = [threading.Thread(target=copy_context().run, args=(call, what)) for what in order]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(refused) == ["B", "X"] and list(server.known.values()) == ["A"]
    assert in_threads(server, "BA").keys() == {"A", "B"}


@pytest.mark.parametrize("away", [False, True])
def test_a_call_that_was_refused_or_never_sent_hides_no_amount_that_was_computed_anew(server, away):
    def start(amount: str) -> str:
        with idempotency("job"):
            if away:
                server.lost = 1
                with pytest.raises(Unreachable):
                    pay(server, "X")
            else:
                with pytest.raises(ApiError, match="too long"):
                    under_key("pay", {"what": "X"}, too_long)
            return pay(server, amount)

    def too_long(key: str) -> Any:
        raise ApiError(422, {"detail": "too long"})

    first = start("5")
    assert start("5") == first
    with pytest.raises(Conflict, match="another proposal"):
        start("6")
    assert list(server.known.values()) == ["5"]


def test_what_was_not_decided_in_time_is_the_same_when_it_is_asked_again(server):
    with idempotency("job"):
        first: Any = under_key("pay", {"what": "A"}, server.ask("A"))
        may_come_again("pay", first, {"what": "A"})
        assert [pay(server, "A"), pay(server, "A")] == [first.id, first.id[:-1] + "2"]


def test_another_refusal_is_not_taken_for_the_one_about_the_key(server):
    def halted(key: str):
        raise Conflict(409, {"code": "halted", "detail": "Halted"})

    with idempotency("job"), pytest.raises(Conflict, match="Halted"):
        under_key("pay", {}, halted)


def test_a_thread_that_was_not_given_the_context_is_warned_of(server, caplog):
    def call(what: str) -> None:
        pay(server, what)

    with ThreadPoolExecutor() as before:
        before.submit(call, "there before the scope: it may well belong to somebody else").result()
        with idempotency("job"), ThreadPoolExecutor() as pool:
            before.submit(call, "B").result()
            assert "pay" not in caplog.text
            pool.submit(call, "A").result()
            assert "pay is asked for in a thread" in caplog.text and "copy_context" in caplog.text
            caplog.clear()
            pool.submit(copy_context().run, call, "C").result()
    assert caplog.text == ""


def test_outside_of_any_name_every_call_is_a_new_one(server):
    assert pay(server, "A") != pay(server, "A")


async def test_a_wait_that_was_cut_off_goes_on_when_the_call_is_made_again(server):
    class People(AsyncClient):
        async def request(self, tool: str, args: Any, *, key: str = "", **more: Any) -> Any:
            return server.ask(str(args))(key)

        async def approval(self, action: str, **more: Any) -> Any:
            waited.append(action)
            await asyncio.sleep(5)

    waited: list[str] = []
    people = People("http://127.0.0.1:9", "x")

    @require_approval("pay", client=people)
    async def pay_out(amount: int) -> None:
        raise AssertionError("nobody said yes")

    with idempotency("job"):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pay_out(5), 0.05)
    assert len(waited) == 2 and len(set(waited)) == 1 and len(server.known) == 1
