"""A guarded function of the Python client: started again, with every kind of signature, and whatever was claimed is reported."""

import asyncio
import inspect
from datetime import date
from typing import Any

import anyio
import httpx
import pytest
from asgiref.sync import sync_to_async
from django.core.wsgi import get_wsgi_application

from approvals import operations as approvals
from approvals.models import Action
from countersign import (
    AlreadyDone,
    AlreadyFailed,
    ApiError,
    AsyncClient,
    Client,
    Conflict,
    NotApproved,
    NotDecidedInTime,
    OutcomeUnknown,
    Unreachable,
    binding,
    guard,
    idempotency,
    require_approval,
    results,
)
from countersign.testing import auto_decide
from tests import factories
from tests.integration.api.conftest import Handed

pytestmark = pytest.mark.django_db(transaction=True)


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("not for anybody")


def told_no(refusal: NotApproved) -> None:
    raise AssertionError(f"nobody refused: {refusal}")


@pytest.fixture
def people(agent, cast, monkeypatch):
    monkeypatch.setattr("countersign._timing.LEAST_S", 0.01)
    made = Client("http://localhost", agent.token, transport=httpx.WSGITransport(get_wsgi_application()))
    monkeypatch.setattr(guard, "_default", lambda: made)
    return made


@pytest.mark.parametrize("result", [{"n": 1}, {"value": 3}, {"words": "x"}, [1, None], "text", None, 2.5, {}])
def test_a_later_start_is_given_what_the_first_one_returned(people, result):
    did = []

    @require_approval("look", on_rejection=told_no)
    def look() -> object:
        did.append(1)
        return result

    for _ in range(3):
        with idempotency("job"):
            assert look() == result
    assert did == [1] and Action.objects.count() == 1


@pytest.mark.parametrize("name", ["x" * 130, "Rechnung für Müller", "two\nlines", " blank first", "\ud800"])
def test_names_however_long_or_odd_are_told_apart(people, name):
    did: list[str] = []

    @require_approval("look")
    def look() -> str:
        did.append("looked")
        return str(len(did))

    for _ in range(2):
        for number, end in enumerate(("ada", "bob"), start=1):
            with idempotency(name + end):
                assert look() == str(number)
    assert len(did) == 2 and Action.objects.count() == 2


def test_what_was_done_is_given_back_although_the_report_is_lost(people, monkeypatch, caplog):
    @require_approval("look")
    def look() -> str:
        return "done"

    def lost(*args, **more):
        raise Unreachable("nobody answers")

    with monkeypatch.context() as cut, idempotency("job"):
        cut.setattr(type(people), "_report", lost)
        assert look() == "done"
    assert "could not be reported" in caplog.text
    with idempotency("job"), pytest.raises(OutcomeUnknown):
        look()


def test_what_is_no_json_is_told_in_words_and_never_given_back_as_something_else(people):
    @require_approval("look", on_rejection=told_no)
    def look() -> object:
        return ("a", "b")

    with idempotency("job"):
        assert look() == ("a", "b")
    with idempotency("job"), pytest.raises(AlreadyDone, match="not done again") as before:
        look()
    assert before.value.result == {"words": "('a', 'b')"}
    for odd in (float("nan"), {1: 2}, "x" * 20_001, "\0", 2**60, {"at": (1,)}):
        assert set(results.told(odd)) == {"words"}


def test_a_crash_between_claim_and_report_is_said_and_nobody_is_told_of_a_refusal(people):
    @require_approval("look", on_rejection=told_no)
    def look() -> None:
        raise AssertionError("must not run")

    with idempotency("job"):
        action = guard.request("look", {})
    people.claim(action.id)  # and then the first start dies
    with idempotency("job"), pytest.raises(OutcomeUnknown, match="nobody knows whether it happened") as unsure:
        look()
    assert not unsure.value.settled
    people.report(action.id, "failed", reason="looked: it is not there")
    with idempotency("job"), pytest.raises(AlreadyFailed, match="nothing was done: looked"):
        look()


def test_what_was_reported_as_unknown_stays_unknown(people):
    @require_approval("look")
    def look() -> None:
        raise ValueError("half way")

    with idempotency("job"), pytest.raises(ValueError, match="half way"):
        look()
    with idempotency("job"), pytest.raises(OutcomeUnknown, match="ValueError: half way") as unsure:
        look()
    assert unsure.value.settled


