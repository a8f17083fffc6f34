"""The one address of the socket."""

from typing import Any

from django.urls import path, re_path

from approvals.live.consumer import LiveConsumer

_socket: Any = LiveConsumer.as_asgi()  # Django's `path` is typed for views only


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Any other address: closed in the protocol's own way, not with a traceback."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


_other: Any = _nowhere
websocket_urlpatterns: list[Any] = [path("live/", _socket), re_path(r"", _other)]
