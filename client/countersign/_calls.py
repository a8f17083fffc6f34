"""What each call of the API is: method, path, body, and whether it may be sent again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from countersign.errors import AlreadyDone, AlreadyFailed, ApiError, Conflict, CountersignError, NotApproved, OutcomeUnknown, Unreachable
from countersign.values import Action, Known, Which, id_of

ELSEWHERE = "Something else than Countersign answers at this address (COUNTERSIGN_URL)"
# Worth another try: too many requests, and a server that is just being stopped or started again.
COME_AGAIN = frozenset({429, 500, 502, 503, 504})
MOST_PATIENCE_S = 60
# The claim was refused because the action went back to the people, or is held for a moment: wait on.
ASKED_AGAIN = frozenset({"reopened", "halted", "held"})
OVERTAKEN = "overtaken"  # leave that this very claim was given is void


@dataclass(frozen=True)
class Call:
    """One request. `repeatable`: the same again does nothing twice."""

    method: str
    path: str
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    repeatable: bool = True


def part(name: str) -> str:
    """A part of a path, whatever somebody typed for it: "../x?y" is an id that nothing has."""
    return quote(name, safe="") if name.strip(".") and "/" not in name else "%20"


def keyed(key: str) -> dict[str, str]:
    """The header of an idempotency key. Raises CountersignError for one that no header holds."""
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        raise CountersignError(f"An idempotency key is one line of plain ASCII, not {key[:60]!r}")
    return {"Idempotency-Key": key}


def propose(tool: str, args: Mapping[str, Any], key: str, more: Mapping[str, Any], known: int | None) -> Call:
    among = {} if known is None else {"among": {"begin": key.rpartition(":")[0] + ":", "known": known}}
    return Call("POST", "/actions", {"tool": tool, "args": dict(args), **among, **more}, headers=keyed(key))


def known(begin: str, after: str) -> Call:
    return Call("POST", "/actions/known", {"begin": begin, "after": after})


def known_of(found: Mapping[str, Any]) -> dict[str, Known]:
    return {one["key"]: Known(one["action"], one["args_sha256"]) for one in found["known"]}


def get(action: Which, wait_s: int) -> Call:
    return Call("GET", f"/actions/{part(id_of(action))}", query={"wait": wait_s} if wait_s else {})


def claim(action: Which, key: str) -> Call:
    return Call("POST", f"/actions/{part(id_of(action))}/claim", headers=keyed(key))


def report(action: Which, status: str, result: Mapping[str, Any] | None, reason: str) -> Call:
    return Call(
        "POST",
        f"/actions/{part(id_of(action))}/outcome",
        {"status": status, "result": dict(result) if result is not None else None, "reason": reason[:2_000]},
    )


def withdraw(action: Which, reason: str) -> Call:
    return Call("POST", f"/actions/{part(id_of(action))}/withdraw", {"reason": reason})


def decide(action: Which, verdict: str, digest: str, reason: str, response: str, as_json: bool, key: str) -> Call:
    body = {"verdict": verdict, "digest": digest, "reason": reason, "response": response, **({"as_json": True} if as_json else {})}
    return Call("POST", f"/actions/{part(id_of(action))}/decisions", body, headers=keyed(key))


def events(run: str, after: int) -> Call:
    return Call("GET", f"/runs/{part(run)}/events", query={"after": after})


def value(answer: httpx.Response) -> Any:
    """The JSON of an answer. Raises Conflict, ApiError; Unreachable when something else than Countersign answers."""
    if answer.is_success:
        return _object(answer) if answer.content else None
    if answer.is_redirect:
        raise Unreachable(
            f"{ELSEWHERE}: it sends on to {answer.headers.get('location', '')[:200]!r}. Give the address it sends on to, if you trust it"
        )
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        raise Unreachable(f"{ELSEWHERE}: HTTP {answer.status_code}, {answer.headers.get('content-type', 'nothing')[:100]}")
    kind = Conflict if answer.status_code == 409 else ApiError
    raise kind(answer.status_code, problem)


def asked_to_wait(answer: httpx.Response) -> int:
    """Seconds for which the server wants to be left alone, within reason; 0 when it does not say."""
    said = answer.headers.get("Retry-After", "")
    return min(int(said), MOST_PATIENCE_S) if said.isascii() and said.isdigit() and len(said) < 9 else 0


def _object(answer: httpx.Response) -> Any:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unreachable(f"{ELSEWHERE}: {answer.headers.get('content-type', 'nothing')[:100]} where an object of JSON is due")
    return found


def no_leave(found: Action) -> CountersignError | None:
    """Why there is no leave to act on this any more, and never will be; None while there may be."""
    if found.next in {"wait", "claim"}:
        return None
    if found.state != "APPROVED":
        return NotApproved(found)
    told = str((found.outcome or {}).get("status", ""))
    return {"done": AlreadyDone, "failed": AlreadyFailed}.get(told, OutcomeUnknown)(found)
