"""`manage.py budgets`: what agents may spend in a day and in each run, and what may be spent for a customer; list, or set. Needs only the database."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import budgeted, operations, prices
from config import commands


def add_limits(parser: CommandParser) -> None:
    """The options by which a budget is said; also of `runs budget`."""
    parser.add_argument("--money", metavar="X", help='an amount like 0.50; "none" lifts the limit')
    parser.add_argument("--tokens", metavar="N", help='a number of tokens; "none" lifts the limit')
    parser.add_argument("--seconds", metavar="N", help='of one run: how long workers may drive it in all; "none" lifts the limit')


class Command(commands.ProductCommand):
    help = (
        "budgets list; budgets set (--agent SLUG [--each-run [--seconds N]] | --customer NAME) [--money X] [--tokens N] --reason ...; "
        "a day is of UTC"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "set"])
        parser.add_argument("--agent", default="", metavar="SLUG", help="what it may spend in a day, by all its runs together")
        parser.add_argument("--each-run", action="store_true", help="with --agent: what each of its runs may spend that starts from now on")
        parser.add_argument("--declared", action="store_true", help="with --each-run: as its developer says again")
        parser.add_argument("--customer", default="", metavar="NAME", help="what may be spent in a day by runs for this customer")
        add_limits(parser)
        parser.add_argument("--reason", default="", help="why; needed to set one")
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            if options["what"] == "set":
                self._set(options)
            self._list()

    def _set(self, options: dict[str, Any]) -> None:
        if bool(options["agent"]) == bool(options["customer"]):
            raise CommandError("Say whose: --agent SLUG or --customer NAME")
        said = {name: options[name] for name in ("money", "tokens", "reason")} | {"by": commands.person(options), "door": "cli"}
        if options["seconds"] is not None and not options["each_run"]:
            raise CommandError("--seconds is of a run: say --agent SLUG --each-run with it")
        if options["customer"]:
            operations.set_customer_budget(options["customer"], **said)
        elif options["each_run"]:
            operations.set_default(options["agent"], seconds=options["seconds"], declared=options["declared"], **said)
        else:
            operations.set_agent_budget(options["agent"], **said)

    def _list(self) -> None:
        today = budgeted.spent_today()
        self.stdout.write(f"spent today (UTC): {prices.money(today.micros)}, {today.tokens} tokens in {today.calls} model calls")
        for row in budgeted.days():
            self.stdout.write(f"{row.scope:<9} {commands.shown(row.target):<24} a day   {row.words}  {row.percent} %  {row.by}")
        for one in budgeted.defaults():
            self.stdout.write(f"agent     {one.agent:<24} a run   {one.words}  {one.by or 'its developer'}")
