"""`manage.py policy load|show|diff|test|history|publish|withdraw`: policies from the command line. Needs only the database."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.queries import known_to_policies
from approvals.errors import InvalidPolicy
from approvals.operations import backtests, kept, policies, publishing
from approvals.policy import words
from approvals.policy.replay import Tally
from approvals.policy.rules import BadPolicy, text_of
from approvals.queries import past
from approvals.queries import policies as queries
from approvals.queries.policies import Version
from config import commands, trials

BAR = 30


class Command(commands.ProductCommand):
    help = "Load, show, compare, try, list and publish policies."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        load = verbs.add_parser("load", help="check a file and propose it as the next version")
        load.add_argument("file", type=Path)
        load.add_argument("--reason", default="", help="why it should change; kept with the version")
        load.add_argument("--publish", action="store_true", help="put it in force at once, when it loosens nothing")
        commands.add_by(load)
        show = verbs.add_parser("show", help="the policy in force, or a version, in words")
        show.add_argument("version", nargs="?", default="", help="a number; nothing: the one in force")
        show.add_argument("--source", action="store_true", help="its text instead")
        diff = verbs.add_parser("diff", help="what differs, and whether it asks for less")
        diff.add_argument("one", help="a number or a file")
        diff.add_argument("other", nargs="?", default="", help="a number or a file; nothing: the one in force, against ONE")
        test = verbs.add_parser("test", help="try a file on past actions: what would have been different")
        test.add_argument("file", type=Path)
        size = test.add_mutually_exclusive_group()
        size.add_argument("--last", type=int, default=1_000, metavar="N", help="on the last N actions (default 1,000)")
        size.add_argument("--month", action="store_true", help="on those of the last 30 days")
        verbs.add_parser("history", help="every version and proposal, newest first")
        publish = verbs.add_parser("publish", help="put a proposal in force")
        publish.add_argument("proposal", type=int)
        publish.add_argument("--note", default="")
        commands.add_by(publish)
        withdraw = verbs.add_parser("withdraw", help="drop a proposal")
        withdraw.add_argument("proposal", type=int)
        withdraw.add_argument("--reason", default="")
        commands.add_by(withdraw)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            try:
                getattr(self, f"_{options['verb']}")(options)
            except InvalidPolicy as error:
                self._warn(error.warnings)
                raise
            except BadPolicy as error:
                raise CommandError("\n".join(str(p) for p in error.problems)) from error

    def _warn(self, warnings: Iterable[tuple[int, str]]) -> None:
        for line, why in warnings:
            self.stderr.write(f"warning: {kept.AT_LINE(line=line, why=why)}")

    def _load(self, options: dict[str, Any]) -> None:
        by = commands.person(options)
        made = publishing.propose(text_of(options["file"]), justification=options["reason"], known=known_to_policies(), by=by, door="cli")
        for warning in made.warnings:
            self.stderr.write(f"warning: {warning}")
        self.stdout.write(f"Proposed as {made.pk}, to follow version {made.base}")
        for less in made.loosens:
            self.stdout.write(f"  asks for less: {less}")
        if options["publish"]:
            self._published(publishing.publish(made.pk, known=known_to_policies(), by=by, door="cli").pk)
        else:
            who = "another administrator publishes" if made.loosens else "publish"
            self.stdout.write(f"Not in force yet: {who} it with: manage.py policy publish {made.pk} --by USERNAME")

    def _publish(self, options: dict[str, Any]) -> None:
        by, known = commands.person(options), known_to_policies()
        self._published(publishing.publish(options["proposal"], known=known, by=by, door="cli", note=options["note"]).pk)

    def _published(self, version_id: int) -> None:
        made = queries.version(version_id)
        self.stdout.write(f"Version {made.number} is in force; actions asked before keep what they were asked under")

    def _withdraw(self, options: dict[str, Any]) -> None:
        made = publishing.withdraw(options["proposal"], by=commands.person(options), door="cli", reason=options["reason"])
        self.stdout.write(f"Proposal {made.pk} is withdrawn")

    def _history(self, options: dict[str, Any]) -> None:
        policies.in_force()
        for v in queries.versions(limit=200):
            name = f"v{v.number}" if v.number else f"({v.id})"
            by = f"{v.proposed_by} / {v.closed_by}" if v.closed_by else v.proposed_by
            loosens = "  loosens" if v.loosens else ""
            self.stdout.write(f"{name:>6}  {v.state:<9} {v.created_at:%Y-%m-%d %H:%M:%S}  {by:<26} {v.justification[:60]}{loosens}")

    def _show(self, options: dict[str, Any]) -> None:
        source, name = self._text(options["version"])
        if options["source"]:
            self.stdout.write(source, ending="")
            return
        policy = backtests.readable(source)
        self.stdout.write(f"{name}, {policy.sha256}\n")
        for level, requirement in policy.data.requirements.items():
            self.stdout.write(f"{level:<9} from {policy.data.levels[level]:>3} points: {words.asked(requirement)}")
        for title, said in words.points(policy.data):
            self.stdout.write(f"  {title}: {said}")
        for rule in sorted(policy.data.rules, key=lambda r: -r.priority):
            self.stdout.write(f"{rule.name} (priority {rule.priority}): {words.sentence(rule)}")

    def _diff(self, options: dict[str, Any]) -> None:
        one, other = self._text(options["one"]), self._text(options["other"])
        before, after = (one, other) if options["other"] else (other, one)
        self.stdout.write(publishing.diff_of(before[0], after[0], before[1], after[1]) or "The texts are the same")
        for less in publishing.less(before[0], after[0]):
            self.stdout.write(f"asks for less: {less}")

    def _test(self, options: dict[str, Any]) -> None:
        draft, findings = publishing.examined(text_of(options["file"]), known=known_to_policies())
        self._warn((f.line, f.why) for f in findings)
        trial, tally, began = backtests.replay(draft), Tally(), time.monotonic()
        since = past.month_ago() if options["month"] else None
        last = backtests.MOST if options["month"] else options["last"]
        total, position, done = past.past_total(last=last, since=since), None, 0
        while done < total:
            found = past.past(position=position, since=since, limit=min(backtests.STEP, total - done))
            for case in found.cases:
                trial.add(tally, case)
            done, position = done + found.looked_at, found.position
            self._bar(done, total)
            if position is None:
                break
        self._report(tally, time.monotonic() - began)

    def _report(self, tally: Tally, seconds: float) -> None:
        if self.stderr.isatty():
            self.stderr.write("")
        for line in trials.report(tally, seconds):
            self.stdout.write(line)

    def _bar(self, done: int, total: int) -> None:
        if self.stderr.isatty():
            filled = BAR * done // max(1, total)
            self.stderr.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {done:,}/{total:,}", ending="")

    def _text(self, what: str) -> tuple[str, str]:
        """The text and the name of what was named: a number, a file, or the policy in force."""
        if not what:
            current = policies.in_force()
            return current.source, f"version {current.number}"
        if what.removeprefix("v").isdecimal():
            found: Version = queries.published(int(what.removeprefix("v")))
            return found.source, found.name
        return text_of(Path(what)), what
