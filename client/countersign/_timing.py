"""How long a client waits: until when, for how long the server may hold a look, and how long to rest before the next."""

import time
from math import inf

import httpx

GRACE_S = 2.0  # for an answer that is on its way when the time is over
LEAST_S = 1.0  # between two looks
POLL_S = 50  # of one long poll; the server allows 60
AWAY_S = 600.0  # that a server which answered before may be away while people are waited for


def moment(timeout_s: float | None) -> float | None:
    """When that many seconds are over, by `time.monotonic`; None: never."""
    return None if timeout_s is None else time.monotonic() + timeout_s


def left_s(until: float | None) -> float:
    return inf if until is None else until - time.monotonic()


def poll_s(until: float | None) -> int:
    """Seconds the server may hold the next look."""
    return int(max(0.0, min(POLL_S, left_s(until))))


def rest_s(asked: float, until: float | None) -> float:
    """Seconds to the next look: some, where this one was answered at once, by a server or a proxy that holds nothing. The last look is when the time is over."""
    return max(0.0, min(LEAST_S, left_s(until))) if time.monotonic() - asked < LEAST_S else 0.0


def patience(usual: httpx.Timeout, until: float | None) -> httpx.Timeout:
    """How long one request may take: a server that says nothing is not waited for longer than people are."""
    if until is None or usual.read is None:
        return usual
    read = min(usual.read, max(0.0, left_s(until)) + GRACE_S)
    return httpx.Timeout(connect=min(usual.connect or read, read), read=read, write=usual.write, pool=usual.pool)
