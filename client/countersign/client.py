"""The API, one method per call; the same for programs that wait and programs that await.

What a call is (method, path, body) is said once, in `_calls`; the two clients only differ in how they send it. A request that may have been lost
is sent again with the same idempotency key, so nothing happens twice.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx

from countersign import _calls
from countersign._calls import Call
from countersign._timing import AWAY_S, LEAST_S, POLL_S, left_s, moment, patience, poll_s, rest_s
from countersign.enduring import to_the_end
from countersign.errors import ApiError, Conflict, CountersignError, NotConfigured, NotDecidedInTime, Unreachable
from countersign.following import Story
from countersign.keys import under_key, under_key_async, waiting_for
from countersign.numbers import Body
from countersign.values import Action, Claim, Known, Which

H = TypeVar("H", httpx.Client, httpx.AsyncClient)
TRIES, FIRST_PAUSE_S = 4, 0.5
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
log = logging.getLogger("countersign")


def _settings(url: str | None, key: str | None, timeout_s: float) -> dict[str, Any]:
    url, key = (url or os.environ.get("COUNTERSIGN_URL", "")).strip(), (key or os.environ.get("COUNTERSIGN_KEY", "")).strip()
    if not url or not key:
        raise NotConfigured("Set COUNTERSIGN_URL and COUNTERSIGN_KEY (or give url= and key=); keys are made under API keys on the web")
    _check(url, key)
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "countersign-python/0.1"}
    timeout = httpx.Timeout(timeout_s, read=POLL_S + timeout_s)
    return {"base_url": url.rstrip("/") + "/api/v1", "headers": headers, "timeout": timeout, "follow_redirects": False}


def _check(url: str, key: str) -> None:
    """Refused here, in words that hold neither: a header or an address that cannot be sent is quoted whole by whoever refuses it later."""
    if not (key.isascii() and key.isprintable()):
        raise NotConfigured("COUNTERSIGN_KEY (or key=) is no key: it has to be one line of plain ASCII; copy it again, or make a new one")
    try:
        address = httpx.URL(url)
        usable = address.scheme in {"http", "https"} and bool(address.host) and (address.port or 1) < 2**16
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise NotConfigured("COUNTERSIGN_URL (or url=) is no address: it looks like https://countersign.example or http://127.0.0.1:8000")


class _Own(Generic[H]):
    """The connections of this process. One that was forked makes its own: two on one socket would be given each other's answers."""

    def __init__(self, make: Callable[[], H]) -> None:
        self._make: Callable[[], H] = make
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._made: H = make()

    def here(self) -> H:
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._made, self._pid = self._make(), os.getpid()  # the other's is not closed: that would speak on its socket
        return self._made


