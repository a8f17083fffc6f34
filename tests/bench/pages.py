"""(e) What a person waits for with 10,000 actions pending and 1,000,000 events in the log."""

import random
import time
from dataclasses import dataclass

from approvals import queries
from approvals.models import Action
from tests.bench import bulk
from tests.bench.cast import Reviewer
from tests.bench.client import Browser
from tests.bench.numbers import Spread, spread
from tests.bench.stack import Stack

AUDIT_PAGES = ("/audit/", "/audit/?kind=action.settled", "/audit/?agent=agent-3", "/audit/?kind=decision.")


@dataclass(frozen=True)
class Pages:
    """Milliseconds of whole requests; the last answers' sizes in kB tell what was really sent."""

    pending: int
    events: int
    fill_s: float
    inbox: Spread
    action: Spread
    audit: Spread
    decide: Spread
    kilobytes: dict[str, float]


def measure(stack: Stack, reviewer: Reviewer, *, pending: int, events: int, requests: int) -> Pages:
    began = time.monotonic()
    waiting = bulk.pending(pending)
    told = bulk.events(events)
    fill_s = time.monotonic() - began
    browser = Browser(stack.options.port, reviewer)
    chosen = random.Random(7).sample(waiting, 2 * requests)
    sizes: dict[str, float] = {}

    def load(name: str, path: str) -> float:
        before = time.monotonic()
        status, body = browser.get(path)
        took = time.monotonic() - before
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {body[:300]!r}")
        sizes[name] = round(len(body) / 1000, 1)
        return took

    def decide(action: Action) -> float:
        shown = queries.shown(action.pk)
        typed = shown.confirm if shown and action.level == "critical" else ""
        sent, answered = browser.decide(str(action.pk), action.digest, typed=typed, as_fragment=True)
        return answered - sent

    for _ in range(5):  # templates are compiled by the first of each
        load("inbox", "/inbox/"), load("action", f"/actions/{chosen[0].pk}/"), load("audit", "/audit/")
    return Pages(
        pending=len(waiting),
        events=told,
        fill_s=round(fill_s, 1),
        inbox=spread(load("inbox", "/inbox/") for _ in range(requests)),
        action=spread(load("action", f"/actions/{action.pk}/") for action in chosen[:requests]),
        audit=spread(load("audit", AUDIT_PAGES[i % len(AUDIT_PAGES)]) for i in range(requests)),
        decide=spread(decide(action) for action in chosen[requests:]),
        kilobytes=sizes,
    )
