"""`manage.py slack_install`: the workspace of SLACK_BOT_TOKEN, without OAuth: for one workspace of one's own. Again: with a new token.

Beside `make run SLACK=demo`, in another terminal, it installs the app in the demo's Slack anew.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from approvals.notify.errors import NotSent
from approvals.slack.installing import from_bot_token
from config import commands


class Command(commands.ProductCommand):
    help = "Install by the bot token of SLACK_BOT_TOKEN (from the app's page OAuth & Permissions)."

    def add_arguments(self, parser: CommandParser) -> None:
        commands.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if getattr(self, "_called_from_command_line", False):  # not from tests
            commands.as_it_runs()
        if not settings.SLACK_BOT_TOKEN:
            raise CommandError("Set SLACK_BOT_TOKEN to the app's bot token (xoxb-...), then run this again")
        with commands.sentences():
            by = commands.person(options) if options["by"] else None
            try:
                team = from_bot_token(settings.SLACK_BOT_TOKEN, by=by)
            except NotSent as failure:
                raise CommandError(failure.why) from failure
        self.stdout.write(f"Installed in {team.name} ({team.team}). What is missing still: manage.py slack_check")
