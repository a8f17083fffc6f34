"""What the client says when no answer came: whether one of its tries may have been carried out."""

import httpx
import pytest

from countersign import AsyncClient, Client, Unreachable
from countersign import client as module
from countersign._calls import Call

RUN = Call("POST", "/runs", {"agent": "a"}, headers={"Idempotency-Key": "k-1"})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0)


def serving(*came):
    left = list(came)

    def serve(request):
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, int):
            return httpx.Response(one, json={})
        raise one

    return httpx.MockTransport(serve)


REFUSED, CUT, SLOW = httpx.ConnectError("refused"), httpx.RemoteProtocolError("cut"), httpx.ReadTimeout("slow")


def said(call, *came):
    with Client("http://127.0.0.1:9", "x", transport=serving(*came)) as client, pytest.raises(Unreachable) as told:
        client.call(call)
    return str(told.value)


def test_what_was_never_sent_is_said_to_reach_nobody():
    assert said(RUN, REFUSED) == "Nobody answers POST /runs: ConnectError: refused"


@pytest.mark.parametrize("first", [CUT, SLOW, 503])
def test_what_was_sent_once_is_said_to_be_perhaps_done_whatever_came_of_the_later_tries(first):
    words = said(RUN, first, REFUSED)
    assert words.startswith("POST /runs was sent, and nobody says what became of it (ConnectError: refused). It may have been done")
    assert words.endswith("--once` of `runs start`), then it is done once: k-1")


def test_what_is_sent_only_once_says_so_too():
    words = said(Call("POST", "/halts", {}, repeatable=False), CUT)
    assert "POST /halts was sent" in words and words.endswith("look before you ask again")


def test_looking_does_nothing():
    assert said(Call("GET", "/runs"), CUT) == "Nobody answers GET /runs: RemoteProtocolError: cut"


async def test_the_other_client_says_the_same():
    async with AsyncClient("http://127.0.0.1:9", "x", transport=serving(CUT, REFUSED)) as client:
        with pytest.raises(Unreachable, match="was sent, and nobody says"):
            await client.call(RUN)
