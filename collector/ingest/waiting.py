"""How the loop waits while the store or the dead letters are away: it goes on polling, lest the group give up on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from collector.ingest.group import Member
from collector.ingest.storing import Abandoned

IDLE_POLL_S: Final = 0.5
WRITING_POLL_S: Final = 0.05
"""How long a poll lasts while a batch is being written, which another one could follow."""


class LoopPatience:
    """Waits while the store or the dead letters are away, until there is no use in it."""

    def __init__(self, member: Member, stop: asyncio.Event, show: Callable[[], None]) -> None:
        self._member = member
        self._stop = stop
        self._show = show

    async def wait(self, seconds: float) -> None:
        """Paused and polling. Raises Abandoned."""
        await self._until(seconds, self._member.keep_alive)

    async def rest(self, seconds: float) -> None:
        """While the loop polls. Raises Abandoned."""
        await self._until(seconds, asyncio.sleep)

    async def keep_alive(self) -> None:
        """Polls once."""
        self._show()
        await self._member.keep_alive(WRITING_POLL_S)

    async def _until(self, seconds: float, step: Callable[[float], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left_s := until - loop.time()) > 0:
            self._show()
            if self._stop.is_set() or self._member.changing.is_set():
                raise Abandoned
            await step(min(left_s, IDLE_POLL_S))
