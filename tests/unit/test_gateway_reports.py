"""What came of a call is told although Countersign is away for a while; what it refuses is not told twice."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from countersign import reporting
from countersign.client import AsyncClient
from countersign.errors import Conflict, CountersignError, Unreachable
from countersign.reporting import Reports
from countersign.values import Claim

LEAVE = cast("Claim", SimpleNamespace(action="a-1"))


class People:
    """Countersign, as it answers in turn."""

    def __init__(self, *answers: CountersignError | None) -> None:
        self.answers, self.heard = list(answers), list[tuple[str, str, dict[str, Any]]]()

    async def report(self, action: str, status: str, **more: Any) -> None:
        self.heard.append((action, status, more))
        if error := self.answers.pop(0):
            raise error


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(reporting, "FIRST_S", 0.01)
    monkeypatch.setattr(reporting, "MOST_S", 0.02)


def told(people: People, turns: float = 0.3) -> bool:
    async def go() -> bool:
        heard = await Reports(cast("AsyncClient", people)).tell(LEAVE, "done", reason="so\x00")
        await asyncio.sleep(turns)
        return heard

    return asyncio.run(go())


def test_what_nobody_heard_is_told_again_until_somebody_does():
    people = People(Unreachable("away"), Unreachable("away"), Unreachable("away"), None)
    assert not told(people)
    assert people.heard == [("a-1", "done", {"reason": "so\N{REPLACEMENT CHARACTER}"})] * 4


def test_what_is_heard_or_refused_is_told_once(caplog):
    for answer, heard in ((None, True), (Conflict(409, {"detail": "settled"}), False)):
        people = People(answer)
        assert told(people, 0.05) is heard and len(people.heard) == 1
    assert "settled" in caplog.text


def test_it_is_not_tried_for_ever(monkeypatch, caplog):
    monkeypatch.setattr(reporting, "ALL_S", 0.03)
    people = People(*[Unreachable("away")] * 9)
    told(people)
    assert 2 <= len(people.heard) <= 5 and "never reported" in caplog.text
