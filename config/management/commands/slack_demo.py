"""`manage.py slack_demo`: what `make run SLACK=demo` does once its Slack is up; `--end` forgets that workspace again."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from approvals.notify.errors import NotSent
from config import commands, slack_demo


class Command(commands.ProductCommand):
    help = "Install the app in the demo's own Slack, link the demo's people, and post what waits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--end", action="store_true", help="forget the demo's workspace and its links")

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            if options["end"]:
                slack_demo.end()
                self.stdout.write("The demo's Slack is forgotten.")
                return
            try:
                found = slack_demo.begin()
            except (NotSent, slack_demo.NoDemo) as failure:
                raise CommandError(str(failure)) from failure
        self.stdout.write(f"{found.linked} people linked, {found.cards} cards to be posted")
