"""`manage.py alerts`: what is over its limit, what was, the rules; acknowledge one, set a rule, or look now. Needs only the database."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.operations import alerts
from approvals import tasks
from approvals.notify.alerts import runbook, state
from approvals.operations import alerting
from approvals.queries import alerts as queries
from config import commands

ON_OFF = {"on": True, "off": False}


class Command(commands.ProductCommand):
    help = (
        "alerts list|history|rules; alerts ack ID --reason ...; alerts set RULE [--most N] ... --reason ...; "
        "alerts look [--send] measures now, for a timer of your own: it ends with 1 when an alert is open."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "history", "rules", "ack", "set", "look"])
        parser.add_argument("which", nargs="?", default="", metavar="ID|RULE")
        parser.add_argument("--most", type=int, help="tell from this figure on")
        parser.add_argument("--for", dest="for_s", type=int, metavar="SECONDS", help="once it was so for so long")
        parser.add_argument("--again", dest="again_s", type=int, metavar="SECONDS", help="tell again after so long; 0 never")
        parser.add_argument("--slack", metavar="CHANNEL", help='a channel of Slack, or "" for none')
        parser.add_argument("--mail", choices=list(ON_OFF))
        parser.add_argument("--webhook", choices=list(ON_OFF))
        parser.add_argument("--active", choices=list(ON_OFF), help="the rule itself")
        parser.add_argument("--send", action="store_true", help="with look: send what is owed as well, without a worker")
        parser.add_argument("--reason", default="", help="why, or what you do about it")
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        commands.as_it_runs()
        with commands.sentences():
            getattr(self, f"_{options['what']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        self._shown(queries.open_alerts(), "Nothing is over its limit")

    def _history(self, options: dict[str, Any]) -> None:
        self._shown(queries.closed_alerts(), "No alert is over yet")

    def _rules(self, options: dict[str, Any]) -> None:
        for r in queries.rules():
            where = ",".join(filter(None, ["mail" if r.mail else "", r.slack, "webhook" if r.webhook else ""]))
            figures = f"from {r.most} for {r.for_s} s, again after {r.again_s} s" if r.active else "off"
            self.stdout.write(f"{r.name:<15} {figures:<44} {where:<24} {r.by or 'as it ships'}")

    def _ack(self, options: dict[str, Any]) -> None:
        if not options["which"].isdecimal():
            raise CommandError("Say which alert by its number; manage.py alerts list shows it")
        alerting.acknowledge(int(options["which"]), note=options["reason"], by=commands.person(options), door="cli")
        self.stdout.write(f"Alert {options['which']} is acknowledged")

    def _set(self, options: dict[str, Any]) -> None:
        said = {name: options[name] for name in ("most", "for_s", "again_s", "slack") if options[name] is not None}
        said |= {name: ON_OFF[options[name]] for name in ("mail", "webhook", "active") if options[name]}
        alerting.set_rule(name=options["which"], reason=options["reason"], by=commands.person(options), door="cli", **said)
        self._rules(options)

    def _look(self, options: dict[str, Any]) -> None:
        alerts.look()
        if options["send"]:
            for send in (tasks.reach, tasks.slack, tasks.tell_programs):
                send()
        found = queries.open_alerts()
        self._shown(found, "Nothing is over its limit")
        sys.exit(1 if found else 0)

    def _shown(self, rows: list[queries.AlertRow], none: str) -> None:
        for a in rows:
            over = f" over {a.closed_at:%Y-%m-%d %H:%M}" if a.closed_at else f" acknowledged by {a.acked_by}" if a.acked_by else ""
            said = commands.shown(state(a.rule, a.worst if a.closed_at else a.last, a.most, a.about))
            self.stdout.write(f"{a.id:>5}  {a.opened_at:%Y-%m-%d %H:%M}  {said}{over}  docs/runbooks/{runbook(a.rule)}.md")
        if not rows:
            self.stdout.write(none)
