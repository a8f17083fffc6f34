"""One Web Push out, and what its failure means. The address comes from a browser: only push services that the setting names are called."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from approvals.notify import vapid
from approvals.notify.errors import NotSent
from audit.sentences import Frozen

TIMEOUT_S = 8
LOOPBACK = ("127.0.0.1", "localhost")
URGENCY = {"low": "low", "medium": "normal", "high": "high", "critical": "high"}

# What went wrong, as a delivery keeps it.
NO_URL = Frozen("That is no address")
NOT_CALLED = Frozen("%(host)s is no push service that is called from here (setting PUSH_HOSTS)")
HTTPS_ONLY = Frozen("A push service is called over https only")
ODD_PARTS = Frozen("That address has parts it should not have")
NOT_REACHED = Frozen("The push service cannot be reached: %(name)s")
BAD_KEYS = Frozen("The browser's keys cannot be used: %(why)s")
GONE = Frozen("The browser has taken its permission back; the device was removed")
NOT_MADE = Frozen("The push could not be made: %(message)s")
ANSWERS = Frozen("The push service answers %(status)s")


@dataclass(frozen=True)
class Target:
    """Where a browser takes its messages, and the keys only it can read with."""

    endpoint: str
    p256dh: str
    auth: str


def refuses(endpoint: str) -> str:
    """Why this address is not called, "" when it is. A name of the list resolves to the service's own hosts, not to ours."""
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
    except ValueError:
        return NO_URL()
    if not any(fnmatch(host, allowed) for allowed in settings.PUSH_HOSTS):
        return NOT_CALLED(host=host[:80])
    if parts.scheme != "https" and host not in LOOPBACK:
        return HTTPS_ONLY()
    return "" if not parts.username and len(endpoint) <= 1_000 else ODD_PARTS()


def send(target: Target, payload: Mapping[str, Any], *, seconds: int, level: str) -> None:
    """Send one push; the service keeps it for so many seconds. A second one with the same tag replaces the first on the device.

    Raises:
        NotSent: `gone` when the browser has taken its subscription back. Sending again does no harm: it replaces.
    """
    import requests
    from pywebpush import WebPushException, webpush

    if why := refuses(target.endpoint):
        raise NotSent(why, permanent=True)

    class Straight(requests.Session):
        """Follows no redirect: it would lead past the list of hosts."""

        def request(self, *args: Any, **kwargs: Any) -> requests.Response:
            return super().request(*args, **{**kwargs, "allow_redirects": False})

    session = Straight()
    try:
        webpush(
            {"endpoint": target.endpoint, "keys": {"p256dh": target.p256dh, "auth": target.auth}},
            data=json.dumps(payload),
            vapid_private_key=vapid.private_key(),
            vapid_claims={"sub": f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}"},
            ttl=seconds,
            timeout=TIMEOUT_S,
            headers={"Urgency": URGENCY.get(level, "normal")},
            requests_session=session,
        )
    except WebPushException as error:
        _refused(error)
    except requests.RequestException as error:
        raise NotSent(NOT_REACHED(name=type(error).__name__)) from error
    except ValueError as error:  # keys that are none
        raise NotSent(BAD_KEYS(why=error), permanent=True) from error
    finally:
        session.close()


def _refused(error: Any) -> None:
    status = getattr(error.response, "status_code", 0)
    if status in {404, 410}:
        raise NotSent(GONE(), permanent=True, gone=True) from error
    if not status:
        raise NotSent(NOT_MADE(message=error.message), permanent=True) from error
    raise NotSent(ANSWERS(status=status), permanent=status < 500 and status != 429) from error
