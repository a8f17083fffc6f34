"""`manage.py people list|add|roles|lock|unlock|end-sessions|reset-factors`: accounts, from the machine they are run on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from approvals.operations import people, sign_ins
from approvals.permissions import ROLES
from approvals.queries import sign_ins as queries
from audit.actors import SYSTEM, Actor
from config import commands


class Command(BaseCommand):
    help = "Who there is, with which roles and factors; add somebody, change roles, lock, end sessions, forget lost devices."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="everybody: roles, second factors, open sessions")
        for verb, help_text in (
            ("add", f"a new account without a password; then: login_links USERNAME. Roles: {', '.join(ROLES)}"),
            ("roles", "exactly these roles from now on"),
            ("lock", "no sign-in, no decision; open approvals of theirs count no more; sessions end"),
            ("unlock", "let in again"),
            ("end-sessions", "sign them out everywhere; their open pages stop within 30 s"),
            ("reset-factors", "their devices are lost: forget passkeys, app and codes, and end their sessions"),
        ):
            one = verbs.add_parser(verb, help=help_text)
            one.add_argument("username")
            if verb in {"add", "roles"}:
                one.add_argument("roles", nargs="*", help=", ".join(ROLES))
            if verb == "add":
                one.add_argument("--name", default="")
                one.add_argument("--email", default="")
            if verb == "lock":
                one.add_argument("--reason", default="")
            commands.add_by(one)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb'].replace('-', '_')}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        for p in queries.people():
            said = [", ".join(p.groups) or "no role", ", ".join(p.factors) or "no second factor", f"{p.sessions} sessions"]
            self.stdout.write(f"{p.username:<16} {p.name:<20} {' · '.join(said)}{'' if p.active else ' · locked'}")

    def _add(self, options: dict[str, Any]) -> None:
        user = people.ensure_person(
            username=options["username"], name=options["name"], email=options["email"], roles=options["roles"], by=_by(options)
        )
        self.stdout.write(f"{user.username} is there; print a way in with: manage.py login_links {user.username}")

    def _roles(self, options: dict[str, Any]) -> None:
        commands.person({"by": options["username"]})
        people.ensure_person(username=options["username"], roles=options["roles"], by=_by(options))
        self.stdout.write(f"{options['username']} has {', '.join(options['roles']) or 'no role'}")

    def _lock(self, options: dict[str, Any]) -> None:
        people.deactivate(username=options["username"], by=_by(options), reason=options["reason"])
        self.stdout.write(f"{options['username']} is locked")

    def _unlock(self, options: dict[str, Any]) -> None:
        people.unlock(username=options["username"], by=_by(options))
        self.stdout.write(f"{options['username']} is let in again")

    def _end_sessions(self, options: dict[str, Any]) -> None:
        count = sign_ins.end_all(user=commands.person({"by": options["username"]}), by=_by(options), door="cli")
        self.stdout.write(f"{count} sessions of {options['username']} have ended")

    def _reset_factors(self, options: dict[str, Any]) -> None:
        count = people.reset_factors(username=options["username"], by=_by(options))
        self.stdout.write(f"{count} factors of {options['username']} are forgotten; print a way in with: manage.py login_links")


def _by(options: dict[str, Any]) -> Actor:
    """Who does it: the account named, or the installation itself when nobody is (the first administrator is made by nobody)."""
    return commands.person(options).actor if options["by"] else SYSTEM
