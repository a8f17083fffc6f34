"""`manage.py switch`: allow, ask or deny for an agent or a tool; list what is in force. Needs only the database."""

import re
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import operations
from approvals.queries import switches
from config import commands

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Command(commands.ProductCommand):
    help = (
        "switch deny|ask --agent SLUG|--tool NAME makes the product stricter than policy; allow goes back to what policy says, never below; "
        "switch list shows what is in force."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("setting", choices=["allow", "ask", "deny", "list"])
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--agent", metavar="SLUG")
        what.add_argument("--tool", metavar="NAME")
        parser.add_argument("--for", dest="lasts", default="", metavar="2h", help="ends by itself after so many s, m, h or d")
        parser.add_argument("--reason", default="", help="why; needed")
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            if options["setting"] == "list":
                self._list()
                return
            if not (options["agent"] or options["tool"]):
                raise CommandError("Say which: --agent SLUG or --tool NAME")
            scope = "agent" if options["agent"] else "tool"
            target, setting = options[scope], options["setting"]
            made = operations.order_switch(
                scope=scope, target=target, setting=setting, reason=options["reason"], by=commands.person(options), door="cli",
                lasts=_lasts(options["lasts"]),
            )  # fmt: skip
            until = f" until {made.until:%Y-%m-%d %H:%M:%S} UTC" if made and made.until else ""
            self.stdout.write(f"{scope} {target}: {setting}{until}" if made else f"{scope} {target}: policy alone decides again")

    def _list(self) -> None:
        found = switches.in_force()
        for s in found:
            until = f"until {s.until:%Y-%m-%d %H:%M:%S}" if s.until else "until switched back"
            self.stdout.write(f"{s.id:>5}  {s.setting:<5} {s.scope:<6} {s.target:<30} {s.by:<16} {until}  {commands.shown(s.reason)}")
        if not found:
            self.stdout.write("No switch is set: policy alone decides")


def _lasts(text: str) -> timedelta | None:
    if not text:
        return None
    said = re.fullmatch(r"([0-9]{1,8})([smhd])", text)
    if not said:
        raise CommandError(f"--for {text[:20]} is no time: write a number and s, m, h or d, such as 2h")
    return timedelta(seconds=int(said[1]) * UNITS[said[2]])
