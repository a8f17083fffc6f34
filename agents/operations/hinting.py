"""Agent Servers are looked at sooner: a webhook says that something changed there, or something was halted or cancelled here. Needs only the database."""

import hmac
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from agents.errors import ServerTrouble
from agents.models import Server
from approvals.notify import sealing
from audit.sentences import say

SOONEST_S = 1  # however often it hints
HOOKS = "hooks/agent-servers"  # our address of it; workers write it too, and have no pages


def hook_of(server: Server) -> str:
    """The address at which the server, or whoever starts runs there, may hint that something changed. Raises ServerTrouble."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/{HOOKS}/{server.pk}/{unsealed(server.hook)}"


def hint(server_id: int, secret: str) -> bool:
    """Somebody who knows the secret says that something changed there: look soon. Nothing else of it is believed. False: it is not known."""
    server = Server.objects.filter(pk=server_id).first()
    try:
        known = unsealed(server.hook) if server else ""
    except ServerTrouble:
        return False
    if server is None or not hmac.compare_digest(known.encode(), secret.encode()):
        return False
    soon = Now() + timedelta(seconds=SOONEST_S)
    Server.objects.filter(pk=server_id, look_at__gt=soon).update(look_at=soon)
    return True


def look_soon() -> None:
    """A halt was ordered or a run cancelled: what runs elsewhere is to be stopped too."""
    Server.objects.filter(look_at__gt=Now()).update(look_at=Now())


def unsealed(sealed: str) -> str:
    """A secret of a server. Raises ServerTrouble when its key is lost."""
    try:
        return sealing.unseal(sealed)
    except sealing.Unsealable as error:
        raise ServerTrouble(
            say("The key of an Agent Server cannot be opened: SECRET_KEY changed; register the server again with --header"), sent=False
        ) from error
