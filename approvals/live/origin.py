"""Who may open the socket: a page of this very site, scheme aside. Cookies are shared by all ports of a host, origins are not."""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import validate_host


class SameOrigin:
    """Refuse a handshake whose Origin is missing or is not the host and port that was asked (or a trusted origin)."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in {b"origin", b"host"}}
        if self._allowed(headers.get(b"origin", ""), headers.get(b"host", "")):
            return await self.application(scope, receive, send)
        denier: Any = WebsocketDenier()
        return await denier(scope, receive, send)

    def _allowed(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            hostname = parts.hostname or ""
        except ValueError:
            return False
        if not hostname or not validate_host(f"[{hostname}]" if ":" in hostname else hostname, settings.ALLOWED_HOSTS):
            return False
        return parts.netloc.lower() == host.lower() or origin in settings.CSRF_TRUSTED_ORIGINS
