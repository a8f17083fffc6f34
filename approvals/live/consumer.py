"""The socket: hints out, nothing in. A decision never travels here; pages fetch what their reader may see."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from approvals import permissions, queries
from approvals.live import listener
from approvals.live.outbox import Outbox
from approvals.models.people import User
from approvals.queries import CatchUp

RECHECK_S = 25.0  # role, account and session are looked at again so often (promise 3: within 30 s)
MAX_FRAME = 200
MAX_FRAMES = 60  # in one recheck interval
BYE_SIGNED_OUT, BYE_NO_ROLE, BYE_TALKATIVE = 4401, 4403, 4408
BYES = {
    BYE_SIGNED_OUT: "Your session has ended; sign in again",
    BYE_NO_ROLE: "Your role was taken away: an administrator gives roles",
}
BYE_ANOTHER_GROUP = 4406  # whoever lost a group comes back as who they are now: their pages draw themselves anew
BYE_UNSURE = 1013  # "try again later": the page connects anew by itself, and is asked for its session then

log = structlog.get_logger("approvals.live")


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """One browser. Frames out: hello, hint, resync, ping, bye. Frames in: only {"type": "ping"}."""

    _checker: asyncio.Task[None] | None = None
    _outbox: Outbox | None = None
    _frames = 0
    _groups: frozenset[str] = frozenset()

    async def connect(self) -> None:
        groups = await database_sync_to_async(self._standing)()
        if isinstance(groups, int):
            await self.close(code=groups)
            return
        self._groups = groups
        await self.accept()
        self._outbox = Outbox(self.send, instead=listener.RESYNC)
        await listener.add(self._outbox)
        await self._send_missed(self._since())
        self._checker = asyncio.create_task(self._keep_checking())

    async def disconnect(self, code: int) -> None:
        self._tell_no_more()
        if self._checker:
            self._checker.cancel()

    def _tell_no_more(self) -> None:
        if self._outbox:
            listener.remove(self._outbox)
            self._outbox.close()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Whatever comes in is only counted: there is nothing to say to this socket."""
        self._frames += 1
        if self._frames < 0:
            return  # closed already: the rest of a burst is thrown away
        if bytes_data or len(text_data or "") > MAX_FRAME or self._frames > MAX_FRAMES:
            self._frames = -(10**9)
            await self.close(code=BYE_TALKATIVE)

    async def _send_missed(self, since: int | None) -> None:
        missed: CatchUp = await database_sync_to_async(queries.catch_up)(-1 if since is None else since)
        if since is not None:
            for hint in missed.hints:
                await self.send_json(hint)
            if missed.resync:
                await self.send_json({"type": "resync"})
        await self.send_json({"type": "hello", "last": missed.last, "now": missed.now.isoformat()})

    async def _keep_checking(self) -> None:
        """A look that cannot be taken (the database is away) is not taken for a yes: nothing more is told, and the browser has to ask again."""
        try:
            await self._recheck()
        except Exception as error:  # whatever it is: without the look this socket would be open for ever
            log.warning("live.recheck_failed", error=type(error).__name__)
            self._tell_no_more()
            with suppress(Exception):  # the browser may be gone as well
                await self.close(code=BYE_UNSURE)

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            self._frames = 0
            groups = await database_sync_to_async(self._standing)()
            if isinstance(groups, int):
                await self.send_json({"type": "bye", "code": groups, "reason": BYES[groups]})
                await self.close(code=groups)
                return
            if not self._groups <= groups:
                await self.send_json({"type": "resync"})
                await self.close(code=BYE_ANOTHER_GROUP)
                return
            await self.send_json({"type": "ping"})

    def _since(self) -> int | None:
        query = dict(part.partition("=")[::2] for part in self.scope["query_string"].decode("latin-1").split("&"))
        since = query.get("since", "")
        return int(since) if since.isascii() and since.isdigit() and len(since) < 19 else None

    def _standing(self) -> frozenset[str] | int:
        """The groups of whoever listens, or why nothing more is told: session and account no longer hold, or no role is left. Asked of the
        database now."""
        session = self.scope["session"]
        fresh = session.__class__(session.session_key) if session.session_key else None
        if fresh is None or SESSION_KEY not in fresh or BACKEND_SESSION_KEY not in fresh:
            return BYE_SIGNED_OUT
        user = User.objects.filter(pk=fresh[SESSION_KEY], is_active=True).first()
        if user is None or not constant_time_compare(fresh.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
            return BYE_SIGNED_OUT
        groups = frozenset(user.groups.values_list("name", flat=True))
        return groups if groups & set(permissions.ROLES) else BYE_NO_ROLE
