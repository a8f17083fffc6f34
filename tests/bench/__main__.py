"""`python -m tests.bench [--only a,c] [--quick] [--profile]`: see the package's docstring."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import time
import traceback
from typing import Any

from tests.bench import report, stack
from tests.bench.report import plain

OUT = stack.ROOT / "var" / "bench.json"


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that everything is stopped and removed
    folder = stack.ROOT / "var" / f"bench-{os.getpid()}"
    found: dict[str, Any] = {}
    began, failed = time.monotonic(), False
    os.environ.setdefault("COUNTERSIGN_API_RATE", "1000000")  # one key makes all requests of (i)
    try:
        if options.only & set("abcdegi"):
            say("Starting the stack")
            with stack.running(folder / "stack") as running:
                measure(running, options, found)
        if "f" in options.only:
            say("(f) cold and warm start of make run")
            from tests.bench import starting

            found["start_s"] = plain(starting.measure(folder / "starts"))
        if "h" in options.only:
            say("(h) decisions in Slack")
            from tests.bench import chat

            found["chat"] = chat.measure(few=options.quick)
    except Exception:  # what was measured before it is still worth reading
        traceback.print_exc()
        failed = True
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "took_s": round(time.monotonic() - began)}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(report.figures(found), indent=1) + "\n", encoding="utf-8")
    print("\n" + report.table(found))
    print(f"\nWritten to {OUT.relative_to(stack.ROOT)}. Whatever else this machine does disturbs the figures: compare ratios of one run.")
    return int(failed)


def measure(running: stack.Stack, options: argparse.Namespace, found: dict[str, Any]) -> None:
    """The parts that need the stack, in the order in which they do not disturb each other."""
    import django

    django.setup()
    from tests.bench import cast, cycles, floor, outside, pages, policy

    cast.agent()
    reviewer = cast.reviewer()
    few = options.quick
    if options.only & set("ab"):
        say("(a, b) one governed run after the other")
        found["latency"] = plain(cycles.one_by_one(running, reviewer, cycles=60 if few else 300))
    if "d" in options.only:
        say("(d) the floor, before")
        floors = [floor.in_own_process(60 if few else 200)]
    if "c" in options.only:
        say("(c) several in flight")
        found["rate"] = plain(cycles.in_flight(running, reviewer, cycles=120 if few else 600, at_once=options.at_once))
    if "d" in options.only:
        say("(d) the floor, after")
        floors.append(floor.in_own_process(60 if few else 200))
        found["floor"] = plain(floor.mean(floors))
        found["floors"] = [plain(f) for f in floors]
    if options.only & set("cf"):
        found["memory"] = running.memory_mb()
    if "e" in options.only:
        say("(e) filling the tables")
        sizes = {"pending": 1_000, "events": 50_000, "requests": 30} if few else {"pending": 10_000, "events": 1_000_000, "requests": 100}
        found["pages"] = plain(pages.measure(running, reviewer, **sizes))
    if "i" in options.only:
        say("(i) programs over REST")
        sizes = {"pending": 1_000, "held": 50, "cycles": 30} if few else {"pending": 10_000, "held": 200, "cycles": 150}
        found["outside"] = plain(outside.measure(running, **sizes))
    if "g" in options.only:
        say("(g) a policy of 500 rules")
        found["policy"] = plain(policy.measure(1_000 if few else 10_000))


def say(text: str) -> None:
    print(f"{text} ...", flush=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the product on the embedded default.")
    parser.add_argument(
        "--only", type=_parts, default=_parts(os.environ.get("BENCH_ONLY", "abcdefghi")), help="parts, such as a,c (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="fewer measurements, smaller tables")
    parser.add_argument("--at-once", type=int, default=8, help="cycles in flight in (c)")
    return parser.parse_args(arguments)


def _parts(text: str) -> set[str]:
    parts = set(text.replace(",", "").replace(" ", "").lower())
    if not parts or parts - set("abcdefghi"):
        raise argparse.ArgumentTypeError("name parts from a to i, such as a,c")
    return parts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
