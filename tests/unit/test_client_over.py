"""When a call under an `idempotency` name is over, so that the same is another one: step by step, guarded, and in a later start."""

import asyncio
from collections.abc import Callable
from itertools import count

import httpx
import pytest

from countersign import idempotency, require_approval
from countersign.client import Client
from countersign.errors import CountersignError, NotApproved
from countersign.testing import Desk
from countersign.values import Action


def first_is_rejected() -> Callable[..., str]:
    asked = count(1)
    return lambda tool, args: "reject" if next(asked) == 1 else "approve"


def step_by_step(client: Client, did: list[str]) -> str:
    found = client.wait(client.request("pay", {"order": "A"}).id)
    if found.next != "claim":
        return f"{found.state}: {(found.outcome or {}).get('status')}"
    client.claim(found.id)
    did.append("A")
    client.report(found.id, "unknown", reason="the bank did not answer")
    return "acted"


def test_waiting_for_what_is_unknown_or_was_refused_does_not_free_the_call():
    """`wait` took whatever was settled for done, and the try after it was asked, agreed to and done a second time."""
    did: list[str] = []
    desk = Desk()
    with idempotency("job"):
        said = [step_by_step(desk.client(), did) for _ in range(4)]
    assert (did, len(desk.asked)) == (["A"], 1) and said == ["acted", *["APPROVED: unknown"] * 3]
    with idempotency("job"):
        assert [step_by_step(desk.client(), did) for _ in range(3)] == ["APPROVED: unknown"] * 3 and did == ["A"]
    refused = Desk("reject")
    with idempotency("other"):
        assert {step_by_step(refused.client(), did) for _ in range(3)} == {"REJECTED: None"} and len(refused.asked) == 1


def test_waiting_for_what_was_done_or_answered_frees_the_call():
    desk = Desk()
    with idempotency("job"):
        for _ in range(2):
            action = desk.client().request("pay", {"order": "A"})
            desk.client().approval(action.id)
            desk.client().report(action.id, "done")
            desk.client().wait(action.id)
    assert len(desk.asked) == 2


@pytest.mark.parametrize(("state", "outcome", "over"), [
    ("ANSWERED", {"status": "answered"}, True), ("APPROVED", {"status": "done"}, True), ("APPROVED", {"status": "failed"}, False),
    ("EXPIRED", {"status": "expired"}, False), ("PENDING", None, False),
])  # fmt: skip
def test_an_action_is_over_when_it_was_done_or_answered(state, outcome, over):
    raw = {"id": "1", "tool": "t", "summary": "", "state": state, "next": "done", "level": "low", "digest": "", "url": "", "args": {}}
    assert Action.of({**raw, "expires_at": "2026-01-01T00:00:00Z", "outcome": outcome}).is_over is over


def test_what_was_approved_for_an_equal_call_of_an_earlier_start_is_found_behind_one_that_was_rejected():
    """The rejected one may be asked for again, and was: nobody came to the approved one, and nothing new could be asked in any start."""
    desk, did = Desk(first_is_rejected()), []
    with idempotency("job"):
        for _ in range(2):  # and the program dies
            desk.client().request("pay", {"order": "A"})

    @require_approval("pay", client=desk.client())
    def pay(order: str) -> str:
        did.append(order)
        return order

    for _ in range(2):
        with idempotency("job"):
            with pytest.raises(NotApproved):
                pay("A")
            assert [pay("A"), pay("B")] == ["A", "B"]
    assert did == ["A", "B"] and len(desk.asked) == 3


class NeverHeard(Desk):
    """Takes no report."""

    reports = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/outcome"):
            self.reports += 1
            raise httpx.ReadTimeout("lost", request=request)
        return super().answer(request)


async def test_an_equal_call_that_begins_while_the_end_of_one_cannot_be_told_is_a_call_of_its_own(monkeypatch):
    """The end was said twice, first as not over: whoever asked in between was given the other's number, and did nothing."""
    monkeypatch.setattr("countersign.client.FIRST_PAUSE_S", 0.01)
    desk, did = NeverHeard(), []

    @require_approval("pay", client=desk.async_client())
    async def pay(order: str) -> str:
        did.append(order)
        return order

    async def beside() -> str:
        while desk.reports < 3:
            await asyncio.sleep(0)
        return await pay("A")

    with idempotency("job"):
        assert set(await asyncio.gather(pay("A"), beside())) == {"A"}
    assert did == ["A", "A"] and len(desk.asked) == 2
    with pytest.raises(CountersignError), idempotency("job"):
        await pay("A")  # nobody knows of the first
