"""Calls of one tool under one name: each finds its own again, side by side and in any order, and another proposal never passes for one."""

import asyncio
import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from audit import canonical
from countersign import ApiError, AsyncClient, Conflict, CountersignError, Unreachable, idempotency, keys, require_approval
from countersign.keys import told, under_key, under_key_async, waiting_for
from countersign.numbers import Body
from countersign.testing import Desk
from countersign.values import Known, Which

ORDERS = ["ABCD", "DCBA", "CADB", "BADC"]


@dataclass
class Asked:
    id: str


class Server:
    """Knows what was proposed under each key, and refuses another under the same. `lost`: so many are not answered; `hears`: though heard."""

    def __init__(self, *, tells: bool) -> None:
        self.known: dict[str, str] = {}
        self.lost, self.hears, self.looks, self.asks, self.tells = 0, False, 0, 0, tells

    def ask(self, key: str, body: Body, known: int | None) -> Any:
        what = body.args["what"]
        self.asks += 1
        if known is not None and key not in self.known and sum(k.startswith(key.rpartition(":")[0] + ":") for k in self.known) != known:
            raise Conflict(409, {"code": "moved", "detail": "Others were proposed meanwhile"})
        if self.lost:
            self.lost -= 1
            if self.hears:
                self.known.setdefault(key, what)
            raise Unreachable("away")
        if self.known.setdefault(key, what) != what:
            raise Conflict(409, {"action": key, "detail": "This key was used for another proposal before"})
        return Asked(key)

    def knows(self, begin: str) -> dict[str, Known]:
        self.looks += 1
        found = {key: what for key, what in self.known.items() if key.startswith(begin)}
        return {key: Known(key, Body({"what": what}, {}).sha256 if self.tells else "") for key, what in found.items()}


@pytest.fixture(params=[True, False], ids=["told", "untold"])
def server(monkeypatch, request) -> Server:
    """One that tells what was proposed, and one of which each number has to be asked."""
    monkeypatch.setattr(keys, "OTHERS_S", 0.3)
    return Server(tells=request.param)


def slowly(server: Server) -> tuple[Any, Any]:
    async def ask(key: str, body: Body, known: int | None) -> Any:
        await asyncio.sleep(0.005)
        return server.ask(key, body, known)

    async def knows(begin: str) -> Any:
        await asyncio.sleep(0.005)
        return server.knows(begin)

    return ask, knows


def pay(server: Server, what: str) -> str:
    return under_key("pay", Body({"what": what}, {}), server.ask, server.knows).id


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
        return (await under_key_async("pay", Body({"what": what}, {}), *slowly(server))).id

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
    with idempotency("job"), pytest.raises(Conflict, match="with other arguments, and this start"):
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
                    under_key("pay", Body({"what": "X"}, {}), too_long, server.knows)
            return pay(server, amount)

    def too_long(key: str, body: Body, known: int | None) -> Any:
        raise ApiError(422, {"detail": "too long"})

    first = start("5")
    assert start("5") == first
    with pytest.raises(Conflict, match="with other arguments"):
        start("6")
    assert list(server.known.values()) == ["5"]


def test_what_was_not_decided_in_time_is_the_same_when_it_is_asked_again(server):
    with idempotency("job"):
        first = pay(server, "A")
        with pytest.raises(TimeoutError), waiting_for(first):
            raise TimeoutError
        assert [pay(server, "A"), pay(server, "A")] == [first, first[:-1] + "2"]


def test_what_was_waited_for_twice_and_decided_is_over_and_the_same_call_is_another(server):
    def start() -> list[str]:
        with idempotency("job"):
            first = pay(server, "A")
            with pytest.raises(TimeoutError), waiting_for(first):
                raise TimeoutError
            with waiting_for(first):
                pass
            told(first, over=True)
            return [first, pay(server, "A")]

    first = start()
    assert len(set(first)) == 2 and start() == first


def test_a_number_is_the_same_however_it_is_written(server):
    def ask(key: str, body: Body, known: int | None) -> Any:
        return Asked(key)

    with idempotency("job"):
        first = under_key("pay", Body({"n": [12, {"a": 1}]}, {}), ask, server.knows).id
        with pytest.raises(TimeoutError), waiting_for(first):
            raise TimeoutError
        assert under_key("pay", Body({"n": (12.0, {"a": 1.0})}, {}), ask, server.knows).id == first
        assert under_key("pay", Body({"n": [12, {"a": True}]}, {}), ask, server.knows).id != first


