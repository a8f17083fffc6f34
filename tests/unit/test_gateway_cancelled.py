"""asyncio cancels a call through the gateway: what was begun with people is ended with them, however often it cancels."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from countersign.calling import GAVE_UP, Waiting
from countersign.reporting import Reports

A_MOMENT = 0.05


class People:
    """Answers after a moment, and keeps what it heard to the end."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    async def _hears(self, *what: str) -> Any:
        await asyncio.sleep(A_MOMENT)
        self.heard.append(what)
        return SimpleNamespace(id="a1")

    async def request(self, tool: str, args: Any, *, key: str, rationale: str) -> Any:
        return await self._hears("request", tool)

    async def approval(self, action: str, *, timeout_s: float | None) -> Any:
        await asyncio.sleep(60)

    async def withdraw(self, action: str, reason: str) -> Any:
        return await self._hears("withdraw", action, reason)

    async def report(self, action: str, status: str, **more: Any) -> Any:
        return await self._hears("report", action, status)


async def cancelled(doing: "asyncio.Task[Any]", *after: float) -> None:
    for moment in after:
        await asyncio.sleep(moment)
        doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing


@pytest.mark.parametrize(
    "after",
    [(A_MOMENT / 2,), (A_MOMENT / 2, A_MOMENT), (A_MOMENT * 2,), (A_MOMENT * 2, A_MOMENT / 2)],
    ids=["while it proposes", "and again while it withdraws", "while people look", "and again while it withdraws that"],
)
async def test_what_was_proposed_for_a_cancelled_call_is_withdrawn(after):
    people = People()
    waiting = Waiting(people, None)  # type: ignore[arg-type]
    await cancelled(asyncio.create_task(waiting.leave("append", {}, "", rationale="")), *after)
    assert people.heard == [("request", "append"), ("withdraw", "a1", GAVE_UP)]
    assert not waiting._calls


async def test_what_came_of_a_call_is_reported_although_it_is_cancelled_meanwhile():
    people = People()
    reporting = asyncio.create_task(Reports(people).tell(SimpleNamespace(action="a1"), "done"))  # type: ignore[arg-type]
    await cancelled(reporting, A_MOMENT / 2)
    assert people.heard == [("report", "a1", "done")]
