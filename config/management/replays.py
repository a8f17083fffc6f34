"""`manage.py runs replay` and `compare`: runs driven again from their records, and two runs side by side; where they come out otherwise."""

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import CommandError

from agents import operations, prices, queries
from agents.compared import Totals, both, compare_runs
from agents.errors import AgentError, UnknownRun, WrongState
from agents.operations.replaying import Replayed
from approvals import queries as approvals_queries
from audit import canonical
from config import commands


def add_arguments(parser: Any) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="runs; or a number of the last ones with --last")
    parser.add_argument("--last", type=_count, metavar="N", help="the last N runs that have ended")
    parser.add_argument("--agent", default="", help="with --last: of this agent")
    add_instead(parser)


def add_instead(parser: Any) -> None:
    """What tools give back in place of what they gave."""
    parser.add_argument(
        "--answer", action="append", default=[], metavar="ACTION=JSON", help="what the tool of this action gives back instead"
    )
    parser.add_argument(
        "--tool",
        action="append",
        default=[],
        metavar="NAME=IMPLEMENTATION",
        help="try this implementation, which the tool declares as what_if",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text[:20]} is not a number of runs, 1 or more")
    return int(text)


def replay(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Replay them, a line each.

    Raises:
        CommandError: one came out otherwise, or one that was named cannot be replayed (exit 1), after all were tried.
    """
    instead = dict(answer_of(text) for text in options["answer"])
    tools = tools_of(options["tool"])
    which = list(_which(options, list(dict.fromkeys(options["runs"]))))
    check_answers(instead, which)
    equal = refused = other = 0
    for run_id in which:
        try:
            done = operations.replay_run(queries.run_id(run_id), instead=instead, tools=tools)
        except (WrongState, UnknownRun) as error:
            refused += 1
            write(f"{commands.shown(run_id)}  not replayed: {error.message}")
            continue
        equal, other = equal + (done.difference is None), other + (done.difference is not None)
        write(f"{run_id}  {_said(done)}")
    write(f"{equal} equal, {other} otherwise" + (f", {refused} not replayed" if refused else ""))
    if other:
        raise CommandError("Not every run came out as it was recorded")
    if refused and (options["runs"] or not equal):
        raise CommandError("Not every run that was named could be replayed" if options["runs"] else "None of these runs could be replayed")


def check_answers(instead: dict[str, Any], runs: list[str]) -> None:
    """Raises CommandError: an answer is for an action that none of these runs asked for, and would change nothing."""
    asked: set[str] = set()
    for run in runs if instead else ():
        try:
            asked |= {action.id for action in approvals_queries.run_actions(queries.run_id(run))}
        except UnknownRun:  # said when its turn comes
            continue
    if lost := [action for action in instead if action not in asked]:
        raise CommandError(
            f"--answer {lost[0]}: no action of {'this run' if len(runs) == 1 else 'these runs'}; see: manage.py runs show RUN"
        )


def _which(options: dict[str, Any], named: list[str]) -> Iterator[str]:
    if bool(options["runs"]) == bool(options["last"]):
        raise CommandError("Name the runs to replay, or say --last N")
    yield from named
    if options["agent"]:
        queries.agent(options["agent"])  # a slip of the pen is no agent without runs
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


def tools_of(texts: list[str]) -> dict[str, str]:
    """What `--tool` says, by tool."""
    pairs = [text.partition("=") for text in texts]
    if wrong := next((text for text, (tool, _, name) in zip(texts, pairs, strict=True) if not tool or not name), None):
        raise CommandError(f"--tool {wrong[:60]}: give it as NAME=IMPLEMENTATION")
    if twice := next((tool for place, (tool, _, _) in enumerate(pairs) if tool in [one for one, _, _ in pairs[:place]]), None):
        raise CommandError(f"--tool {twice[:60]}: one implementation for each tool")
    return {tool: name for tool, _, name in pairs}


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
    if queries.run_id(run) == queries.run_id(other):
        raise CommandError("That is the same run twice: name two")
    sides = both(queries.run_id(run), queries.run_id(other))
    found = compare_runs(*sides)
    for name, side, totals in zip(("first ", "second"), sides, (found.left, found.right), strict=True):
        write(f"{name}  {side.row.id}  {_came_to(totals)}  {side.agent_title} v{side.version}")
    if sides[0].row.agent != sides[1].row.agent:
        write("They are of different agents: only what has the same name in both stands side by side")
    elif sides[0].row.input != sides[1].row.input and not sides[1].parent:
        write("They began with different inputs")
    for row in found.differing:
        where = f"{row.node}, {'call' if row.call else 'visit'} {row.visit}"
        if row.left is None or row.right is None:
            write(f"{where}: only in the {'first' if row.left else 'second'}")
            continue
        for part in row.differing:
            write(f"{where}: {part}\n  - {_text(row.left.parts[part])}\n  + {_text(row.right.parts[part])}")
    write(f"{len(found.differing)} differ, {len(found.rows) - len(found.differing)} are the same")


def _came_to(one: Totals) -> str:
    return f"{one.state:<10} {prices.money(one.micros)}, {one.tokens} tokens, {one.model_calls} model calls, {one.asked} asked of people"
