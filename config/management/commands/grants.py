"""`manage.py grants list|show|try|give|too|revoke`: standing approvals from the command line. Needs only the database."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError, CommandParser

from approvals.operations import granting, revoking
from approvals.operations.clock import database_now
from approvals.operations.granting import Draft, Wanted
from approvals.policy.granting import words
from approvals.queries import grants
from approvals.queries.grants import GrantRow
from approvals.queries.reaching import wants
from audit.sentences import listed
from config import commands

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(commands.ProductCommand):
    help = "List, show, try, give and revoke standing approvals."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listed = verbs.add_parser("list", help="what may let something through now")
        listed.add_argument("--all", action="store_true", help="and what is over")
        show = verbs.add_parser("show", help="one grant, and what it let through")
        show.add_argument("grant")
        for name, text in (("try", "what these bounds would have let through"), ("give", "give a grant with these bounds")):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("action", help="the id of an action: calls like it")
            verb.add_argument(
                "--scope", choices=granting.SCOPES, default="run", help="the same call in its run, the tool in its run, the tool"
            )
            verb.add_argument("--uses", type=int, default=5)
            verb.add_argument("--until", default="1h", help="17:00, or 30m, 2h, 3d from now (default 1h)")
            verb.add_argument("--count", default="", metavar="FIGURE", help="a figure of the preview, such as amount_cents")
            verb.add_argument("--each", type=int, default=None, help="at most so much of it at once")
            verb.add_argument("--total", type=int, default=None, help="at most so much of it in all")
            verb.add_argument(
                "--also",
                action="append",
                default=[],
                metavar="FIGURE=N",
                help="at most so much of another figure at once (default: as here)",
            )
            commands.add_by(verb)
            if name == "give":
                verb.add_argument("--reason", default="")
        too = verbs.add_parser("too", help="stand behind a grant somebody else gave")
        revoke = verbs.add_parser("revoke", help="end a grant")
        for verb in (too, revoke):
            verb.add_argument("grant")
            commands.add_by(verb)
        revoke.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = [*grants.open_grants(), *(grants.ended_grants() if options["all"] else [])]
        for row in rows:
            self._line(row)
        if not rows:
            self.stdout.write("No grant is in force")

    def _show(self, options: dict[str, Any]) -> None:
        row = grants.grant(options["grant"])
        self._line(row)
        self.stdout.write(f"  because: {row.reason}")
        for use in grants.uses(row.id):
            self.stdout.write(f"  {use.at:%Y-%m-%d %H:%M:%S}  {use.action}  {use.state:<10} {use.summary[:70]}")

    def _try(self, options: dict[str, Any]) -> None:
        self._tried(options)

    def _give(self, options: dict[str, Any]) -> None:
        made, wanted = self._tried(options)
        given = granting.give(
            options["action"], wanted, seen=made.terms.digest, reason=options["reason"], by=commands.person(options), door="cli"
        )
        self.stdout.write(f"Given as grant {given.pk}; end it with: manage.py grants revoke {given.pk} --by USERNAME")

    def _too(self, options: dict[str, Any]) -> None:
        given = granting.give_too(options["grant"], by=commands.person(options), door="cli")
        self.stdout.write(f"Grant {given.pk} is {grants.grant(given.pk).state}")

    def _revoke(self, options: dict[str, Any]) -> None:
        ended = revoking.revoke(options["grant"], by=commands.person(options), reason=options["reason"], door="cli")
        self.stdout.write(f"Grant {ended.pk} is revoked; it let {ended.uses:,} through")

    def _tried(self, options: dict[str, Any]) -> tuple[Draft, Wanted]:
        by = commands.person(options)
        zone = ZoneInfo(wants(by).zone)
        wanted = Wanted(
            options["scope"], options["uses"], _moment(options["until"], zone), options["count"], options["each"], options["total"],
            dict(map(_bound, options["also"])),
        )  # fmt: skip
        made = granting.draft(options["action"], wanted, by=by)
        trial = made.trial
        self.stdout.write(f"{words(made.terms)}, until {made.terms.until.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}")
        fates = ", ".join(f"{n} {fate}" for fate, n in trial.fates.items())
        through = f"{len(trial.through):,} of the last {trial.looked_at:,} calls that people were asked about"
        self.stdout.write(f"It would have let through {through}" + (f": {fates}" if fates else ""))
        for why, n in trial.asked:
            self.stdout.write(f"  still asked: {n} {why}")
        return made, wanted

    def _line(self, row: GrantRow) -> None:
        left = f"{row.terms.uses - row.uses}/{row.terms.uses} left"
        total = f", {(row.terms.total or 0) - row.total:,}/{row.terms.total:,} {row.terms.figure}" if row.terms.figure else ""
        by = listed(g.name for g in row.givers)
        state = f"declared otherwise since {row.since:%Y-%m-%d %H:%M} UTC," if row.state == "declared" else row.state
        self.stdout.write(f"{row.id:>5}  {state:<9} {left}{total}  until {row.terms.until:%Y-%m-%d %H:%M} UTC  {by}  {words(row.terms)}")


def _bound(text: str) -> tuple[str, int]:
    name, _equals, most = text.partition("=")
    if not (name and most.isascii() and most.isdigit() and len(most) < 16):
        raise CommandError(f"{text[:40]!r} is no bound: write FIGURE=N, as in rows=20")
    return name, int(most)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """An hour such as 17:00 is the next time the clock of whoever gives it says so; 2h is two hours from now, by the database's clock."""
    now = database_now().astimezone(zone)
    if text[:-1].isdecimal() and len(text) < 6 and text[-1:] in UNITS:
        return now + timedelta(**{UNITS[text[-1]]: int(text[:-1])})
    try:
        clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  a time of day, in the zone of whoever gives the grant
    except ValueError:
        raise CommandError(f"{text[:40]!r} is no end: write 17:00, 30m, 2h or 3d") from None
    at = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return at if at > now else datetime.combine(now.date() + timedelta(days=1), clock, zone)
