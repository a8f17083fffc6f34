"""`manage.py drills list|set|off|place|figures`: test actions from the command line. All but `place` need only the database."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import operations as agents
from approvals import permissions
from approvals.operations import seeding
from approvals.queries import drills
from approvals.queries.drills import Plan
from approvals.states import DrillKind, DrillState
from config import commands


class Command(commands.ProductCommand):
    help = "Plan test actions that must be rejected, and see what people made of them."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="the plans")
        planned = verbs.add_parser("set", help="switch them on for a group, or change how often")
        planned.add_argument("group")
        planned.add_argument("--every", type=int, default=50, help="about one for so many verdicts of the group (default 50)")
        planned.add_argument("--per-day", type=int, default=2, help="at most so many a day (default 2)")
        planned.add_argument("--kinds", default=",".join(DrillKind), help=f"some of {','.join(DrillKind)} (default: all)")
        off = verbs.add_parser("off", help="switch them off for a group; the one that waits is taken back")
        off.add_argument("group")
        place = verbs.add_parser("place", help="put one among the real ones now")
        place.add_argument("group")
        place.add_argument("--kind", default="", choices=["", *DrillKind], help="what is to be wrong with it (default: by chance)")
        for verb in (planned, off, place):
            commands.add_by(verb)
        figures = verbs.add_parser("figures", help="what people made of them")
        figures.add_argument("--days", type=int, default=30)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        plans = drills.plans()
        for plan in plans:
            self._line(plan)
        if not plans:
            self.stdout.write("Test actions are switched off")

    def _set(self, options: dict[str, Any]) -> None:
        kinds = [kind.strip() for kind in options["kinds"].split(",") if kind.strip()]
        seeding.set_plan(
            group=options["group"], active=True, every=options["every"], per_day=options["per_day"], kinds=kinds,
            by=commands.person(options), door="cli",
        )  # fmt: skip
        self._list(options)

    def _off(self, options: dict[str, Any]) -> None:
        plan = next((p for p in drills.plans() if p.group == options["group"]), None)
        if plan is None:
            raise CommandError(f"Test actions were never switched on for {options['group']}; where they are on says: manage.py drills list")
        seeding.set_plan(
            group=plan.group,
            active=False,
            every=plan.every,
            per_day=plan.per_day,
            kinds=plan.kinds,
            by=commands.person(options),
            door="cli",
        )
        self._list(options)

    def _place(self, options: dict[str, Any]) -> None:
        permissions.check_plan_drills(permissions.standing(commands.person(options)))
        self.stdout.write(agents.place_drill(options["group"], kind=options["kind"]))

    def _figures(self, options: dict[str, Any]) -> None:
        found = drills.drill_figures(max(1, min(options["days"], 3_650)))
        self.stdout.write(
            f"Test actions that ended in {found.days} days: {found.of(DrillState.CAUGHT)} of {found.decided} decided were caught"
        )
        for kind in DrillKind:
            caught, missed, expired = (found.of(s, kind) for s in (DrillState.CAUGHT, DrillState.MISSED, DrillState.EXPIRED))
            self.stdout.write(f"  {kind:<12} {caught:>4} caught {missed:>4} missed {expired:>4} not decided")

    def _line(self, plan: Plan) -> None:
        state = "on" if plan.active else "off"
        rate = f"about one for {plan.every:,} verdicts, at most {plan.per_day} a day"
        self.stdout.write(f"{plan.group:<16} {state:<4} {rate}; {', '.join(plan.kinds)}; set by {plan.changed_by}")
