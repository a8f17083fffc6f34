"""One LISTEN connection per ASGI process; what it hears goes to every open socket through the in-memory layer.

A direct connection: NOTIFY does not pass a transaction pooler. After every (re)connection all browsers are
told to catch up, because what was said in between is in the table only.
"""

import asyncio
import json
from typing import Any

import psycopg
import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection as django_connection
from psycopg.conninfo import make_conninfo

log = structlog.get_logger("approvals.live")

CHANNEL = "countersign_live"
GROUP = "live"
RETRY_S = 1.0

_task: asyncio.Task[None] | None = None


def ensure_listening() -> None:
    """Start listening in the running event loop, once per process. Called by the first socket."""
    global _task
    if _task is None or _task.done() or _task.get_loop() is not asyncio.get_running_loop():
        _task = asyncio.get_running_loop().create_task(_listen_forever())


async def _listen_forever() -> None:
    first = True
    while True:
        try:
            await _listen(announce=not first)
        except (psycopg.Error, OSError) as error:
            log.warning("listen_lost", error=str(error))
        first = False
        await asyncio.sleep(RETRY_S)


async def _listen(*, announce: bool) -> None:
    dsn = make_conninfo(settings.DATABASE_DIRECT_URL, dbname=str(django_connection.settings_dict["NAME"]))
    conn = await psycopg.AsyncConnection.connect(dsn, autocommit=True, application_name="countersign-live", connect_timeout=5)
    async with conn:
        await conn.execute(f"LISTEN {CHANNEL}")
        if announce:
            await _tell({"type": "live.catchup"})
        async for notice in conn.notifies():
            await _tell({"type": "live.hint", "text": json.dumps({"type": "hint", **json.loads(notice.payload)})})


async def _tell(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(GROUP, message)
