"""`manage.py vapid_keys`: the key that pushes are signed with, and a new one to set when several machines share an installation."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from approvals.notify import vapid


class Command(BaseCommand):
    help = "Show the public key of pushes; --new prints a new private key for the setting VAPID_PRIVATE_KEY."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--new", action="store_true", help="print a new private key; devices have to be added again under it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(f"VAPID_PRIVATE_KEY={vapid.new_key()}")
            return
        where = "the setting VAPID_PRIVATE_KEY" if settings.VAPID_PRIVATE_KEY else f"{settings.VAR_DIR / 'vapid_private_key'}"
        self.stdout.write(f"{vapid.public_key()} (public; the private key is in {where})")
