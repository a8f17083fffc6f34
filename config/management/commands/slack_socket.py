"""`manage.py slack_socket`: the role "slack": Socket Mode, until it is told to stop. `make run` starts it when SLACK_APP_TOKEN is set."""

import os
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from approvals.slack import socket
from config import commands


class Command(commands.ProductCommand):
    help = "Hear Slack over a connection of our own (Socket Mode)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SLACK_APP_TOKEN:
            raise CommandError("Set SLACK_APP_TOKEN to an app-level token with connections:write, or use the request addresses")
        over = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: over.set())
        try:
            socket.serve(over)
        except socket.Unreachable as error:
            raise CommandError(f"Slack cannot be reached over Socket Mode: {error}") from error
        if not over.is_set():
            raise CommandError("The connection to Slack was lost and could not be had again")
        os._exit(0)  # the SDK's threads are no daemons