class Client:
    """For programs that wait. Use it in a `with`, or close it. Wherever an action is named, by its id or as `request` returned it."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, timeout_s: float = 10, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._connections = _Own(partial(httpx.Client, **_settings(url, key, timeout_s), transport=transport))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def _http(self) -> httpx.Client:
        return self._connections.here()

    def request(self, tool: str, args: Mapping[str, Any], *, key: str = "", **more: Any) -> Action:
        """Propose a tool call. The same key is the same action; without one it has that of its `idempotency` name, or is a new action.

        Args:
            more: rationale, evidence, requested_by, expires_in_s, estimated_cost, confidence.
        """

        def propose(key: str, body: Body, known: int | None) -> Action:
            return Action.of(self.call(_calls.propose(tool, body.args, key, body.more, known)))

        body = Body(args, more)
        return propose(key, body, None) if key else under_key(tool, body, propose, self.known)

    def ask(self, question: str, *, key: str = "", **more: Any) -> Action:
        """Put a question to people; `wait` for it, and `response` is their answer."""
        return self.request("ask_human", {"question": question}, key=key, kind="question", **more)

    def known(self, begin: str) -> dict[str, Known]:
        """The keys that this agent proposed something under, of those that begin so, and what."""
        found: dict[str, Known] = {}
        after: str | None = ""
        while after is not None:
            page = self.call(_calls.known(begin, after))
            found, after = found | _calls.known_of(page), page["next"]
        return found

    def get(self, action: Which, *, wait_s: int = 0) -> Action:
        return Action.of(self.call(_calls.get(action, wait_s)))

    def wait(self, action: Which, *, timeout_s: float | None = None) -> Action:
        """Until its proposer has something to do, or it is done. A server that answered before may be away for ten minutes meanwhile, as while it
        is started again. Raises NotDecidedInTime; Unreachable, ApiError."""
        with waiting_for(action) as waiting:
            found = self._wait(action, timeout_s)
            waiting.over = found.is_over
        return found

    def _wait(self, action: Which, timeout_s: float | None) -> Action:
        until, found, heard = moment(timeout_s), None, time.monotonic()
        while True:
            asked = time.monotonic()
            try:
                found = Action.of(self.call(_calls.get(action, poll_s(until) if found else 0), until=until))
                heard = time.monotonic()
            except (ApiError, Unreachable) as error:
                if found is None or (left_s(until) > 0 and not _comes_back(error, heard)):
                    raise
                if left_s(until) <= 0:
                    raise NotDecidedInTime(found) from error
            if found.next != "wait":
                return found
            if left_s(until) <= 0:
                raise NotDecidedInTime(found)
            time.sleep(rest_s(asked, until))

    def claim(self, action: Which, *, key: str = "") -> Claim:
        """Leave to act, once. Raises Conflict when it must not be done (any more)."""
        with waiting_for(action):
            return self._claim(action, key)

    def _claim(self, action: Which, key: str = "") -> Claim:
        return Claim.of(self.call(_calls.claim(action, key or str(uuid4()))))

    def approval(self, action: Which, *, timeout_s: float | None = None) -> Claim:
        """Wait, then claim. Raises NotApproved; AlreadyDone, AlreadyFailed, OutcomeUnknown when the leave was taken before; NotDecidedInTime, Conflict."""
        with waiting_for(action):
            return self._approval(action, timeout_s)

    def _approval(self, action: Which, timeout_s: float | None) -> Claim:
        """`approval` for whoever says themselves what came of it (`waiting_for`)."""
        while True:
            found = self._wait(action, timeout_s)
            if refusal := _calls.no_leave(found):
                raise refusal
            try:
                return self._claim(action)
            except Conflict as error:
                if error.code == _calls.OVERTAKEN:  # this very claim had it, its answer was lost, and an order came: it was not begun
                    self._report(action, "failed", reason=str(error))
                # Asked again, or somebody else was faster (two starts at once): what it is now says what to do.
                elif error.code not in _calls.ASKED_AGAIN and self.get(action).next == "claim":
                    raise

    def report(self, action: Which, status: str, *, result: Mapping[str, Any] | None = None, reason: str = "") -> Action:
        """What came of it: "done", "failed" (nothing was done) or "unknown"."""
        with waiting_for(action) as waiting:
            said = self._report(action, status, result=result, reason=reason)
            waiting.over = status == "done"
        return said

    def _report(self, action: Which, status: str, *, result: Mapping[str, Any] | None = None, reason: str = "") -> Action:
        """`report` for whoever says themselves whether the call is over."""
        return Action.of(self.call(_calls.report(action, status, result, reason)))

    def withdraw(self, action: Which, reason: str) -> Action:
        return Action.of(self.call(_calls.withdraw(action, reason)))

    def decide(
        self, action: Which, verdict: str, digest: str, *, reason: str = "", response: str = "", as_json: bool = False, key: str = ""
    ) -> dict[str, Any]:
        """A person's verdict on the version with this digest (a person's token).

        Args:
            as_json: `response` is JSON, and a run is given its value: "false" is a no. Otherwise it is a text, and "false" is one that counts as
                true (unless the agent said what kind of answer it takes). Only for the answer to a question.
        """
        found: dict[str, Any] = self.call(_calls.decide(action, verdict, digest, reason, response, as_json, key or str(uuid4())))
        return found

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Everything of a list, page after page: `items("/actions", state="PENDING")`."""
        cursor = ""
        while cursor is not None:
            page = self.call(Call("GET", path, query={**query, "cursor": cursor}))
            yield from page["items"]
            cursor = page["next"]

    def progress(self, run: str) -> Iterator[dict[str, Any]]:
        """What happens in a run, as it happens, until it has ended. A server that answered before may be away meanwhile, as for `wait`."""
        story, heard = Story(), 0.0
        while True:
            try:
                page = self.call(_calls.events(run, story.after))
            except (ApiError, Unreachable) as error:
                if not heard or not _comes_back(error, heard):
                    raise
                time.sleep(LEAST_S)
                continue
            heard = time.monotonic()
            fresh = story.fresh(page["events"])
            yield from fresh
            if page["finished"]:
                return
            time.sleep(0 if fresh else 0.5)

    def call(self, call: Call, *, until: float | None = None) -> Any:
        """Send one call; what may be sent again is, when nobody answers, until then (by `time.monotonic`). Raises ApiError, Unreachable."""
        sent = False
        for attempt in range(TRIES):
            pause, last = FIRST_PAUSE_S * 2**attempt, attempt == TRIES - 1 or left_s(until) <= 0
            try:
                answer = self._http.request(
                    call.method,
                    call.path,
                    json=call.body,
                    params=call.query,
                    headers=call.headers,
                    timeout=patience(self._http.timeout, until),
                )
            except httpx.RequestError as error:
                sent = sent or not isinstance(error, NEVER_SENT)
                _again_or(call, error, sent=sent, last=last or left_s(until) <= 0)
            else:
                sent = True
                if answer.status_code not in _calls.COME_AGAIN or last or not call.repeatable:
                    return _calls.value(answer)
                pause = max(pause, _calls.asked_to_wait(answer))
            time.sleep(min(pause, max(0.0, left_s(until))))
        raise AssertionError("unreachable")