def test_another_refusal_is_not_taken_for_the_one_about_the_key(server):
    def halted(key: str, body: Body, known: int | None):
        raise Conflict(409, {"code": "halted", "detail": "Halted"})

    with idempotency("job"), pytest.raises(Conflict, match="Halted"):
        under_key("pay", Body({}, {}), halted, server.knows)


def test_a_thread_that_was_not_given_the_context_is_warned_of(server, caplog):
    def call(what: str) -> None:
        pay(server, what)

    with ThreadPoolExecutor() as there_before:
        there_before.submit(call, "outside of every scope").result()
        assert caplog.text == ""
        with idempotency("job"), ThreadPoolExecutor() as pool:
            for threads in (pool, there_before):
                threads.submit(call, "A").result()
                assert "pay is asked for while idempotency(...) is open" in caplog.text and "copy_context" in caplog.text
                caplog.clear()
                threads.submit(copy_context().run, call, "C").result()
        there_before.submit(call, "outside again").result()
    assert caplog.text == ""


def test_outside_of_any_name_every_call_is_a_new_one(server):
    assert pay(server, "A") != pay(server, "A")


async def test_a_wait_that_was_cut_off_goes_on_when_the_call_is_made_again(server):
    class People(AsyncClient):
        async def request(self, tool: str, args: Any, *, key: str = "", **more: Any) -> Any:
            return await under_key_async(tool, Body({"what": str(args)}, more), *slowly(server))

        async def _approval(self, action: Which, timeout_s: float | None) -> Any:
            waited.append(str(action))
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


@pytest.mark.parametrize("order", ["C", "BC", "CB"])
def test_a_start_that_goes_on_in_the_middle_finds_what_it_asked_at_once(server, order):
    """An agent with checkpoints of its own does not make again what it has the results of."""
    first = in_threads(server, "ABC")
    began = time.monotonic()
    assert in_threads(server, order) == {what: first[what] for what in order}
    assert time.monotonic() - began < keys.OTHERS_S
    assert sorted(server.known.values()) == ["A", "B", "C"]


def test_nothing_new_is_asked_as_long_as_a_call_of_before_is_missing_and_it_says_which(server):
    first = in_threads(server, "AB")
    with idempotency("job"):
        assert pay(server, "B") == first["B"]
        with pytest.raises(Conflict, match=first["A"]) as told:
            pay(server, "C")
        assert "give it a name of its own" in str(told.value) and "new key" not in str(told.value)
        assert pay(server, "A") == first["A"]
        assert pay(server, "C").endswith(":3")


def test_what_the_server_knows_is_looked_up_once_in_a_start(server):
    with idempotency("job"):
        for what in "ABCD":
            pay(server, what)
    assert server.looks == 1


@pytest.mark.parametrize("heard", [False, True])
async def test_however_many_numbers_before_it_came_to_nothing_it_is_found_again(server, heard):
    ask, knows = slowly(server)

    async def refused(key: str, body: Body, known: int | None) -> Any:
        await asyncio.sleep(0.005)
        raise Unreachable("away") if heard else ApiError(422, {"detail": "too long"})

    async def start(bad: int) -> list[str]:
        with idempotency("job"):
            nothing = [under_key_async("pay", Body({"what": f"bad {n}"}, {}), refused, knows) for n in range(bad)]
            good = [under_key_async("pay", Body({"what": what}, {}), ask, knows) for what in "ABC"]
            return [action.id for action in (await asyncio.gather(*nothing, *good, return_exceptions=True))[bad:]]

    first = await start(150)
    assert await start(0) == first and sorted(server.known.values()) == ["A", "B", "C"]


@pytest.mark.parametrize("calls", ["AB", "BA"])
def test_who_looked_for_its_number_and_had_no_answer_keeps_nobody_from_asking(server, calls):
    """A was asked in an earlier start; in this one the server is away for a moment when it looks whether that is its."""
    first = in_threads(server, "A")["A"]
    with idempotency("job"):
        server.lost = 1
        with pytest.raises(Unreachable):
            pay(server, "A")
        found = {what: pay(server, what) for what in calls}
    assert found["A"] == first and sorted(server.known.values()) == ["A", "B"]


