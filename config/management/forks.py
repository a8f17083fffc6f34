"""`manage.py runs fork`: a run taken on from a checkpoint with something different, beside it and with effects switched off.

With `--for-real` it is a run of its own instead, which workers drive and people are asked about like any other.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from agents import history, operations, queries
from agents.operations.branching import Branch
from agents.operations.trying import APPROVE, REJECT, Tried, Wanted, Would
from approvals.policy.reading import BadPolicy
from approvals.policy.rules import load
from config import commands
from config.management.overrides import one_of
from config.management.replays import add_instead, answer_of, check_answers, tools_of


def add_arguments(parser: Any) -> None:
    parser.add_argument("run")
    parser.add_argument("--from", dest="at", default="", metavar="CHECKPOINT", help="its id, or the end of it; else the run's first")
    parser.add_argument("--values", default="{}", help="other values of the state there: JSON, @file, or -")
    add_instead(parser)
    parser.add_argument("--assume", choices=[APPROVE, REJECT], default="", help="what the record does not know; else it stops there")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="assess what is asked by this policy")
    parser.add_argument("--model", default="", metavar="NAME", help="think with this model anew (any init_chat_model name), or `new`: with the agent's own where nothing is recorded")  # fmt: skip
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--for-real", action="store_true", help="begin a run of its own from there, which goes on and asks people anew")
    parser.add_argument("--reason", default="", help="why; with --for-real")
    parser.add_argument("--key", default="", help="with --for-real: the same key again is the same fork")
    parser.add_argument("--by", default="", metavar="USERNAME", help="with --for-real: as whom")


def fork(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Take it on, and say what it asked, what policy makes of that, and where it came to."""
    run = queries.run_detail(options["run"])
    values = commands.json_argument(options["values"])
    if not isinstance(values, dict):
        raise CommandError("The values are a JSON object: names of the state and what they hold")
    at = one_of(history.checkpoints(run.thread, limit=10_000).rows, options["at"]) if options["at"] else ""
    if options["for_real"]:
        _for_real(options, run.row.id, Branch(at, values), write)
        return
    models = {"": "recorded", "new": "new"}.get(options["model"], "anew")
    if models == "anew":
        settings.MODEL = options["model"]  # of this process, which ends with the command
    try:
        policy = load(options["policy"]) if options["policy"] else None
    except BadPolicy as error:
        raise CommandError(f"The policy cannot be used: {error}") from error
    instead = dict(answer_of(text) for text in options["answer"])
    check_answers(instead, [run.row.id])
    wanted = Wanted(at, values, instead, options["assume"], policy, models, tools_of(options["tool"]))
    done = operations.fork_run(run.row.id, wanted)
    if options["json"]:
        write(json.dumps(_plain(done), ensure_ascii=True, default=str, indent=2))
        return
    for line in _lines(done):
        write(line)


def _for_real(options: dict[str, Any], run: str, wanted: Branch, write: Callable[[str], object]) -> None:
    """Begin it, and say what its parent has done already: that stays done, and is asked about anew where it is proposed again."""
    if dry := [name for name in ("answer", "tool", "assume", "policy", "model", "json") if options[name]]:
        raise CommandError(f"--{dry[0]} is for a dry run: a fork for real asks people, calls tools and thinks as its agent does")
    if not options["reason"].strip():
        raise CommandError("Say why with --reason")
    by = commands.person(options)
    made = operations.branch_run(run, wanted, reason=options["reason"], by=by, door="cli", idempotency_key=options["key"] or None)
    write(f"{made.pk} goes on from {made.parent_checkpoint[-12:]} of {run}, for real: everything it wants done is asked anew")
    for effect in queries.run_detail(run).effects:
        if effect.state in {"CLAIMED", "DONE", "UNKNOWN", "COMPENSATED"}:
            write(f"  its parent: {effect.action_id}  {effect.tool:<20} {effect.state.lower()}")


def _lines(done: Tried) -> list[str]:
    lines = [f"{done.run} from {done.checkpoint[-12:]}, by {done.version}: a dry run, nothing acts"]
    lines += [_said(one) for one in done.asks]
    lines.append(f"{len(done.steps)} checkpoints; model answers: {done.models_recorded} recorded, {done.models_asked} new{_by(done)}")
    if done.unknown:
        lines.append(f"It stopped where the model is asked something new (--model new lets it answer): {_quoted(done.unknown[:200])}")
    lines.append(f"It came to: {done.end}" + (f", {_quoted(done.error[-300:])}" if done.error else ""))
    return [*lines, *(f"  {name}: {_quoted(value)}" for name, value in done.state.items() if name != "messages")]


def _by(done: Tried) -> str:
    """Which model answered: an agent may bring its own, whatever was named."""
    named = [name for name in done.models_named if name]
    return f", by {', '.join(commands.shown(name) for name in named)}" if named else ""


def _said(one: Would) -> str:
    asks = f"denied: {_quoted(one.denied)}" if one.denied else f"{one.level or '-'}, {one.people} to approve"
    then = f" (then {one.then})" if one.then and one.then != one.level else "" if one.then else " (not asked in the run)"
    today = f"; today nobody would be asked: {_quoted(one.today)}" if one.today else ""
    return f"  {one.node}: {one.tool} {_quoted(one.args)}\n    {asks}{then}; answer: {one.answer}{today}"


def _quoted(value: Any) -> str:
    """In ASCII, so that nothing of an agent's text acts on a terminal; cut."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 400 else f"{text[:400]}..."


def _plain(done: Tried) -> dict[str, Any]:
    return {**vars(done), "asks": [vars(one) for one in done.asks]}
