"""`manage.py runs start|list|show|checkpoints|pause|step|go-on|budget|rewind|restart|edit|skip|compare|cancel|retry|reverse|reversal|replay|fork|resolve`: runs from the command line, one or a file of them."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import budgeted, compensated, operations, overview, queries
from agents.errors import AgentError
from agents.states import UNFINISHED, RunState
from approvals import queries as approvals_queries
from approvals.covering import version_name
from approvals.queries.stops import halted
from approvals.queries.untold import untold
from audit import canonical
from audit.spans import totals
from config import commands
from config.management import checkpoints, forks, overrides, replays
from config.management.commands import budgets

UNSUCCESSFUL = 5  # the exit status of a run that was waited for and did not succeed, as the client's command has it
BAR = 30


class Command(commands.ProductCommand):
    help = "Start, list, show, cancel or retry runs; say what became of a call whose outcome is unknown."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        _add_starting(verbs)
        _add_reading(verbs)
        _add_ending(verbs)
        replays.add_arguments(verbs.add_parser("replay", help="drive runs again from their records and compare; nothing acts"))
        forks.add_arguments(verbs.add_parser("fork", help="take a run on from a checkpoint with something different; nothing acts"))
        _add_pacing(verbs)
        overrides.add_arguments(verbs)
        _add_outcomes(verbs)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb'].replace('-', '_')}")(options)

    def _start(self, options: dict[str, Any]) -> None:
        by = commands.person(options)
        if (options["input"] is None) == (options["jsonl"] is None):
            raise CommandError("Give the input with --input JSON|@file|-, or many with --jsonl FILE")
        if options["jsonl"]:
            self._start_many(options, by)
            return
        run = operations.start_run(agent=options["agent"], input=commands.json_argument(options["input"]), by=by, door="cli")
        self.stdout.write(f"{run.pk}")
        if halted(agent=run.agent.slug, run=str(run.pk), version=version_name(run.agent.slug, run.version.number)):
            self.stderr.write("It is halted, and begins when it is released (manage.py halt --list)")
        if options["wait"]:
            self._wait(str(run.pk), options["wait"])

    def _start_many(self, options: dict[str, Any], by: Any) -> None:
        """One run a line. A line that cannot be used is named and left out; the others start."""
        lines = list(_lines(options["jsonl"]))
        refused = []
        for number, (at, text) in enumerate(lines, start=1):
            try:
                operations.start_run(agent=options["agent"], input=canonical.parse(text), by=by, door="cli")
            except canonical.NotCanonical as error:
                refused.append(f"line {at}: {error}")
            except AgentError as error:
                if error.status == 404:
                    raise
                refused.append(f"line {at}: {error.message}")
            self._bar(number, len(lines))
        self.stderr.write("")
        self.stdout.write(f"{len(lines) - len(refused)} runs started, {len(refused)} lines refused")
        if refused:
            raise CommandError("\n".join(refused))

    def _bar(self, done: int, total: int) -> None:
        if not self.stderr.isatty():
            return
        filled = BAR * done // max(1, total)
        self.stderr.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}", ending="")

    def _wait(self, run_id: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            row = queries.run_row(run_id)
            people = row is not None and row.state == "WAITING" and approvals_queries.unsettled_counts(run=run_id)["pending"]
            if row and (row.state not in UNFINISHED or people):
                break
            time.sleep(0.2)
        self._show({"run": run_id})
        if (ended := queries.run_row(run_id)) and ended.state not in {*UNFINISHED, RunState.SUCCEEDED}:
            sys.exit(UNSUCCESSFUL)

    def _list(self, options: dict[str, Any]) -> None:
        for r in queries.runs(
            agent=options["agent"], state=options["state"].upper() if options["state"] != "live" else "live", q=options["words"]
        ).rows:
            self.stdout.write(
                f"{r.id}  {r.state:<10} {r.agent:<16} {','.join(r.nodes):<16} {r.created_at:%Y-%m-%d %H:%M:%S} {r.started_by}"
            )

    def _show(self, options: dict[str, Any]) -> None:
        run = queries.run_detail(options["run"])
        self.stdout.write(f"{run.row.id}  {run.row.state}  {run.agent_title} v{run.version}  trace {run.trace}")
        self.stdout.write(f"  spent: {budgeted.spent_words(run.row.id)}; {totals(run.row.id).tools} tool calls")
        self.stdout.write(f"  driven: {_driven(run.driven_s, run.limit_s)}")
        if run.row.hold == "budget":
            self.stdout.write(f"  {run.row.held_why}; see: manage.py runs budget")
        for stop in approvals_queries.active_halts():
            if stop.covers(agent=run.row.agent, run=run.row.id, version=version_name(run.row.agent, run.version)):
                self.stdout.write(f"  halted by {stop.by}: {stop.reason}; nothing of it goes on until order {stop.id} is released")
        for effect in run.effects:
            self.stdout.write(
                f"  {effect.action_id}  {effect.tool:<20} {effect.state:<8} {commands.shown(effect.said or effect.error[:100])}"
            )
            if effect.was:
                self.stdout.write(f"    until then: {commands.shown(effect.was[:100])}")
        if found := compensated.reversal(run.row.id):
            self.stdout.write(f"  what it did is {'reversed' if found.ended_at else 'being reversed'} ({found.why}, {found.by})")
            for row in found.rows:
                call = f", call {row.contact}" if row.contact and row.state == "FAILED" else ""
                self.stdout.write(f"    {row.action_id}  {row.tool:<20} {row.state:<8} {row.error[:100]}{call}")
        for action in approvals_queries.run_actions(run.row.id):
            if action.state == "PENDING":
                self.stdout.write(f"  {action.id}  waits for people: {action.level} {action.score}, {action.summary}")
        if run.row.error:
            self.stdout.write(f"error: {run.row.error}")
        if run.output is not None:
            self.stdout.write(json.dumps(run.output, indent=2, ensure_ascii=False))

    def _checkpoints(self, options: dict[str, Any]) -> None:
        checkpoints.show(options, self.stdout.write)

    def _cancel(self, options: dict[str, Any]) -> None:
        run = operations.cancel_run(
            _uuid(options["run"]), reason=options["reason"], by=commands.person(options), door="cli", compensate=options["reverse"]
        )
        self.stdout.write(f"{run.pk} cancelled")

    def _retry(self, options: dict[str, Any]) -> None:
        run = operations.retry_run(_uuid(options["run"]), by=commands.person(options), door="cli")
        self.stdout.write(f"{run.pk} is ready again")

    def _pause(self, options: dict[str, Any]) -> None:
        self._hold(operations.pause_run, options)

    def _step(self, options: dict[str, Any]) -> None:
        self._hold(operations.step_run, options)

    def _go_on(self, options: dict[str, Any]) -> None:
        self._hold(operations.go_on, options)

    def _budget(self, options: dict[str, Any]) -> None:
        said = {name: options[name] for name in ("money", "tokens", "seconds", "reason")}
        run = operations.set_run_budget(_uuid(options["run"]), **said, by=commands.person(options), door="cli")
        found = budgeted.of_runs([str(run.pk)])[str(run.pk)]
        self.stdout.write(
            f"{run.pk} {run.state.lower()}: spent {found.words}; driven {_driven(queries.run_detail(str(run.pk)).driven_s, run.limit_s)}"
        )

    def _hold(self, order: Any, options: dict[str, Any]) -> None:
        run = order(_uuid(options["run"]), reason=options["reason"], by=commands.person(options), door="cli")
        wanted = {"pause": "pauses before its next step", "step": "takes one step", "": "goes on"}[run.hold]
        self.stdout.write(f"{run.pk} {run.state.lower()}: {'paused' if run.state == 'PAUSED' else wanted}")

    def _override(self, options: dict[str, Any]) -> None:
        overrides.order(options, self.stdout.write)

    def _answer(self, options: dict[str, Any]) -> None:
        overrides.answer(options, self.stdout.write)

    _rewind = _restart = _edit = _skip = _override

    def _ask_again(self, options: dict[str, Any]) -> None:
        run = operations.ask_again(_uuid(options["run"]), by=commands.person(options), door="cli")
        self.stdout.write(f"{run.pk} asks again")

    def _reverse(self, options: dict[str, Any]) -> None:
        order = operations.order_compensation(_uuid(options["run"]), reason=options["reason"], by=commands.person(options), door="cli")
        self.stdout.write(f"{order.run_id}: what it did is reversed, the last call first")

    def _reversal(self, options: dict[str, Any]) -> None:
        said = operations.try_again if options["what"] == "again" else operations.done_by_hand
        found = said(_uuid(options["action"]), reason=options["reason"], by=commands.person(options), door="cli")
        self.stdout.write(f"{found.pk}: {found.state.lower()}")

    def _compare(self, options: dict[str, Any]) -> None:
        replays.compare(options["run"], options["other"], self.stdout.write)

    def _replay(self, options: dict[str, Any]) -> None:
        replays.replay(options, self.stdout.write)

    def _fork(self, options: dict[str, Any]) -> None:
        forks.fork(options, self.stdout.write)

    def _unknown(self, options: dict[str, Any]) -> None:
        rows, _next = overview.unknown_page(limit=1_000)
        checks = overview.checks_of([row.action_id for row in rows])
        for row in rows:
            self.stdout.write(f"{row.action_id}  {row.tool:<20} begun {row.claimed_at:%Y-%m-%d %H:%M:%S}  {row.error[:100]}")
            for check in checks.get(row.action_id, [])[:1]:
                self.stdout.write(f"  the remote side: {check.answer or check.error or 'is being asked'}")
        outside = untold()
        for one in outside:
            said = "its agent outside reported that nobody knows" if one.ended else "its agent outside has reported nothing yet"
            self.stdout.write(f"{one.action_id}  {one.tool:<20} taken {one.claimed_at:%Y-%m-%d %H:%M:%S}  {said}")
        if not rows and not outside:
            self.stdout.write("Every outcome is known")

    def _check(self, options: dict[str, Any]) -> None:
        operations.ask_outcome(_uuid(options["action"]), by=commands.person(options), door="cli")
        self.stdout.write("A worker asks; see: manage.py runs unknown")

    def _resolve(self, options: dict[str, Any]) -> None:
        action, said = _uuid(options["action"]), {"reason": options["reason"], "by": commands.person(options), "door": "cli"}
        if options["outcome"] == "undo":
            effect = operations.resolve_undone(action, **said)
        else:
            effect = operations.resolve_unknown(
                action, done=options["outcome"] == "done", result=overrides.found_result(action, options), **said
            )
        self.stdout.write(f"{effect.pk}: {effect.state.lower()}")


def _uuid(text: str) -> str:
    return queries.run_id(text)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield number, line


def _add_starting(verbs: Any) -> None:
    start = verbs.add_parser("start", help="start a run, or one per line of a JSONL file")
    start.add_argument("agent")
    start.add_argument("--input", help="JSON, @file, or - for standard input")
    start.add_argument("--jsonl", type=Path, help="a file with one input a line: one run each")
    start.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="wait for the end or for people; ends with 5 where the run did not succeed"
    )
    commands.add_by(start)


def _add_reading(verbs: Any) -> None:
    listing = verbs.add_parser("list", help="newest first")
    listing.add_argument("--agent", default="")
    listing.add_argument("--state", default="")
    listing.add_argument("--words", default="", help="of its agent, thread, nodes or input, or how its id or trace begins")
    show = verbs.add_parser("show", help="one run: state, actions, effects, output")
    show.add_argument("run")
    listed = verbs.add_parser("checkpoints", help="what the graph wrote after each step, the newest first; two of them: how they differ")
    listed.add_argument("run")
    listed.add_argument("compare", nargs="*", metavar="CHECKPOINT", help="two ids, or their ends: show how the state differs")
    comparing = verbs.add_parser("compare", help="two runs by node and visit: what differs")
    comparing.add_argument("run")
    comparing.add_argument("other")


def _add_ending(verbs: Any) -> None:
    for verb, text in (
        ("cancel", "end a run"),
        ("retry", "take a failed run up again"),
        ("ask-again", "ask for another answer where a node could not use the one it got"),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("run")
        one.add_argument("--reason", default="")
        if verb == "cancel":
            one.add_argument(
                "--reverse", action=argparse.BooleanOptionalAction, help="whether what it did is reversed; else as its agent declares"
            )
        commands.add_by(one)
    reverse = verbs.add_parser("reverse", help="have what an ended run did reversed, the last call first")
    reverse.add_argument("run")
    reverse.add_argument("--reason", required=True)
    commands.add_by(reverse)
    reversal = verbs.add_parser("reversal", help="see to a call that could not be reversed")
    reversal.add_argument("action")
    reversal.add_argument("what", choices=["again", "by-hand"])
    reversal.add_argument("--reason", required=True)
    commands.add_by(reversal)


def _add_pacing(verbs: Any) -> None:
    for verb, text in (
        ("pause", "let a run take no further step; people still decide"),
        ("step", "let a paused run take one step"),
        ("go-on", "let a paused run go on"),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("run")
        one.add_argument("--reason", required=True)
        commands.add_by(one)
    budget = verbs.add_parser("budget", help="raise, lower or lift what a run may spend; one paused for that goes on if something is left")
    budget.add_argument("run")
    budgets.add_limits(budget)
    budget.add_argument("--reason", required=True)
    commands.add_by(budget)


def _add_outcomes(verbs: Any) -> None:
    verbs.add_parser("unknown", help="list calls of unknown outcome, the oldest first, with what the remote side said")
    check = verbs.add_parser("check", help="have a worker ask the remote side what became of a call")
    check.add_argument("action")
    commands.add_by(check)
    resolve = verbs.add_parser(
        "resolve", help="say whether a call of unknown outcome was done; undo: it was, and its run is cancelled and reversed"
    )
    resolve.add_argument("action")
    resolve.add_argument("outcome", choices=["done", "not-done", "undo"])
    resolve.add_argument("--reason", required=True)
    resolve.add_argument("--result", help="where it was done, what it gave back: an object; JSON, @file, or -")
    resolve.add_argument("--anyway", action="store_true", help="though the result lacks what every result of the tool had until now")
    commands.add_by(resolve)


def _driven(seconds: float, limit_s: int) -> str:
    return f"{seconds:.1f} s" + (f" of {limit_s} s" if limit_s else ", no limit")
