"""`manage.py audit verify|proofs|events`: recompute every leaf, check how people proved themselves, or read the log."""

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from agents.queries.on_record import calls_on_record, requesters_on_record, runs_on_record
from approvals.queries.endings import endings_on_record
from approvals.queries.erased import actions_still_there, sayings_still_there
from approvals.queries.outcomes import Misstated, outcomes_on_record
from approvals.queries.policies_on_record import policies_on_record
from approvals.queries.records import Unrecorded, decisions_on_record
from approvals.queries.sign_ins import BadProof, verify_proofs
from approvals.queries.versions import Changed, versions_on_record
from audit import queries
from audit.queries import Broken
from config import commands


class Command(commands.ProductCommand):
    help = "Verify the audit log (exit status 1 when an event does not hold), or list its newest events."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "verify",
            help="recompute every leaf, name the first that does not hold; look for the leaf of every decision, prove every version of every action, and compare outcomes and calls",
        )
        verbs.add_parser(
            "proofs", help="check every kept proof of a decision against the log, and passkeys' signatures against what was decided"
        )
        listing = verbs.add_parser("events", help="newest first")
        for name in ("kind", "agent", "run", "action"):
            listing.add_argument(f"--{name}", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb']}")(options)

    def _verify(self, options: dict[str, Any]) -> None:
        with queries.one_moment():
            self._all_agree()

    def _all_agree(self) -> None:
        count = 0
        for step in queries.verify():
            if isinstance(step, Broken):
                self.stderr.write("")
                self.stdout.write(f"Event {step.id} of {step.stream} does not hold: {step.why}")
                sys.exit(1)
            count = step
            self.stderr.write(f"\r{count:,} events hold", ending="")
        self.stderr.write("")
        self.stdout.write(f"All {count:,} events hold")
        for found in decisions_on_record():
            if isinstance(found, Unrecorded):
                why = "says something else than the log" if found.changed else "is not in the log"
                self.stdout.write(f"Decision {found.decision} on action {found.action} in the name of {found.by} {why}")
                sys.exit(1)
            count = found
        self.stdout.write(f"All {count:,} decisions are in the log")
        for version in versions_on_record():
            if isinstance(version, Changed):
                self.stdout.write(f"Version {version.version} of action {version.action} is not what was asked: {version.why}")
                sys.exit(1)
            count = version
        self.stdout.write(f"All {count:,} versions of actions are what was asked")
        self._agree("ends of actions are what the log says", endings_on_record())
        self._agree("outcomes of actions are what was settled", outcomes_on_record())
        self._agree("calls are what the log says", calls_on_record())
        self._agree("runs are there, were started by whom and ended as the log says", runs_on_record(), of="Run")
        self._agree("actions of runs are for whoever started those", requesters_on_record())
        self._agree("versions of the policy are what was published", policies_on_record(), of="Version")
        self._agree("actions the log tells of are there", actions_still_there())
        self._agree("decisions and outcomes the log tells of are there", sayings_still_there())

    def _agree(self, what: str, checked: Iterator[int | Misstated], *, of: str = "Action") -> None:
        count = 0
        for one in checked:
            if isinstance(one, Misstated):
                self.stdout.write(f"{of} {one.action} is not what the log says: {one.why}")
                sys.exit(1)
            count = one
        self.stdout.write(f"All {count:,} {what}")

    def _proofs(self, options: dict[str, Any]) -> None:
        count = 0
        with queries.one_moment():
            for step in verify_proofs(queries.proofs_logged()):
                if isinstance(step, BadProof):
                    self.stdout.write(f"Decision {step.decision} on action {step.action}: {step.why}")
                    sys.exit(1)
                count = step
        self.stdout.write(f"All {count:,} proofs hold")

    def _events(self, options: dict[str, Any]) -> None:
        for e in queries.events(**{name: options[name] for name in ("kind", "agent", "run", "action")}).rows:
            self.stdout.write(f"{e.id:>8} {e.at:%Y-%m-%d %H:%M:%S} {e.kind:<24} {e.actor:<20} {e.door:<7} {e.leaf[:12]} {e.stream}")
