"""`manage.py halt`: stop everything, an agent or a run; list orders; release one. Needs only the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agents import operations as agent_operations
from agents import queries as agent_queries
from approvals import operations, queries
from config import commands


class Command(BaseCommand):
    help = "Halt everything, --agent SLUG or --run ID; --list shows active halts; --release ID lifts one."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--everything", action="store_true", help="stop all agents")
        what.add_argument("--agent", metavar="SLUG")
        what.add_argument("--run", metavar="ID")
        what.add_argument("--release", metavar="HALT", type=int, help="lift this order")
        what.add_argument("--list", action="store_true", help="show active orders")
        parser.add_argument("--reason", default="", help="why; needed to halt and to release")
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            if options["list"]:
                self._list()
            elif options["release"] is not None:
                self._release(options)
            else:
                self._halt(options)

    def _halt(self, options: dict[str, Any]) -> None:
        by = commands.person(options)
        scope, target = "everything", ""
        if options["agent"]:
            scope, target = "agent", agent_queries.agent(options["agent"]).slug
        elif options["run"]:
            scope, target = "run", agent_queries.run_detail(options["run"]).row.id
        order = agent_operations.order_halt(scope=scope, target=target, reason=options["reason"], by=by, door="cli")
        runs = agent_queries.live_counts(agent=options["agent"] or "", run=target if scope == "run" else "")
        frozen = queries.unsettled_counts(agent=options["agent"] or "", run=target if scope == "run" else "")
        self.stdout.write(
            f"Halted {scope} {target}".rstrip()
            + f" (order {order.pk}): {runs['live']} runs stopped, {frozen['pending'] + frozen['approved']} actions frozen, "
            f"{frozen['in_flight']} calls already running cannot be interrupted"
        )

    def _release(self, options: dict[str, Any]) -> None:
        order = operations.release(options["release"], reason=options["reason"], by=commands.person(options), door="cli")
        self.stdout.write(f"Released order {order.pk} ({order.scope} {order.target})".replace(" )", ")"))

    def _list(self) -> None:
        stops = queries.active_halts()
        for s in stops:
            self.stdout.write(f"{s.id:>5}  {s.scope:<10} {s.target:<36} {s.by:<16} {s.at:%Y-%m-%d %H:%M:%S}  {s.reason}")
        if not stops:
            self.stdout.write("Nothing is halted")
