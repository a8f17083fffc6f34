"""`manage.py login_links`: one way in per persona, for the demo and for the first administrator."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from approvals.operations import people
from config import commands
from config.demo import CAST


class Command(commands.ProductCommand):
    help = "Print the address and one login link per persona (or for one account)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", help="only this account")

    def handle(self, *args: Any, **options: Any) -> None:
        commands.as_it_runs()
        with commands.sentences():
            self._print(options)

    def _print(self, options: dict[str, Any]) -> None:
        wanted = [(p.label, p.username) for p in CAST] if not options["username"] else [("", options["username"])]
        self.stdout.write(f"Countersign is at {settings.PUBLIC_URL}/")
        for label, username in wanted:
            user = people.find(username)
            if user is None:
                raise CommandError(f"There is no account {username!r}; make the demo's with: .venv/bin/python manage.py seed_demo")
            if not user.is_active:
                self.stdout.write(f"  {label or username:<16} {user.display_name:<14} is locked: manage.py people unlock {username}")
                continue
            token = people.make_login_link(user=user)
            self.stdout.write(f"  {label or username:<16} {user.display_name:<14} {settings.PUBLIC_URL}/login/link/{token}")
        often = "Links work" if settings.DEMO else "Each link signs in once,"
        within = f"for {settings.LOGIN_LINK_HOURS} hours" if settings.DEMO else f"within {settings.LOGIN_LINK_HOURS} hours"
        self.stdout.write(f"{often} {within}; print new ones with: .venv/bin/python manage.py login_links")
