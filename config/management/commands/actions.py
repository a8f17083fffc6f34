"""`manage.py actions list|show|reserve|release|snooze|extend|pass-on|reassign|end-reservation`: what waits, and its time and people, from the command line.

The same operations as the pages, with the same refusals. Deciding is not among them: at high and critical it needs somebody signed in.
Exit status: 0 done, 1 refused (one sentence on stderr), 2 the command line itself is wrong.
"""

import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.queries import outcome_unknown
from approvals import operations, queries
from approvals.policy.risk import UNEXPLAINED
from approvals.queries import Filters, InboxRow
from config import commands

UNITS = {"m": 60, "h": 3_600, "d": 86_400}
MOST = 500
NOT_COUNTED = "counts no more: locked, no longer in the group, or said anew since"


class Command(commands.ProductCommand):
    help = "List what waits for people, show one, reserve it, put it off, pass it on."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listed = verbs.add_parser("list", help="what waits, the most urgent first; with --by what is that person's turn")
        listed.add_argument("--agent", default="")
        listed.add_argument("--tool", default="")
        listed.add_argument("--level", action="append", default=[], choices=("low", "medium", "high", "critical"))
        listed.add_argument("--limit", type=int, default=50, help=f"at most {MOST}")
        commands.add_by(listed)
        for name, text in (
            ("show", "one action: what would run, who is asked, until when"),
            ("reserve", "say that you are on it, for 15 minutes"),
            ("release", "give it back before that"),
            ("snooze", "out of your inbox for a while; --off brings it back"),
            ("extend", "put its deadline off, where the policy lets you"),
            ("pass-on", "ask another person to decide it in your stead"),
            ("reassign", "operators: give it to somebody, in the stead of whoever is gone"),
            ("end-reservation", "operators: end somebody else's reservation"),
        ):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("action", help="its id")
            commands.add_by(verb)
            if name in {"snooze", "extend"}:
                verb.add_argument("--for", dest="lasts", default="15m" if name == "snooze" else "30m", help="15m, 2h or 1d")
            if name == "snooze":
                verb.add_argument("--off", action="store_true", help="back into the inbox now")
            if name in {"pass-on", "reassign"}:
                verb.add_argument("--to", required=True, metavar="USERNAME")
            if name == "reassign":
                verb.add_argument(
                    "--of", default="", metavar="USERNAME", help="in whose stead; without it whoever has it, else nobody: --to is asked"
                )
            if name in {"extend", "pass-on", "reassign", "end-reservation"}:
                verb.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb'].replace('-', '_')}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        if not 1 <= options["limit"] <= MOST:
            raise CommandError(f"List at least one and at most {MOST}")
        reader = commands.person(options) if options["by"] else None
        filters = Filters(agent=options["agent"], tool=options["tool"], levels=tuple(options["level"]), reader=reader)
        rows = queries.inbox(filters=filters, limit=options["limit"]).rows
        for row in rows:
            self._line(row)
        if not rows:
            self.stdout.write("Nothing waits")

    def _show(self, options: dict[str, Any]) -> None:
        reader = commands.person(options) if options["by"] else None
        detail = queries.action_detail(options["action"], reader=reader)
        self._line(detail.row)
        self.stdout.write(f"  digest {detail.row.digest}, version {detail.row.version}, policy {detail.policy}")
        self.stdout.write(
            f"  asks {', '.join(f'{n.count} of {n.group}' for n in detail.needs) or 'nobody'}; ends {detail.row.expires_at:%Y-%m-%d %H:%M} UTC"
        )
        self.stdout.write(f"  arguments {commands.shown_json(detail.args)}")
        if detail.answer_schema is not None:
            self.stdout.write(f"  takes answers that fit {commands.shown_json(detail.answer_schema)}")
        if detail.agent_takes and "reject" not in detail.agent_takes:
            self.stdout.write("  its agent cannot be told no: rejecting ends its run, and a reason stays on record")
        elif UNEXPLAINED in detail.agent_takes:
            self.stdout.write("  its agent hears only that it was rejected: a reason stays on record")
        if detail.row.unheard:
            self.stdout.write(f"  it reached nobody: {commands.shown(detail.row.unheard)}")
        if outcome_unknown(options["action"]):
            self.stdout.write("  its call was begun and nobody knows what came of it: manage.py runs unknown")
        for mark in detail.facts.hidden_characters:
            self.stdout.write(f"  marked {commands.shown(mark)}")
        for vote in detail.votes:
            open_vote = detail.row.state == "PENDING" and vote.version == detail.row.version and not vote.by_policy
            counts = "" if vote.counts is not False or not open_vote else f", {NOT_COUNTED}"
            self.stdout.write(
                f"  {vote.at:%H:%M:%S} {vote.by}{f' for {vote.instead_of}' if vote.instead_of else ''}: {vote.verdict} (version {vote.version}{counts}) {commands.shown(vote.reason)}".rstrip()
            )
        if reader and detail.cannot:
            self.stdout.write(f"  you cannot decide it: {detail.cannot}")

    def _reserve(self, options: dict[str, Any]) -> None:
        action = operations.reserve(options["action"], by=commands.person(options), door="cli")
        self.stdout.write(f"Reserved until {action.reserved_until:%H:%M} UTC")

    def _release(self, options: dict[str, Any]) -> None:
        operations.put_back(options["action"], by=commands.person(options), door="cli")
        self.stdout.write("Given back")

    def _snooze(self, options: dict[str, Any]) -> None:
        if options["off"]:
            operations.unsnooze(options["action"], by=commands.person(options), door="cli")
            self.stdout.write("Back in your inbox")
            return
        row = operations.snooze(options["action"], by=commands.person(options), seconds=seconds(options["lasts"]), door="cli")
        self.stdout.write(f"Out of your inbox until {row.until:%Y-%m-%d %H:%M} UTC")

    def _extend(self, options: dict[str, Any]) -> None:
        wanted = seconds(options["lasts"])
        action = operations.extend(options["action"], by=commands.person(options), seconds=wanted, reason=options["reason"], door="cli")
        self.stdout.write(f"It ends {action.expires_at:%Y-%m-%d %H:%M} UTC now")

    def _pass_on(self, options: dict[str, Any]) -> None:
        action = operations.pass_on(options["action"], by=commands.person(options), to=options["to"], reason=options["reason"], door="cli")
        self.stdout.write(f"Passed on to {action.reserved_by.get_username() if action.reserved_by else options['to']}")

    def _reassign(self, options: dict[str, Any]) -> None:
        wanted = {name: options[name] for name in ("to", "of", "reason")}
        action = operations.reassign(options["action"], by=commands.person(options), door="cli", **wanted)
        self.stdout.write(f"Given to {action.reserved_by.get_username() if action.reserved_by else options['to']}")

    def _end_reservation(self, options: dict[str, Any]) -> None:
        operations.end_reservation(options["action"], by=commands.person(options), reason=options["reason"], door="cli")
        self.stdout.write("Ended: anybody who is asked may take it")

    def _line(self, row: InboxRow) -> None:
        held = f"  reserved by {row.reserved_by}" if row.reserved_by else ""
        self.stdout.write(
            f"{row.id}  {row.state:<9} {row.level:<8} {row.score:>3}  {row.expires_at:%H:%M}  {row.agent}  {row.tool}  {commands.shown(row.summary)[:80]}{held}"
        )


def seconds(text: str) -> int:
    """A duration such as 15m, 2h or 1d. Raises CommandError."""
    found = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if not found:
        raise CommandError(f"{text[:40]!r} is no duration: write 15m, 2h or 1d")
    return int(found[1]) * UNITS[found[2]]
