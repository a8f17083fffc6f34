"""News that the tools behind the gate changed: heard from the server behind, passed on to whoever listed them. Used by `gateway` and `behind` only.

MCP tells it in two ways: to clients that shook hands (to 2025-11-25) as a notification on their connection, to newer ones on a stream they ask for.
"""

from collections import OrderedDict
from contextlib import suppress
from typing import Any

import anyio
from mcp import Client, types
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError

PATIENCE_S = 2.0  # a caller that reads nothing keeps nobody else from hearing it
MOST_CALLERS = 256


class Changes:
    """Whom to tell, and the telling."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()  # newer callers listen here
        self._callers: OrderedDict[int, ServerSession] = OrderedDict()

    def listed_by(self, session: ServerSession) -> None:
        """This caller has seen the tools: it is told when they change. One that shook no hands asks for a stream instead."""
        connection = id(session.client_params)  # one per connection, kept alive by the session
        if session.client_params is None or connection in self._callers:
            return
        self._callers[connection] = session
        if len(self._callers) > MOST_CALLERS:
            self._callers.popitem(last=False)

    async def happened(self) -> None:
        await self.bus.publish(ToolsListChanged())
        for session in list(self._callers.values()):
            with anyio.move_on_after(PATIENCE_S), suppress(Exception):  # it has gone
                await session.send_tool_list_changed()

    async def hear(self, message: Any) -> None:
        """What the server behind says beside its answers."""
        if isinstance(message, types.ToolListChangedNotification):
            await self.happened()


async def listening(client: Client) -> None:
    """Ask a newer server to tell; it goes to the message handler of the client. An older one tells unasked."""
    with suppress(ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError):
        async with client.listen(tools_list_changed=True) as news:
            async for _ in news:
                pass


class Telling(Server[Any]):
    """A server that says, whoever speaks to it and how, that it will tell of changes."""

    def __init__(self, name: str, changes: Changes, **handlers: Any) -> None:
        super().__init__(name, on_subscriptions_listen=ListenHandler(changes.bus), **handlers)

    def create_initialization_options(
        self, notification_options: NotificationOptions | None = None, *more: Any, **named: Any
    ) -> InitializationOptions:
        return super().create_initialization_options(notification_options or NotificationOptions(tools_changed=True), *more, **named)
