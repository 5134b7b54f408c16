"""Tells pages that something new was stored: server-sent events, one watcher a process, whoever listens.

The watcher looks at the store's newest change a few times a second, and only while somebody listens. What changed is
not said: the page fetches its fragment. A listener that comes back says what it was told last (Last-Event-ID) and
learns at once whether it missed something.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from collector.errors import StoreError, TooManyListeners

log = logging.getLogger("collector.api")

router = APIRouter(include_in_schema=False)

LISTENERS_MAX: Final = 256
"""A page in front of somebody holds one stream; beyond this many, pages ask every few seconds instead."""
LOOK_EVERY_S: Final = 0.25
FIRST_LOOK_S: Final = 2.0
"""How long a stream waits to learn where it stands before it opens."""
HEARTBEAT_S: Final = 15.0
"""Proxies cut streams that say nothing for a minute."""
RETRY_MS: Final = 2_000


class News:
    """What is new in one store. Lives on the event loop that serves; `newest` is asked in a thread."""

    def __init__(
        self, newest: Callable[[], str], *, listeners_max: int = LISTENERS_MAX, first_look_s: float = FIRST_LOOK_S
    ) -> None:
        self._newest = newest
        self._first_look_s = first_look_s
        self._listeners_max = listeners_max
        self._mark: str | None = None
        self._listeners = 0
        self._watcher: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()

    async def listen(self, seen: str | None) -> AsyncGenerator[str, None]:
        """The stream of one listener, who was told `seen` last. Raises TooManyListeners when it is begun.

        It ends when `end` is called, or when it is closed.
        """
        if self._listeners >= self._listeners_max:
            raise TooManyListeners(self._listeners_max)
        self._listeners += 1
        ended = self._ended
        try:
            changed = self._watched()
            if self._mark is None:
                await _within(changed, self._first_look_s)
            if seen is None:
                # Where it stands, and no event. It is looked up before the stream opens, so that a page that asks
                # once it is open misses nothing; a store that does not answer now has news once it does.
                seen = self._mark or ""
            yield f"retry: {RETRY_MS}\nid: {seen}\n\n"
            while not ended.is_set():
                changed = self._watched()
                if self._mark is not None and seen != self._mark:
                    seen = self._mark
                    yield f"id: {seen}\nevent: stored\ndata:\n\n"
                elif not await _within(changed, HEARTBEAT_S):
                    yield ": still here\n\n"
        finally:
            self._listeners -= 1
            if not self._listeners:
                self._rest()

    def end(self) -> None:
        """Ends all streams, so that a server that stops waits for none. Who listens later begins anew."""
        self._ended.set()
        self._changed.set()
        self._rest()
        self._ended, self._changed = asyncio.Event(), asyncio.Event()

    def _watched(self) -> asyncio.Event:
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        return self._changed

    def _rest(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        self._watcher, self._mark = None, None

    async def _watch(self) -> None:
        while True:
            try:
                mark = await run_in_threadpool(self._newest)
            except StoreError as error:
                # Pages find out by themselves, and say so; what was stored meanwhile is told when it is back.
                log.debug("cannot look for news: %s", error)
            else:
                if mark != self._mark:
                    self._mark = mark
                    self._changed.set()
                    self._changed = asyncio.Event()
            await asyncio.sleep(LOOK_EVERY_S)


@router.get("/live")
async def live(request: Request) -> StreamingResponse:
    """Says when something new was stored, as text/event-stream."""
    news: News = request.app.state.news
    stream = news.listen(request.headers.get("last-event-id"))
    # Whoever is one too many is to hear so before the answer begins.
    first = await anext(stream)

    async def told() -> AsyncIterator[str]:
        try:
            yield first
            async for line in stream:
                yield line
        finally:
            await stream.aclose()

    return StreamingResponse(told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
