"""`manage.py slack_check`: says what is missing for Slack, a sentence each; `--reseal` brings stored tokens under the newest key."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from approvals.notify.sealing import Unsealable
from approvals.operations import slack_installs
from approvals.slack import checking
from config import commands


class Command(commands.ProductCommand):
    help = "Ask Slack whether everything is there; exit 1 when something is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reseal", action="store_true", help="encrypt stored tokens anew with the first key of SLACK_TOKEN_KEYS")

    def handle(self, *args: Any, **options: Any) -> None:
        if getattr(self, "_called_from_command_line", False):  # not from tests
            commands.as_it_runs()
        with commands.sentences():
            if options["reseal"]:
                return self._reseal()
            found = list(checking.problems())
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            sys.exit(1)
        self.stdout.write("Slack is connected and nothing is missing.")
        return None

    def _reseal(self) -> None:
        try:
            self.stdout.write(f"The tokens of {slack_installs.reseal()} workspaces are under the newest key.")
        except Unsealable as error:
            raise CommandError(str(error)) from error