def test_who_goes_step_by_step_and_lost_the_leave_on_its_way_finds_the_same_call_again(people, monkeypatch):
    def lost(*args, **more):
        raise Unreachable("nobody answers")

    with idempotency("job"):
        first = people.wait(people.request("look", {}).id)
        with monkeypatch.context() as cut, pytest.raises(Unreachable):
            cut.setattr(type(people), "call", lost)
            people.claim(first.id)
        again = people.wait(people.request("look", {}).id)
        assert again.id == first.id and people.claim(again.id)
        people.report(again.id, "done")
        assert people.request("look", {}).id != first.id


def test_who_goes_step_by_step_and_reports_nothing_is_told_so_when_it_tries_again(people):
    with idempotency("job"):
        action = people.request("look", {})
        people.approval(action.id)
        with pytest.raises(OutcomeUnknown, match="never reported"):
            people.approval(people.request("look", {}).id)
    assert Action.objects.count() == 1


def test_what_came_to_nothing_is_the_same_call_in_the_same_start_too(people):
    with idempotency("job"):
        action = people.request("look", {})
        people.approval(action.id)
        people.report(action.id, "failed", reason="looked: it is not there")
        with pytest.raises(AlreadyFailed, match="looked"):
            people.approval(people.request("look", {}).id)


def test_of_two_starts_at_once_the_slower_one_is_told_what_became_of_it(people, monkeypatch):
    action = people.request("look", {})
    claim = people._claim

    def beaten(pk: str, key: str = ""):
        claim(pk)
        people.report(pk, "done", result={"n": 1})
        return claim(pk)

    monkeypatch.setattr(people, "_claim", beaten)
    with pytest.raises(AlreadyDone) as before:
        people.approval(action.id)
    assert before.value.result == {"n": 1}


def every_kind(a, /, b=2, *rest, c, d=4, **more):
    return a, b, rest, c, d, more


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {"c": 3}), ((1, 5, 6, 7), {"c": 3, "d": 8, "e": 9}), ((1,), {"b": 3, "c": 0, "copies": 3})],
)
def test_what_is_approved_is_what_is_called(args, kwargs):
    with auto_decide() as desk:
        assert require_approval(every_kind)(*args, **kwargs) == every_kind(*args, **kwargs)
    assert not {"more", "kwargs"} & set(desk.asked[0][1])


def test_two_arguments_of_one_name_are_not_asked_for():
    with auto_decide() as desk, pytest.raises(TypeError, match="called 'a'"):
        require_approval(every_kind)(1, c=3, a=2)
    assert desk.asked == []


def test_an_edit_that_does_not_fit_is_reported_as_failed(people, cast):
    did = []

    @require_approval("note")
    def note(text: str, /) -> None:
        did.append(text)

    with idempotency("job"):
        guard.request("note", {"text": "one"})
    action = Action.objects.get()
    approvals.request_edit(action.pk, by=cast.reviewer, seen_digest=action.digest, args={"text": "two", "times": 2}, door="web")
    factories.work()
    factories.decide(Action.objects.get(), cast.second)
    with idempotency("job"), pytest.raises(TypeError, match="no argument 'times'"):
        note("one")
    assert did == [] and Action.objects.get().outcome["status"] == "failed"


def test_a_signature_takes_back_what_it_gave():
    signature = inspect.signature(every_kind)
    with pytest.raises(TypeError, match="'c' is missing"):
        binding.call_of(signature, {"a": 1})
    with pytest.raises(TypeError, match="has to be a list"):
        binding.call_of(signature, {"a": 1, "c": 2, "rest": "abc"})
    assert binding.call_of(signature, {"a": 1, "c": 2}) == ([1, 2], {"c": 2, "d": 4})


async def test_who_awaits_is_given_the_same_and_who_is_cancelled_says_that_nobody_knows():
    @require_approval(on_rejection=told_no)
    async def look(n: int, **more: int) -> list[int]:
        return [n, *more.values()]

    @require_approval
    async def hang() -> None:
        await anyio.sleep_forever()

    with auto_decide() as desk:
        for _ in range(2):
            with idempotency("job"):
                assert await look(1, m=2) == [1, 2]
        with anyio.move_on_after(0.2):
            await hang()
    assert desk.asked == [("look", {"n": 1, "m": 2}), ("hang", {})]
    assert [said["status"] for said in desk.outcomes] == ["done", "unknown"]


@pytest.mark.usefixtures("agents")
async def test_a_person_decides_and_follows_a_run_with_the_client_that_awaits(cast, token, world):
    def begin():
        action, run = factories.action(), factories.run(cast.operator, world=world)
        factories.work()
        return token(cast.reviewer).token, token(cast.operator).token, action, run

    rita, olga, action, run = await sync_to_async(begin)()
    async with AsyncClient("http://localhost", rita, transport=Handed()) as people:
        given = await people.decide(str(action.pk), "approve", action.digest, reason="fine", key="d-1")
        assert (given["state"], given["replayed"]) == ("APPROVED", False)
        assert (await people.decide(str(action.pk), "approve", action.digest, reason="fine", key="d-1"))["replayed"]
    async with AsyncClient("http://localhost", olga, transport=Handed()) as people:
        kinds = [event["kind"] async for event in people.progress(str(run.pk))]
    assert kinds[0] == "run.created" and len(kinds) > 2


