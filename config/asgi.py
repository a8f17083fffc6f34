"""The ASGI process: pages over HTTP, hints over one read-only WebSocket. Origins are checked before anything else."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("COUNTERSIGN_ROLE", "web")

import django
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import get_resolver

django.setup(set_prefix=False)  # what follows may import models

from approvals.live.origin import SameOrigin  # noqa: E402
from approvals.live.routing import websocket_urlpatterns  # noqa: E402
from approvals.live.waiting import WaitingRoom  # noqa: E402
from config import loading, watchman  # noqa: E402
from config.stopping import Stopping  # noqa: E402

# Every view, before the port is open: else the first request imports them, and the first may be Slack's, which waits for three seconds only.
_ = get_resolver().url_patterns


class OneTrip(ASGIHandler):
    """Middleware and views are synchronous here: all of them run in one trip to the request's thread.

    Django's own handler goes there and back for the middleware and once more for the view.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        answer: HttpResponseBase = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        return answer


application = ProtocolTypeRouter(
    {
        "lifespan": watchman.lifespan,
        "http": Stopping(WaitingRoom(OneTrip())),
        "websocket": SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)

loading.loaded()