class AsyncClient:
    """The same for programs that await."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, timeout_s: float = 10, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._connections = _Own(partial(httpx.AsyncClient, **_settings(url, key, timeout_s), transport=transport))

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    @property
    def _http(self) -> httpx.AsyncClient:
        return self._connections.here()

    async def request(self, tool: str, args: Mapping[str, Any], *, key: str = "", **more: Any) -> Action:
        async def propose(key: str, body: Body, known: int | None) -> Action:
            return Action.of(await self.call(_calls.propose(tool, body.args, key, body.more, known)))

        body = Body(args, more)
        return await (propose(key, body, None) if key else under_key_async(tool, body, propose, self.known))

    async def ask(self, question: str, *, key: str = "", **more: Any) -> Action:
        return await self.request("ask_human", {"question": question}, key=key, kind="question", **more)

    async def known(self, begin: str) -> dict[str, Known]:
        found: dict[str, Known] = {}
        after: str | None = ""
        while after is not None:
            page = await self.call(_calls.known(begin, after))
            found, after = found | _calls.known_of(page), page["next"]
        return found

    async def get(self, action: Which, *, wait_s: int = 0) -> Action:
        return Action.of(await self.call(_calls.get(action, wait_s)))

    async def wait(self, action: Which, *, timeout_s: float | None = None) -> Action:
        with waiting_for(action) as waiting:
            found = await self._wait(action, timeout_s)
            waiting.over = found.is_over
        return found

    async def _wait(self, action: Which, timeout_s: float | None) -> Action:
        until, found, heard = moment(timeout_s), None, time.monotonic()
        while True:
            asked = time.monotonic()
            try:
                found = Action.of(await self.call(_calls.get(action, poll_s(until) if found else 0), until=until))
                heard = time.monotonic()
            except (ApiError, Unreachable) as error:
                if found is None or (left_s(until) > 0 and not _comes_back(error, heard)):
                    raise
                if left_s(until) <= 0:
                    raise NotDecidedInTime(found) from error
            if found.next != "wait":
                return found
            if left_s(until) <= 0:
                raise NotDecidedInTime(found)
            await asyncio.sleep(rest_s(asked, until))

    async def claim(self, action: Which, *, key: str = "") -> Claim:
        with waiting_for(action):
            return await self._claim(action, key)

    async def _claim(self, action: Which, key: str = "") -> Claim:
        return Claim.of(await self.call(_calls.claim(action, key or str(uuid4()))))

    async def approval(self, action: Which, *, timeout_s: float | None = None) -> Claim:
        with waiting_for(action):
            return await self._approval(action, timeout_s)

    async def _approval(self, action: Which, timeout_s: float | None) -> Claim:
        """`approval` for whoever says themselves what came of it (`waiting_for`)."""
        while True:
            found = await self._wait(action, timeout_s)
            if refusal := _calls.no_leave(found):
                raise refusal
            try:
                return await self._taken(action)
            except Conflict as error:
                if error.code == _calls.OVERTAKEN:
                    await self._report(action, "failed", reason=str(error))
                elif error.code not in _calls.ASKED_AGAIN and (await self.get(action)).next == "claim":
                    raise

    async def _taken(self, action: Which) -> Claim:
        """Claim to the end: one whose answer is not waited for would be a leave that nobody has and nobody reports.

        Who is cancelled by asyncio meanwhile never has it in hand: it is reported as failed, for nothing was done.
        """
        leave: list[Claim] = []

        async def take() -> None:
            leave.append(await self._claim(action))  # a task of its own: `approval` says when it may be made again

        async def give_up() -> None:
            try:
                await self.report(action, "failed", reason="Its caller gave up before it was begun")
            except CountersignError as lost:
                log.warning("Leave for %s was taken and not used, which could not be reported: %s", action, lost)

        try:
            await to_the_end(take)
        except asyncio.CancelledError:
            if leave:
                await to_the_end(give_up)
            raise
        return leave[0]

    async def report(self, action: Which, status: str, *, result: Mapping[str, Any] | None = None, reason: str = "") -> Action:
        with waiting_for(action) as waiting:
            said = await self._report(action, status, result=result, reason=reason)
            waiting.over = status == "done"
        return said

    async def _report(self, action: Which, status: str, *, result: Mapping[str, Any] | None = None, reason: str = "") -> Action:
        return Action.of(await self.call(_calls.report(action, status, result, reason)))

    async def withdraw(self, action: Which, reason: str) -> Action:
        return Action.of(await self.call(_calls.withdraw(action, reason)))

    async def decide(
        self, action: Which, verdict: str, digest: str, *, reason: str = "", response: str = "", as_json: bool = False, key: str = ""
    ) -> dict[str, Any]:
        found: dict[str, Any] = await self.call(_calls.decide(action, verdict, digest, reason, response, as_json, key or str(uuid4())))
        return found

    async def items(self, path: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        while cursor is not None:
            page = await self.call(Call("GET", path, query={**query, "cursor": cursor}))
            for item in page["items"]:
                yield item
            cursor = page["next"]

    async def progress(self, run: str) -> AsyncIterator[dict[str, Any]]:
        story, heard = Story(), 0.0
        while True:
            try:
                page = await self.call(_calls.events(run, story.after))
            except (ApiError, Unreachable) as error:
                if not heard or not _comes_back(error, heard):
                    raise
                await asyncio.sleep(LEAST_S)
                continue
            heard = time.monotonic()
            fresh = story.fresh(page["events"])
            for event in fresh:
                yield event
            if page["finished"]:
                return
            await asyncio.sleep(0 if fresh else 0.5)

    async def call(self, call: Call, *, until: float | None = None) -> Any:
        sent = False
        for attempt in range(TRIES):
            pause, last = FIRST_PAUSE_S * 2**attempt, attempt == TRIES - 1 or left_s(until) <= 0
            try:
                answer = await self._http.request(
                    call.method,
                    call.path,
                    json=call.body,
                    params=call.query,
                    headers=call.headers,
                    timeout=patience(self._http.timeout, until),
                )
            except httpx.RequestError as error:
                sent = sent or not isinstance(error, NEVER_SENT)
                _again_or(call, error, sent=sent, last=last or left_s(until) <= 0)
            else:
                sent = True
                if answer.status_code not in _calls.COME_AGAIN or last or not call.repeatable:
                    return _calls.value(answer)
                pause = max(pause, _calls.asked_to_wait(answer))
            await asyncio.sleep(min(pause, max(0.0, left_s(until))))
        raise AssertionError("unreachable")


def _comes_back(error: ApiError | Unreachable, heard: float) -> bool:
    """Whether a server that was there is only being started again, or out of reach: people take hours, and who waits for them has time."""
    away = isinstance(error, Unreachable) or error.status in _calls.COME_AGAIN
    return away and time.monotonic() - heard < AWAY_S


def _again_or(call: Call, error: httpx.RequestError, *, sent: bool, last: bool) -> None:
    """Nothing when the call may be sent again. Raises Unreachable, which says whether one of its tries may have been carried out."""
    if call.repeatable and not last:
        return
    what, why = f"{call.method} {call.path}", f"{type(error).__name__}: {error}"
    if call.method == "GET" or not sent:
        raise Unreachable(f"Nobody answers {what}: {why}") from error
    key = call.headers.get("Idempotency-Key", "")
    once = f", or ask with the same idempotency key (`--once` of `runs start`), then it is done once: {key}" if key else ""
    raise Unreachable(
        f"{what} was sent, and nobody says what became of it ({why}). It may have been done: look before you ask again{once}"
    ) from error