def test_a_wished_level_is_what_people_decide_at_and_stays_through_an_edit(people, cast):
    @require_approval(level="high", timeout_s=0)
    def note(text: str) -> None: ...

    with pytest.raises(NotDecidedInTime):
        note("one")
    action = Action.objects.get()
    assert action.level == "high"
    approvals.request_edit(action.pk, by=cast.reviewer, seen_digest=action.digest, args={"text": "two"}, reason="better", door="web")
    factories.work()
    action.refresh_from_db()
    assert (action.version, action.level) == (2, "high")
    people.request("look", {}, key="low", level="low")
    people.request("look", {}, key="none")
    assert [Action.objects.get(interrupt_id=key).level for key in ("low", "none")] == ["low", "low"]
    with pytest.raises(ValueError, match="low, medium, high, critical, not 'urgent'"):
        require_approval(level="urgent")
    with pytest.raises(ApiError, match="level"):
        people.request("look", {}, level="urgent")


def test_a_client_of_the_other_kind_and_what_is_not_over_when_it_returns_are_refused_at_decoration(people):
    async def later() -> None: ...
    def plain() -> None: ...
    def some():
        yield 1

    async def others():
        yield 1

    elsewhere = AsyncClient("http://localhost", "cs_agent_x")
    for function, asks, said in (
        (later, people, "AsyncClient"),
        (plain, elsewhere, "not with an AsyncClient"),
        (some, None, "generator"),
        (others, None, "generator"),
    ):
        with pytest.raises(TypeError, match=said):
            require_approval(client=asks)(function)
    require_approval(client=people)(plain)
    require_approval(client=elsewhere)(later)


def test_what_still_has_to_be_awaited_is_not_reported_as_done(people):
    ran = []

    async def inner() -> None:
        ran.append(1)

    @require_approval("look")
    def look():
        return inner()

    with pytest.raises(TypeError, match="has not run"):
        look()
    assert (ran, Action.objects.get().outcome["status"]) == ([], "unknown")


@pytest.mark.parametrize("result", ["\ud800", {"a": "b\0"}, {"\ud800": 1}, "x" * 800_000, [["y" * 19_000] * 10] * 10, [Silent()]])
def test_what_no_request_holds_is_told_in_words_and_given_back_as_it_is(people, result):
    @require_approval("look")
    def look():
        return result

    assert look() is result
    outcome = Action.objects.get().outcome
    assert outcome["status"] == "done" and set(outcome["result"]) == {"words"}


def test_what_a_function_raises_is_raised_whatever_its_words(people):
    @require_approval("look")
    def look():
        raise ValueError("bad \ud800\0")

    with pytest.raises(ValueError, match="bad"):
        look()
    outcome = Action.objects.get().outcome
    assert (outcome["status"], outcome["reason"]) == ("unknown", "ValueError: bad ⟨U+D800⟩⟨U+0000⟩")


def test_an_argument_that_people_cannot_be_shown_is_named_before_anybody_is_asked(people):
    class Shop:
        @require_approval("look")
        def look(self, order: str) -> None:
            raise AssertionError("must not run")

    @require_approval("look")
    def send(order: str, on: object = None) -> None:
        raise AssertionError("must not run")

    with pytest.raises(TypeError, match=r"argument 'self', of type Shop.*@staticmethod"):
        Shop().look("A-17")
    with pytest.raises(TypeError, match=r"argument 'on', of type date.*isoformat"):
        send("A-17", date(2026, 1, 1))
    for odd in ([float("nan")], "\ud800", {1: 2}, {"a": [{True: 1}]}):
        with pytest.raises(TypeError, match="'on'"):
            send("A-17", odd)
    assert not Action.objects.exists()


def test_one_name_stands_for_one_thing_whatever_its_arguments_are_computed_to(people):
    """A program that starts again and computes the amount anew must not be taken for another refund."""
    paid = []

    @require_approval("look")
    def pay(order: str, cents: int) -> int:
        paid.append(cents)
        return cents

    for _ in range(2):
        with idempotency("refund:A-17"):
            assert [pay("A-17", 1_200), pay("A-17", 5)] == [1_200, 5]
    with idempotency("refund:A-17"), pytest.raises(Conflict, match="with other arguments"):
        pay("A-17", 1_250)
    assert paid == [1_200, 5] and Action.objects.count() == 2
    with auto_decide() as desk, idempotency("refund:A-17"):
        assert pay("A-17", 1_200) == 1_200
        with idempotency("refund:A-17"), pytest.raises(Conflict, match="with other arguments"):
            pay("A-17", 1_250)
    assert len(desk.asked) == 1


