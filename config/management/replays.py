"""`manage.py runs replay` and `compare`: runs driven again from their records, and two runs side by side; where they come out otherwise."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import CommandError

from agents import operations, queries
from agents.compared import both, compare_runs
from agents.errors import AgentError, WrongState
from agents.operations.replaying import Replayed
from audit import canonical


def add_arguments(parser: Any) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="runs; or a number of the last ones with --last")
    parser.add_argument("--last", type=int, metavar="N", help="the last N runs that have ended")
    parser.add_argument("--agent", default="", help="with --last: of this agent")
    parser.add_argument(
        "--answer", action="append", default=[], metavar="ACTION=JSON", help="what the tool of this action gives back instead"
    )


def replay(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Replay them, a line each.

    Raises:
        CommandError: one came out otherwise, or one that was named cannot be replayed (exit 1), after all were tried.
    """
    instead = dict(answer_of(text) for text in options["answer"])
    equal = refused = other = 0
    for run_id in _which(options):
        try:
            done = operations.replay_run(run_id, instead=instead)
        except WrongState as error:
            refused += 1
            write(f"{run_id}  not replayed: {error.message}")
            continue
        equal, other = equal + (done.difference is None), other + (done.difference is not None)
        write(f"{run_id}  {_said(done)}")
    write(f"{equal} equal, {other} otherwise" + (f", {refused} not replayed" if refused else ""))
    if other:
        raise CommandError("Not every run came out as it was recorded")
    if refused and options["runs"]:
        raise CommandError("Not every run that was named could be replayed")


def _which(options: dict[str, Any]) -> Iterator[str]:
    if bool(options["runs"]) == bool(options["last"]):
        raise CommandError("Name the runs to replay, or say --last N")
    yield from map(queries.run_id, options["runs"])
    left, cursor = options["last"] or 0, ""
    while left > 0:
        page = queries.runs(agent=options["agent"], cursor=cursor)
        for row in page.rows:
            if row.finished_at and left > 0:
                left -= 1
                yield row.id
        cursor = page.next
        if not cursor:
            return


def answer_of(text: str) -> tuple[str, Any]:
    """What `--answer` says."""
    action, equals, value = text.partition("=")
    try:
        return queries.run_id(action), canonical.parse(value.encode()) if equals else None
    except (canonical.NotCanonical, AgentError) as error:
        raise CommandError(f"--answer {text[:60]}: give it as ACTION=JSON ({error})") from error


def _said(done: Replayed) -> str:
    moved = f" (recorded under {done.version_then}, replayed by {done.version})" if done.version_then not in {"", done.version} else ""
    found = done.difference
    if found is None:
        return f"equal, {done.steps} steps{moved}"
    where = f"otherwise at step {found.step}, {', '.join(found.nodes) or 'the beginning'}{moved}"
    sides = [f"  recorded {_text(found.recorded)}", f"  replayed {_text(found.replayed)}"]
    return "\n".join([f"{where}: {found.path or found.why}", *sides, *([f"  {found.why}"] if found.path and found.why else [])])


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:300]}..."


def compare(run: str, other: str, write: Callable[[str], object]) -> None:
    """Say where two runs differ, place by place."""
    found = compare_runs(*both(queries.run_id(run), queries.run_id(other)))
    for row in found.differing:
        where = f"{row.node}, {'call' if row.call else 'visit'} {row.visit}"
        if row.left is None or row.right is None:
            write(f"{where}: only in the {'first' if row.left else 'second'}")
            continue
        for part in row.differing:
            write(f"{where}: {part}\n  - {_text(row.left.parts[part])}\n  + {_text(row.right.parts[part])}")
    write(f"{len(found.differing)} differ, {len(found.rows) - len(found.differing)} are the same")
