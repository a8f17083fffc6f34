"""`manage.py halt_rules`: by which figures Countersign halts by itself; list them, or have one count otherwise. Needs only the database."""

from typing import Any

from django.core.management.base import CommandParser

from agents.operations import auto_halts
from approvals.queries import halt_rules
from config import commands


class Command(commands.ProductCommand):
    help = "halt_rules list; halt_rules set KIND [--agent SLUG] [--most N] [--share PERCENT] [--minutes N] [--off] --reason ..."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "set"])
        parser.add_argument("kind", nargs="?", default="", metavar="KIND", help=", ".join(halt_rules.KINDS))
        parser.add_argument("--agent", default="", metavar="SLUG", help="of this agent only")
        parser.add_argument("--most", type=int, help="halt from so many on")
        parser.add_argument("--share", type=int, help="and only if they are so many percent of all; 0 asks for no share")
        parser.add_argument("--minutes", type=int, help="within so many minutes")
        parser.add_argument("--off", action="store_true", help="halt nothing by this rule")
        parser.add_argument("--reason", default="", help="why; needed to set one")
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            if options["what"] == "set":
                self._set(options)
            for rule in halt_rules.rules():
                share = f", {rule.share} % or more of all" if rule.share else ""
                figures = f"from {rule.most} on within {rule.window_s // 60} min{share}" if rule.active else "off"
                self.stdout.write(f"{rule.kind:<15} {rule.agent or 'every agent':<24} {figures:<50} {rule.by or 'the settings'}")

    def _set(self, options: dict[str, Any]) -> None:
        by, kind = commands.person(options), options["kind"]
        found = halt_rules.rules()
        now = halt_rules.rule_for(found, kind, options["agent"]) if kind in halt_rules.KINDS else halt_rules.usual(halt_rules.KINDS[0])
        said = {"most": options["most"], "share": options["share"], "window_s": options["minutes"] and options["minutes"] * 60}
        figures = {name: getattr(now, name) if value is None else value for name, value in said.items()}
        auto_halts.set_rule(
            kind=kind, agent=options["agent"], active=not options["off"], reason=options["reason"], by=by, door="cli", **figures
        )  # fmt: skip