def test_a_key_that_was_revoked_meanwhile_gives_no_number_away(server):
    def revoked(key: str, body: Body, known: int | None) -> Any:
        raise ApiError(401, {"detail": "no such key"})

    first = in_threads(server, "A")["A"]
    for _ in range(2):
        with idempotency("job"):
            with pytest.raises(ApiError, match="no such key"):
                under_key("pay", Body({"what": "A"}, {}), revoked, server.knows)
            assert pay(server, "A") == first
            with pytest.raises(TimeoutError), waiting_for(first):
                raise TimeoutError
            with pytest.raises(ApiError, match="no such key"):
                under_key("pay", Body({"what": "A"}, {}), revoked, server.knows)
            assert pay(server, "A") == first


async def test_of_two_starts_at_once_each_call_is_asked_once(server):
    async def start(order: str) -> dict[str, Any]:
        return await in_tasks(server, order)

    one, other = await asyncio.gather(start("ABC"), start("CAB"))
    assert one == other and sorted(server.known.values()) == ["A", "B", "C"]


async def test_a_plain_call_in_a_loop_says_that_it_would_wait_for_that_loop(server):
    in_threads(server, "A")
    _, knows = slowly(server)
    asking = asyncio.Event()

    async def ask(key: str, body: Body, known: int | None) -> Any:
        asking.set()
        await asyncio.sleep(0.005)
        return server.ask(key, body, known)

    with idempotency("job"):
        task = asyncio.create_task(under_key_async("pay", Body({"what": "A"}, {}), ask, knows))
        await asking.wait()
        with pytest.raises(CountersignError, match="make both of them async"):
            pay(server, "B")
        await task


async def test_many_calls_in_another_order_ask_once_each(monkeypatch):
    server, many = Server(tells=True), [f"{n}" for n in range(250)]

    async def start(order: list[str]) -> dict[str, Any]:
        with idempotency("job"):
            ask, knows = slowly(server)
            asked = [under_key_async("pay", Body({"what": what}, {}), ask, knows) for what in order]
            return dict(zip(order, [action.id for action in await asyncio.gather(*asked)], strict=True))

    first, server.asks, server.looks = await start(many), 0, 0
    assert await start(many[::-1]) == first
    assert (server.asks, server.looks) == (250, 1)


def test_what_is_said_otherwise_beside_the_same_arguments_is_refused_in_these_words(monkeypatch):
    monkeypatch.setattr(keys, "OTHERS_S", 0.3)
    server = Server(tells=True)

    def weighs(key: str, body: Body, known: int | None) -> Any:
        raise Conflict(409, {"action": "a-1", "detail": "This key was used for another proposal before"})

    with idempotency("job"):
        pay(server, "A")
    with idempotency("job"), pytest.raises(Conflict, match="something else said beside them"):
        under_key("pay", Body({"what": "A"}, {"level": "high"}), weighs, server.knows)
    with idempotency("job"):
        with pytest.raises(CountersignError), waiting_for(pay(server, "A")):  # not decided in time
            raise CountersignError
        with pytest.raises(Conflict, match="something else said beside them"):
            under_key("pay", Body({"what": "A"}, {"level": "high"}), weighs, server.knows)
        assert pay(server, "A").endswith(":1")


def test_calls_with_the_same_arguments_that_say_something_else_beside_them_are_found_in_any_order(server):
    def ask(key: str, body: Body, known: int | None) -> Any:
        return server.ask(key, Body({"what": body.args["what"] + body.more["by"]}, {}), known)

    def knows(begin: str) -> dict[str, Known]:
        return {key: Known(key, Body({"what": server.known[key][0]}, {}).sha256 if server.tells else "") for key in server.knows(begin)}

    def start(order: str) -> dict[str, str]:
        with idempotency("job"):
            return {by: under_key("pay", Body({"what": "A"}, {"by": by}), ask, knows).id for by in order}

    assert start("xyz") == start("zxy") == start("yzx")


def test_a_call_that_another_start_asked_for_meanwhile_is_found(server):
    """Both looked before either asked."""
    with idempotency("job"):
        pay(server, "early")
        server.known.clear()
        other: dict[str, str] = {}

        def start() -> None:
            with idempotency("job"):
                other.update({what: pay(server, what) for what in ("A", "B", "C")})

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        assert pay(server, "C") == other["C"] and pay(server, "B") == other["B"]
    assert sorted(server.known.values()) == ["A", "B", "C"]


def test_a_scope_that_is_left_in_another_context_is_over():
    def enter():
        with idempotency("job"):
            yield

    one = enter()
    copy_context().run(next, one)
    copy_context().run(lambda: next(one, None))
    assert keys._open == []


