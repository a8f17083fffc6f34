"""One LISTEN connection per ASGI process; what it hears is put into the outbox of every open socket of this process.

A direct connection: NOTIFY does not pass a transaction pooler. After every (re)connection all browsers are
told to catch up, because what was said in between is in the table only.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from django.conf import settings
from django.db import connection as django_connection
from psycopg.conninfo import make_conninfo

from approvals.live.outbox import Outbox

log = structlog.get_logger("approvals.live")

CHANNEL = "countersign_live"
RESYNC = json.dumps({"type": "resync"})
RETRY_S = 1.0

PATIENCE_S = 2.0

_task: asyncio.Task[None] | None = None
_ready = asyncio.Event()
# A Channels group in one process would do the same with three tasks for each frame and browser (docs/adr/0010).
_open: set[Outbox] = set()
# Whoever waits for one object only (approvals.live.waiting), by its id.
_awaited: dict[str, set[asyncio.Event]] = defaultdict(set)


async def add(outbox: Outbox) -> None:
    """From now on, this socket hears every hint; what came before is for its caller to look up, after this.

    While PostgreSQL does not let us listen it is added all the same, and told to look again when we do.
    """
    _ensure_listening()
    with suppress(TimeoutError):
        await asyncio.wait_for(_ready.wait(), PATIENCE_S)
    _open.add(outbox)


@asynccontextmanager
async def news(object_id: str) -> AsyncIterator[asyncio.Event]:
    """An event that is set by whatever is heard of this object from now on, and whenever something may have been missed."""
    _ensure_listening()
    with suppress(TimeoutError):
        await asyncio.wait_for(_ready.wait(), PATIENCE_S)
    heard = asyncio.Event()
    _awaited[object_id].add(heard)
    try:
        yield heard
    finally:
        _awaited[object_id].discard(heard)
        if not _awaited[object_id]:
            del _awaited[object_id]


def standing() -> bool | None:
    """Whether this process hears what is told; None: nobody has asked it to yet."""
    return _ready.is_set() if _task is not None else None


def remove(outbox: Outbox) -> None:
    _open.discard(outbox)


def _ensure_listening() -> None:
    """Start listening in the running event loop, once per process."""
    global _task, _ready
    if _task is None or _task.done() or _task.get_loop() is not asyncio.get_running_loop():
        _ready = asyncio.Event()
        _open.clear()
        _awaited.clear()
        _task = asyncio.get_running_loop().create_task(_listen_forever())


async def _listen_forever() -> None:
    while True:
        try:
            await _listen()
        except (psycopg.Error, OSError) as error:
            log.warning("listen_lost", error=str(error))
        _ready.clear()
        await asyncio.sleep(RETRY_S)


async def _listen() -> None:
    dsn = make_conninfo(settings.DATABASE_DIRECT_URL, dbname=str(django_connection.settings_dict["NAME"]))
    conn = await psycopg.AsyncConnection.connect(dsn, autocommit=True, application_name="countersign-live", connect_timeout=5)
    async with conn:
        await conn.execute(f"LISTEN {CHANNEL}")
        _tell(RESYNC)  # whoever is there already heard nothing for a while
        _wake(*list(_awaited))
        _ready.set()
        async for notice in conn.notifies():
            hint = json.loads(notice.payload)
            _tell(json.dumps({"type": "hint", **hint}))
            _wake(hint["object_id"])


def _tell(frame: str) -> None:
    for outbox in _open:
        outbox.put(frame)


def _wake(*object_ids: str) -> None:
    for object_id in object_ids:
        for heard in _awaited.get(object_id, ()):
            heard.set()
