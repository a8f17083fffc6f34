"""The ASGI process: pages over HTTP, hints over one read-only WebSocket. Origins are checked before anything else."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("COUNTERSIGN_ROLE", "web")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

_http = get_asgi_application()  # sets Django up: what follows may import models

from approvals.live.origin import SameOrigin  # noqa: E402
from approvals.live.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": _http,
        "websocket": SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