ODD_NUMBERS = [
    0.0,
    -0.0,
    12.0,
    1e21,
    1e20,
    123456789012345680000.0,
    1e-6,
    1e-7,
    1.5e-7,
    0.1,
    -19.25,
    1 / 3,
    5e-324,
    1.7976931348623157e308,
    2.0**53,
    1e22,
    -1e-9,
    100.0,
    0.000001234,
]


def test_numbers_are_written_as_the_server_writes_them():
    draw = random.Random(7)
    made = [draw.uniform(-1, 1) * 10.0 ** draw.randint(-30, 30) for _ in range(5_000)]
    kept = [number for number in [*ODD_NUMBERS, *made] if not number.is_integer() or abs(number) < 2**53]  # others the server refuses
    assert len(kept) > 2_000
    for number in kept:
        args = {"n": number, "all": [number, {"x": -number}]}
        assert Body(args, {}).print == canonical.dumps(args).decode(), number


def test_a_float_of_a_librarys_own_is_a_number_as_well():
    class Odd(float):
        def __repr__(self) -> str:
            return f"odd({float(self)})"

    assert Body({"n": Odd(10.5)}, {}).print == '{"n":10.5}'


def test_who_is_just_being_looked_for_is_waited_for_however_slow_the_server_is(server):
    """Two calls of which one was asked in an earlier start, and its answer is slow."""
    first = in_threads(server, "A")["A"]
    found: dict[str, Any] = {}

    def slow(key: str, body: Body, known: int | None) -> Any:
        time.sleep(3 * keys.OTHERS_S)
        return server.ask(key, body, known)

    with idempotency("job"):
        one = threading.Thread(
            target=copy_context().run, args=(lambda: found.update(A=under_key("pay", Body({"what": "A"}, {}), slow, server.knows).id),)
        )
        one.start()
        time.sleep(0.05)
        found["B"] = pay(server, "B")
        one.join()
    assert found["A"] == first and found["B"] != first


@pytest.mark.parametrize("orders", [("ABC", "CBA"), ("ABCDE", "EADBC"), ("AAB", "BAA")])
async def test_two_starts_at_once_in_any_order_ask_for_each_call_once(server, orders):
    """Numbers were given out by each of them: one's first stood where the other's last was to be, and was asked a second time."""
    for _ in range(5):
        server.known.clear()
        one, other = await asyncio.gather(*map(partial(in_tasks, server), orders))
        assert sorted(server.known.values()) == sorted(orders[0]) and one.keys() == other.keys()
        if len(set(orders[0])) == len(orders[0]):
            assert one == other


async def test_two_starts_at_once_with_an_amount_computed_anew_ask_for_one(server):
    done = await asyncio.gather(in_tasks(server, "A"), in_tasks(server, "X"), return_exceptions=True)
    assert len(server.known) == 1 and sorted(type(one).__name__ for one in done) == ["Conflict", "dict"]


def test_a_request_that_comes_late_is_not_overtaken_by_another_call(server):
    """It was given up here, and was heard there after all."""
    late: list[Any] = []

    def gives_up(key: str, body: Body, known: int | None) -> Any:
        late.append((key, body))
        raise Unreachable("no answer in time")

    with idempotency("job"):
        with pytest.raises(Unreachable):
            under_key("pay", Body({"what": "A"}, {}), gives_up, server.knows)
        server.ask(*late[0], None)
        second = pay(server, "B")
        assert pay(server, "A") != second
    assert in_threads(server, "BA").keys() == {"A", "B"} and sorted(server.known.values()) == ["A", "B"]


async def test_equal_calls_of_a_guarded_function_side_by_side_are_each_done():
    """The leave of one is taken by a task of its own: what ends there must not free the call before whoever waits has heard."""
    desk, did = Desk(), []

    @require_approval(client=desk.async_client())
    async def pay_out(order: str) -> None:
        did.append(order)

    async def busy() -> None:
        while len(did) < 8:
            time.sleep(0.001)
            await asyncio.sleep(0)

    async def after(ms: int) -> None:
        await asyncio.sleep(ms / 1000)
        await pay_out("A")

    with idempotency("job"):
        await asyncio.wait_for(asyncio.gather(busy(), busy(), *(after(3 * n) for n in range(8))), 20)
    assert did == ["A"] * 8 and len(desk.asked) == 8
