"""Which event loop runs, and one for when none can: what asyncio leaves to those who are used from everywhere."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future
from typing import Any, Final

EXIT_WITHIN_S: Final = 2.0
"""How long the end of the interpreter waits for what is still unsent."""


class LoopOfLastResort(asyncio.SelectorEventLoop):
    """An event loop for the end of the interpreter, when no thread can be started to look up names."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> list[Any]:
        """Looks a name up here and now."""
        return socket.getaddrinfo(host, port, **hints)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of this thread, if one runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def is_being_cancelled() -> bool:
    """Tells a cancellation of this task from one that a client let escape."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def within(within_s: float, future: Future[None]) -> bool:
    """Waits for another thread's answer, for so long at most; whether it came. Who waits for it no more cancels it."""
    if future.done():
        return True
    waiting = asyncio.wrap_future(future)
    try:  # not wait_for(), which on Python 3.11 swallows a cancellation that comes with the answer
        done, _ = await asyncio.wait({waiting}, timeout=within_s)
    finally:
        waiting.cancel()
    return bool(done)
