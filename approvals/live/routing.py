"""The one address of the socket."""

from typing import Any

from django.urls import path

from approvals.live.consumer import LiveConsumer

_socket: Any = LiveConsumer.as_asgi()  # Django's `path` is typed for views only
websocket_urlpatterns: list[Any] = [path("live/", _socket)]
