"""`manage.py slack_manifest`: the app's manifest for this installation, to be pasted at api.slack.com/apps, "From a manifest"."""

import json
from typing import Any

from django.core.management.base import CommandParser

from approvals.slack.manifest import manifest
from config import commands


class Command(commands.ProductCommand):
    help = "Print the Slack app's manifest, with scopes and addresses of this installation filled in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--socket", action="store_true", help="for Socket Mode: no address of yours has to be reachable (default: with SLACK_APP_TOKEN)"
        )
        parser.add_argument("--http", action="store_true", help="for request addresses, also when SLACK_APP_TOKEN is set")
        parser.add_argument("--rotate", action="store_true", help="tokens that are renewed every twelve hours")

    def handle(self, *args: Any, **options: Any) -> None:
        if getattr(self, "_called_from_command_line", False):  # not from tests
            commands.as_it_runs()
        socket = None if not (options["socket"] or options["http"]) else bool(options["socket"])
        self.stdout.write(json.dumps(manifest(socket=socket, rotate=options["rotate"]), indent=2))