@pytest.mark.parametrize("wrong", ["aprove", "edit", ""])
def test_a_verdict_that_is_none_fails_the_test_it_was_written_for(wrong):
    for said in (wrong, lambda tool, args: {"verdict": wrong}):
        with auto_decide(said) as desk, pytest.raises(ValueError, match="A verdict is one of"):
            desk.client().request("note", {"text": "hello"})


def test_the_desk_refuses_what_the_server_refuses():
    with auto_decide() as desk, desk.client() as people:
        action = people.request("note", {"text": "hello"})
        with pytest.raises(Conflict):
            people.report(action.id, "done")
        with pytest.raises(Conflict):
            people.withdraw(action.id, "no")
        assert people.claim(action.id, key="k").args == people.claim(action.id, key="k").args
        with pytest.raises(Conflict):
            people.claim(action.id, key="other")


async def test_who_is_cut_while_it_is_reported_is_given_the_result_when_it_calls_again():
    paid: list[int] = []
    with auto_decide() as desk:
        asks = desk.async_client()
        report = asks._report

        async def slowly(*args, **more):
            await asyncio.sleep(0.2)
            return await report(*args, **more)

        asks._report = slowly  # type: ignore[method-assign]

        @require_approval("pay", client=asks)
        async def pay(cents: int) -> int:
            paid.append(cents)
            return cents

        with idempotency("job"):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pay(5), 0.1)
            assert await pay(5) == 5 and paid == [5]
            assert await pay(5) == 5 and paid == [5, 5]  # another one, which was wanted


def test_a_retry_of_what_nobody_knows_about_is_told_so_and_not_made_again(people):
    paid: list[int] = []

    @require_approval("look")
    def pay(cents: int) -> int:
        paid.append(cents)
        raise TimeoutError("no answer")

    for _ in range(2):  # and in a later start
        with idempotency("job"):
            for attempt in range(4):
                expected = TimeoutError if not attempt and len(paid) == 0 else OutcomeUnknown
                with pytest.raises(expected):
                    pay(5)
    assert paid == [5] and Action.objects.count() == 1
    with idempotency("job"):
        with pytest.raises(OutcomeUnknown):
            pay(5)
        with pytest.raises(TimeoutError):
            pay(6)  # another call: the first one was made in this start, too
    assert paid == [5, 6]


def test_a_retry_is_told_what_a_later_start_is_told(people):
    did: list[str] = []

    @require_approval("look")
    def pay(what: str) -> object:
        did.append(what)
        return object()  # no JSON: only its words are kept

    with idempotency("job"):
        pay("once")
    for _ in range(2):
        with idempotency("job"):
            for _ in range(3):
                with pytest.raises(AlreadyDone):
                    pay("once")
    assert did == ["once"] and Action.objects.count() == 1


def test_a_report_that_was_not_heard_leaves_the_call_what_it_is(people, monkeypatch):
    def lost(*args, **more):
        raise Unreachable("nobody answers")

    with idempotency("job"):
        action = people.request("look", {"n": 1})
        people.approval(action.id)
        with monkeypatch.context() as cut:
            cut.setattr(type(people), "call", lost)
            with pytest.raises(Unreachable):
                people.report(action.id, "done")
        assert people.request("look", {"n": 1}).id == action.id
        people.report(action.id, "done")
        assert people.request("look", {"n": 1}).id != action.id


def test_leave_whose_answer_was_lost_and_that_an_order_stopped_is_reported_as_not_begun(people, cast, monkeypatch):
    """It read as begun, with nobody knowing what came of it, and waited for a person to look."""
    monkeypatch.setattr("countersign.client.FIRST_PAUSE_S", 0.01)
    sent, stops = people._http.request, list[Any]()

    def loses_one(method, path, **more):
        answer = sent(method, path, **more)
        if path.endswith("/claim") and not stops:
            stops.append(approvals.halt(scope="tool", target="look", reason="wait", by=cast.operator, door="web"))
            raise httpx.ReadTimeout("lost")
        return answer

    monkeypatch.setattr(people._http, "request", loses_one)
    did = []
    with pytest.raises(AlreadyFailed):
        require_approval("look", client=people)(lambda n: did.append(n))(1)
    action = Action.objects.get()
    assert (did, action.outcome["status"]) == ([], "failed") and "stopped this since it was claimed" in action.outcome["reason"]
