"""(h) Slack: how long a press waits for its acknowledgement, alone and under load; how much later its run goes on than after the page.

In a process and on a stack of its own, with a workspace connected: cards are posted and updated to the Slack of `tests/slack` meanwhile, as
in life. Presses and the page's decisions take turns, so that both meet the same machine.
"""

import http.client
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import stack
from tests.bench.numbers import Spread, spread
from tests.bench.report import plain
from tests.slack.gestures import Answer, Gestures
from tests.slack.server import SlackServer
from tests.slack.world import World

USER, CHANNEL, TEAM = "U0MEI", "C0AI", "T0HOME"
# The bench would wait a second for each card: in its own database, and nowhere else, a channel takes messages as fast as they come.
_UNPACED = """
CREATE FUNCTION bench_unpaced() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN NEW.post_at := clock_timestamp(); NEW.update_at := clock_timestamp(); RETURN NEW; END$$;
CREATE TRIGGER bench_unpaced BEFORE UPDATE ON approvals_slackchannel FOR EACH ROW EXECUTE FUNCTION bench_unpaced();
"""
SHOWN = "\nslack:\n  channels:\n    - {channel: C0AI}\n  show:\n    - {tools: [note], fields: [number, text]}\n"
TIMEOUT_S = 30


@dataclass(frozen=True)
class Chat:
    """Milliseconds. `later`: how much longer from sending the decision to the next step, Slack against the page, by percentile."""

    ack: Spread
    ack_loaded: Spread
    slack_to_step: Spread
    page_to_step: Spread
    later: dict[str, float]
    in_flight: int


def measure(*, few: bool) -> dict[str, Any]:
    """Run it in a process of its own: Django can be set up on one database only."""
    done = stack.python("-m", "tests.bench.chat", "quick" if few else "")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


class Presser:
    """Somebody at Slack, who decides by a button; with the bench's `Browser.decide`, so that one cycle serves both."""

    def __init__(self, world: World, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._hands = Gestures(world, self._deliver)
        self._world = world
        self.acks: list[float] = []

    def decide(self, action_id: str, digest: str) -> tuple[float, float]:
        """Press Approve on the card, once it is in the channel; the moments it was sent and answered."""
        ts = self._card(action_id)
        began = time.time()
        answer = self._hands.press(USER, CHANNEL, ts, "approve")
        ended = time.time()
        if answer.status != 200:
            raise RuntimeError(f"the press on {action_id} was answered {answer.status}")
        self.acks.append(ended - began)
        return began, ended

    def _card(self, action_id: str) -> str:
        """Its message, as soon as the product knows that it was posted."""
        from approvals.models import SlackMessage

        until = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until:
            posted = SlackMessage.objects.filter(action_id=action_id, kind=SlackMessage.Kind.CARD, state="SENT").exclude(ts="")
            if ts := posted.values_list("ts", flat=True).first():
                return str(ts)
            time.sleep(0.02)
        raise TimeoutError(f"no card of {action_id} was posted within {TIMEOUT_S} s")

    def _deliver(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._connection.request("POST", path, body, dict(headers))
        answer = self._connection.getresponse()
        answer.read()
        return Answer(answer.status, {})


def main(few: bool) -> Chat:
    folder = stack.ROOT / "var" / f"bench-slack-{os.getpid()}"
    folder.mkdir(parents=True)
    server = SlackServer(World())
    server.serve()
    try:
        os.environ.update(_settings(server, folder))
        with stack.running(folder / "stack") as running:
            return _measured(running, server.world, few)
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def _settings(server: SlackServer, folder: Path) -> dict[str, str]:
    policy = folder / "policy.yaml"
    policy.write_text((stack.ROOT / "approvals/policy/policy.yaml").read_text(encoding="utf-8") + SHOWN, encoding="utf-8")
    return {
        "COUNTERSIGN_POLICY": str(policy),
        "SLACK_API_URL": server.api,
        "SLACK_SIGNING_SECRET": server.world.signing_secret,
        "SLACK_APP_TOKEN": "",
        "SLACK_CHANNEL": CHANNEL,
    }


def _measured(running: stack.Stack, world: World, few: bool) -> Chat:
    import django

    django.setup()
    from django.db import connection

    from approvals.operations import slack_installs, slack_people
    from tests.bench import cast, cycles
    from tests.bench.client import Browser, Ears

    cast.agent()
    reviewer = cast.reviewer()
    slack_installs.install(slack_installs.Installed(TEAM, "Bench", "U0HOMEBOT", "xoxb-home"), by=None, door="cli")
    slack_people.link(slack_people.make_code(by=reviewer.user), identity=slack_people.Identity("", TEAM, USER))
    with connection.cursor() as cursor:
        cursor.execute(_UNPACED)
    port, ears = running.options.port, Ears(running.options.port, reviewer)
    presser, browser = Presser(world, port), Browser(port, reviewer)
    for _ in range(8):
        cycles.cycle(reviewer, ears, browser)
        cycles.cycle(reviewer, ears, presser)
    presser.acks.clear()
    pairs = [(cycles.cycle(reviewer, ears, browser), cycles.cycle(reviewer, ears, presser)) for _ in range(40 if few else 150)]
    page, slack = ([c.stepped - c.sent for c in side] for side in zip(*pairs, strict=True))
    acks, (loaded, at_once) = list(presser.acks), _loaded(world, port, reviewer, ears, cycles, 80 if few else 400)
    ears.close()
    one, other = spread(page), spread(slack)
    later = {name: round(getattr(other, name) - getattr(one, name), 2) for name in ("p50", "p95")}
    return Chat(spread(acks), spread(loaded), other, one, later, at_once)


def _loaded(world: World, port: int, reviewer: Any, ears: Any, cycles: Any, count: int, at_once: int = 8) -> tuple[list[float], int]:
    """Acknowledgements while so many cycles are in flight."""
    from django.db import connections

    todo, lock, acks = iter(range(count)), threading.Lock(), []

    def work() -> None:
        mine = Presser(world, port)
        try:
            while True:
                with lock:
                    if next(todo, None) is None:
                        return
                cycles.cycle(reviewer, ears, mine)
        finally:
            with lock:
                acks.extend(mine.acks)
            connections.close_all()

    with ThreadPoolExecutor(at_once) as pool:
        for future in [pool.submit(work) for _ in range(at_once)]:
            future.result()
    return acks, at_once


if __name__ == "__main__":
    print(json.dumps(plain(main(sys.argv[1:] == ["quick"]))))
