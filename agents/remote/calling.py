"""One Agent Server over HTTP. No redirects are followed, no answer is read without a bound, nothing is tried twice.

Whether a request may have been acted on although no answer came (`ServerTrouble.sent`) decides whether it may be sent again.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar, cast

import httpx
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import APIStatusError

from agents.errors import ServerTrouble
from agents.remote.reading import (
    Assistant,
    Standing,
    Unreadable,
    Waiting,
    assistant_of,
    lacking,
    standing_of,
    waiting_of,
    went_on_before,
)
from audit.sentences import say

_T = TypeVar("_T")
CONNECT_S, ANSWER_S = 5, 20
LARGEST = 16_000_000  # bytes of one answer
PAGE, MOST_THREADS, MOST_ASSISTANTS = 100, 1_000, 200
MARK = "countersign_answer"  # in the metadata of runs we begin there: which answer it carries
# The switch of LangGraph itself. Servers pass it on to the graph; those that have it as a field of a run read that instead.
_STRICT = {"configurable": {"__pregel_strict_resume": True}}
ACTIVE = ("pending", "running")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


@contextmanager
def connected(url: str, headers: Mapping[str, str]) -> Iterator["Connection"]:
    """A connection to one server, for one look or one delivery. Keys of this process's environment are not taken for the server's."""
    timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    with httpx.Client(
        base_url=url,
        headers=dict(headers),
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        transport=_Bounded(verify=_trusted()),
        event_hooks={"response": [_no_redirect]},
    ) as client:
        yield Connection(url, SyncLangGraphClient(client))


class Connection:
    """What we ask of a server. Every method raises ServerTrouble."""

    def __init__(self, url: str, client: SyncLangGraphClient) -> None:
        self._url, self._client = url, client

    def version(self) -> str:
        found = self._ask(lambda: self._client.http.get("/info"))
        return str(found.get("version", ""))[:60] if isinstance(found, dict) else ""

    def assistants(self) -> list[Assistant]:
        found = self._ask(lambda: self._client.assistants.search(limit=MOST_ASSISTANTS), list)
        return [self._read(assistant_of, one, self._drawing(one)) for one in found]

    def interrupted(self) -> tuple[list[Waiting], bool]:
        """Threads that wait, those that changed last first, and whether these are all."""
        found: list[Waiting] = []
        for offset in range(0, MOST_THREADS, PAGE):
            page = self._ask(
                lambda offset=offset: self._client.threads.search(  # type: ignore[misc]  # bound now, called now
                    status="interrupted", limit=PAGE, offset=offset, sort_by="state_updated_at", sort_order="desc"
                ),
                list,
            )
            found += [self._read(waiting_of, one) for one in page]
            if len(page) < PAGE:
                return found, True
        return found, False

    def standing(self, thread: str) -> Standing:
        """Where a thread stands now."""
        row = self._of_thread(lambda: self._client.threads.get(thread), dict)
        state = self._of_thread(lambda: self._client.threads.get_state(thread), dict)
        return self._read(standing_of, row, state)

    def resume(self, thread: str, assistant: str, *, interrupt: str, value: Any, mark: str, hook: str) -> str:
        """Answer one interrupt, and no other: the id of the run that carries the answer. Refused while anything runs on the thread.

        How durable its steps are is left to the server, as any client of it would: asked for "sync", LangGraph fails in every graph
        that is compiled with `checkpointer=False` (see `agents.graphs.mends`), and what runs there is not ours to mend.
        """
        made = self._ask(
            lambda: self._client.runs.create(
                thread,
                assistant,
                command={"resume": {interrupt: value}},
                config=cast("Any", _STRICT),
                metadata={MARK: mark},
                multitask_strategy="reject",
                if_not_exists="reject",
                strict_resume=True,
                webhook=hook or None,
            ),
            dict,
        )
        return self._read(lambda run: str(run["run_id"]), made)

    def carrying(self, thread: str, mark: str) -> str:
        """The run that carries this answer, "" when there is none."""
        runs = self._ask(lambda: self._client.runs.list(thread, limit=PAGE), list)
        return self._read(lambda rows: next((str(r["run_id"]) for r in rows if (r.get("metadata") or {}).get(MARK) == mark), ""), runs)

    def status(self, thread: str, run: str) -> str:
        """How a run stands; "gone" when the server knows nothing of it any more, and lists the thread's runs without it."""
        try:
            return str(self._ask(lambda: self._client.runs.get(thread, run), dict).get("status", ""))
        except ServerTrouble as error:
            if error.answered != 404:
                raise
        runs = self._of_thread(lambda: self._client.runs.list(thread, limit=PAGE), list)
        return self._read(lambda rows: next((str(r["status"]) for r in rows if str(r["run_id"]) == run), "gone"), runs)

    def taken_by_another(self, thread: str, run: str, interrupt: str) -> bool:
        """Whether somebody else's run went on from where this was asked, and had been begun before ours: then ours found nothing to answer.

        False is no proof of the opposite: a server that was killed carries a run out once more, whose first try had been told.
        """
        states = self._ask(lambda: self._client.threads.get_history(thread, limit=PAGE), list)
        runs = self._ask(lambda: self._client.runs.list(thread, limit=PAGE), list)
        return self._read(went_on_before, states, runs, run, interrupt)

    def stop(self, thread: str) -> list[str]:
        """Cancel whatever runs on a thread; its checkpoints stay. The ids of what was cancelled."""
        runs = self._of_thread(lambda: self._client.runs.list(thread, limit=PAGE), list)
        active = self._read(lambda rows: [str(r["run_id"]) for r in rows if r.get("status") in ACTIVE], runs)
        for run in active:
            try:
                self._ask(lambda run=run: self._client.runs.cancel(thread, run, action="interrupt"))  # type: ignore[misc]  # as above
            except ServerTrouble as error:
                if error.answered not in {404, 409} or self.status(thread, run) in ACTIVE:  # else it ended in this very moment
                    raise
        return active

    def busy(self, assistant: str) -> list[str]:
        """Threads on which this assistant works now."""
        found = self._ask(lambda: self._client.threads.search(status="busy", metadata={"assistant_id": assistant}, limit=PAGE), list)
        return self._read(lambda rows: [str(r["thread_id"]) for r in rows], found)

    def _of_thread(self, call: Callable[[], Any], kind: type[Any]) -> Any:
        """A request about one thread. Raises ServerTrouble, which says what is gone where the server itself says so.

        Anything that stands at its address while it is being deployed answers 404 as well: so its own words are wanted, and another answer.
        """
        try:
            return self._ask(call, kind)
        except ServerTrouble as error:
            if error.answered == 404 and (lacks := lacking(error.detail)):
                self._ask(lambda: self._client.assistants.search(limit=1), list)
                error.lacks = lacks
            raise

    def _drawing(self, assistant: Any) -> Any:
        """The picture of its graph; a server that cannot draw it is still of use."""
        try:
            return self._ask(lambda: self._client.assistants.get_graph(str(assistant["assistant_id"]), xray=1), dict)
        except ServerTrouble as error:
            if not error.answered:
                raise
            return {}
        except (KeyError, TypeError):
            return {}

    def _ask(self, call: Callable[[], Any], kind: type[Any] = object) -> Any:
        """Make one request. Raises ServerTrouble."""
        try:
            found = call()
        except APIStatusError as error:
            status = error.response.status_code
            words = _answers(self._url, status, error.message)
            raise ServerTrouble(words, sent=status >= 500, answered=status, detail=_detail(error.response)) from error
        except _NEVER_SENT as error:
            raise ServerTrouble(say("%(url)s cannot be reached: %(why)s", url=self._url, why=_why(error)), sent=False) from error
        except _Redirected as error:
            words = say("%(url)s answers with a redirect, which is not followed: register the address it leads to", url=self._url)
            raise ServerTrouble(words, sent=False, answered=302) from error
        except httpx.HTTPError as error:
            raise ServerTrouble(say("%(url)s did not answer: %(why)s", url=self._url, why=_why(error)), sent=True) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self._nonsense() from error
        if not isinstance(found, kind):
            raise self._nonsense()
        return found

    def _read(self, reader: Callable[..., _T], *parts: Any) -> _T:
        try:
            return reader(*parts)
        except (Unreadable, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self._nonsense() from error

    def _nonsense(self) -> ServerTrouble:
        return ServerTrouble(say("%(url)s answers what no Agent Server answers: is the address right?", url=self._url), sent=True)


class _Redirected(httpx.HTTPError):
    """The server points elsewhere; the keys it was given are for nobody else."""


@cache
def _trusted() -> ssl.SSLContext:
    """Read once in a process: each look at a server would read all authorities again, thirty milliseconds of computing."""
    return httpx.create_ssl_context()


class _Bounded(httpx.HTTPTransport):
    """Reads no more of an answer than we want to hold."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.stream = _Counted(cast("httpx.SyncByteStream", response.stream))
        return response


class _Counted(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for part in self._stream:
            read += len(part)
            if read > LARGEST:
                raise httpx.ReadError(f"more than {LARGEST} bytes")
            yield part

    def close(self) -> None:
        self._stream.close()


def _no_redirect(response: httpx.Response) -> None:
    if 300 <= response.status_code < 400:
        raise _Redirected(str(response.status_code))


def _detail(response: httpx.Response) -> str:
    """What an Agent Server says beside a status; "" of anybody else's words."""
    try:
        found = response.json()
    except (ValueError, httpx.StreamError, RecursionError):
        return ""
    return str(found.get("detail") or "")[:500] if isinstance(found, dict) else ""


def _why(error: Exception) -> str:
    return f"{type(error).__name__}{f': {error}' if str(error) else ''}"[:200]


def _answers(url: str, status: int, words: str) -> str:
    if status in {401, 403}:
        return say("%(url)s does not let us in (%(status)s): register it again with --header and its key", url=url, status=status)
    return say("%(url)s answers %(status)s: %(words)s", url=url, status=status, words=" ".join(words.split())[:200])
