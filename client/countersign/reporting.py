"""What came of a call is told to Countersign, also when it is away at that moment: again and again, beside whatever the gateway does next.

Where nobody hears it in the end, the caller has still been told what the tool said: calling it again would be worse.
"""

import asyncio
import logging
import re
from typing import Any

from countersign.client import AsyncClient
from countersign.enduring import to_the_end
from countersign.errors import CountersignError, Unreachable
from countersign.values import Claim

FIRST_S, MOST_S, ALL_S = 2.0, 30.0, 3_600.0  # pauses between two tries, and how long it is tried; a claim is taken for lost after minutes
_UNTOLD = re.compile("[\x00\ud800-\udfff]")  # what no body of the API may hold
log = logging.getLogger("countersign")


class Reports:
    """Those of one gateway."""

    def __init__(self, people: AsyncClient) -> None:
        self._people = people
        self._later: set[asyncio.Task[None]] = set()

    async def tell(self, leave: Claim, status: str, **more: Any) -> bool:
        """Say what came of it, also when whoever waits for us is cancelled meanwhile. Whether it was heard by now."""
        if "reason" in more:
            more["reason"] = _UNTOLD.sub("\N{REPLACEMENT CHARACTER}", more["reason"])
        heard: list[bool] = []

        async def tell() -> None:
            try:
                heard.append(await self._told(leave, status, more))
            except Unreachable as away:
                log.warning("What came of %s (%s) could not be reported yet; it is tried again: %s", leave.action, status, away)
                later = asyncio.create_task(self._until_heard(leave, status, more))
                self._later.add(later)
                later.add_done_callback(self._later.discard)

        await to_the_end(tell)
        return any(heard)

    async def _told(self, leave: Claim, status: str, more: dict[str, Any]) -> bool:
        """Raises Unreachable: nobody says whether it was heard."""
        try:
            await self._people.report(leave.action, status, **more)
        except Unreachable:
            raise
        except CountersignError as untold:
            log.warning("What came of %s (%s) could not be reported: %s", leave.action, status, untold)
            return False
        return True

    async def _until_heard(self, leave: Claim, status: str, more: dict[str, Any]) -> None:
        pause, slept = FIRST_S, 0.0
        while slept < ALL_S:
            await asyncio.sleep(pause)
            slept, pause = slept + pause, min(MOST_S, pause * 2)
            try:
                if await self._told(leave, status, more):
                    log.warning("What came of %s (%s) is reported now", leave.action, status)
                return
            except Unreachable:
                continue
        log.error("What came of %s (%s) was never reported: nobody answered", leave.action, status)
