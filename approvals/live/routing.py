"""The one address of the socket."""

from django.urls import path

from approvals.live.consumer import LiveConsumer

websocket_urlpatterns = [path("live/", LiveConsumer.as_asgi())]
