"""`manage.py halt`: stop everything, an agent, a version, a tool, a customer or a run; list orders; release one, all or in part. Needs only the database."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import operations as agent_operations
from agents import queries as agent_queries
from approvals import queries
from audit.sentences import say
from config import commands

SCOPES = {"agent": "agent", "version": "agent_version", "tool": "tool", "customer": "customer", "run": "run"}  # and their options


class Command(commands.ProductCommand):
    help = (
        "Halt --everything, --agent SLUG, --agent-version SLUG@N, --tool NAME, --customer NAME or --run ID; --list shows active halts; "
        "--count orders nothing and says what it would stop; --release ID lifts one, or only lets --on-agent SLUG or --on-run ID go on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--everything", action="store_true", help="stop all agents")
        what.add_argument("--agent", metavar="SLUG")
        what.add_argument("--agent-version", metavar="SLUG@N", help="while this version of an agent is in force, and what it asked")
        what.add_argument("--tool", metavar="NAME", help="every call of a tool, whichever agent asks")
        what.add_argument("--customer", metavar="NAME", help="every action for this customer")
        what.add_argument("--run", metavar="ID")
        what.add_argument("--release", metavar="HALT", type=int, help="lift this order")
        what.add_argument("--list", action="store_true", help="show active orders")
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--on-agent", metavar="SLUG", help="with --release: only this agent goes on")
        step.add_argument("--on-run", metavar="ID", help="with --release: only this run goes on")
        parser.add_argument("--count", action="store_true", help="order nothing: say what it would stop")
        parser.add_argument("--reason", default="", help="why; needed to halt and to release")
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] and (options["list"] or options["release"] is not None):
            raise CommandError(
                "--count says what an order would stop: give it with what to halt, not with --list or --release", returncode=2
            )
        with commands.sentences():
            if options["list"]:
                self._list()
            elif options["release"] is not None:
                self._release(options)
            elif options["count"]:
                self._count(options)
            else:
                self._halt(options)

    def _halt(self, options: dict[str, Any]) -> None:
        by = commands.person(options)
        scope, target = _named(options)
        order = agent_operations.order_halt(scope=scope, target=target, reason=options["reason"], by=by, door="cli")
        what = f"Halted {scope} {order.target}".rstrip() + f" (order {order.pk})"
        self.stdout.write(f"{what}: {_counted(scope, agent_queries.would_stop(scope, order.target))}")

    def _count(self, options: dict[str, Any]) -> None:
        """Ask no question: an order must not wait for an answer at a terminal, so counting is a command of its own."""
        scope, target = _named(options)
        target, found = agent_operations.count_halt(scope=scope, target=target, by=commands.person(options))
        self.stdout.write(f"Nothing is ordered. Halting {scope} {target}".rstrip() + f" now: {_counted(scope, found)}")

    def _release(self, options: dict[str, Any]) -> None:
        scope = next((name for name in ("agent", "run") if options[f"on_{name}"] is not None), "all")
        target = "" if scope == "all" else options[f"on_{scope}"]
        done = agent_operations.order_release(
            options["release"], scope=scope, target=target, reason=options["reason"], by=commands.person(options), door="cli"
        )
        name = f"order {done.order.pk} ({done.order.scope} {done.order.target})".replace(" )", ")")
        if done.waits:
            self.stdout.write(
                f"Asked for, not released yet: another operator or administrator gives the same command within an hour ({name})"
            )
        elif scope == "all":
            self.stdout.write(f"Released {name}")
        else:
            self.stdout.write(f"{scope.capitalize()} {target} goes on; {name} stands for the rest")

    def _list(self) -> None:
        stops = queries.active_halts()
        for s in stops:
            self.stdout.write(
                f"{s.id:>5}  {s.scope:<10} {s.target:<36} {s.by:<16} {s.at:%Y-%m-%d %H:%M:%S}  {'(automatic) ' if s.rule else ''}{s.reason}"
            )
            for step in s.waits:
                self.stdout.write(
                    f"       {step.by} asks to release {step.scope} {step.target}".rstrip() + f": {step.reason} (another one confirms)"
                )
            if s.agents_on or s.runs_on:
                self.stdout.write(f"       goes on already: {', '.join([*s.agents_on, *s.runs_on])}")
        if not stops:
            self.stdout.write("Nothing is halted")


def _named(options: dict[str, Any]) -> tuple[str, str]:
    """Scope and target. A name that is empty (of a shell's variable that is not set) is no order for everything."""
    scope = next((name for name in SCOPES if options[SCOPES[name]] is not None), "everything")
    return scope, "" if scope == "everything" else options[SCOPES[scope]]


def _counted(scope: str, found: agent_queries.WouldStop) -> str:
    asks = say("%(n)d run asks for it", "%(n)d runs ask for it", n=found.runs)  # and goes on with something else
    parts = [
        asks if scope in agent_queries.OF_CALLS else say("%(n)d run stopped", "%(n)d runs stopped", n=found.runs),
        say("%(n)d action frozen", "%(n)d actions frozen", n=found.actions),
        say(
            "%(n)d call already runs: in a process of its own it is stopped, else it ends by itself",
            "%(n)d calls already run: those in a process of their own are stopped, the others end by themselves",
            n=found.calls + found.reversals,
        ),
    ]
    if n := found.not_reversed:
        parts.append(say("%(n)d call not reversed before the release", "%(n)d calls not reversed before the release", n=n))
    return ", ".join(parts)
