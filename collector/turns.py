"""What a running collector does now and then beside reading: in a thread of its own, one turn after the other.

Rules:
1. A turn never raises: it logs and counts, and the next one tries again. Reading goes on whatever happens here.
2. A stop waits for the step in hand, for a moment.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from collector.store.pausing import Pause

FIRST_AFTER_S: Final = 60.0
"""A collector that starts has other things to do first."""
STOP_WITHIN_S: Final = 5.0


async def keep_turning(name: str, turn: Callable[[Pause], object], *, every_s: float, stop: asyncio.Event) -> None:
    """Takes a turn every so many seconds until `stop`; 0: never."""
    if not every_s:
        return
    stopping = threading.Event()
    # Not waited for: a store that hangs must not hold up a stop.
    thread = ThreadPoolExecutor(1, name)
    wait_s = min(every_s, FIRST_AFTER_S)
    try:
        while not await _is_set_within(stop, wait_s):
            wait_s = every_s
            run: asyncio.Future[object] = asyncio.get_running_loop().run_in_executor(thread, turn, stopping.wait)
            stopped = asyncio.ensure_future(stop.wait())
            await asyncio.wait((run, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                stopping.set()
                await asyncio.wait((run,), timeout=STOP_WITHIN_S)
            stopped.cancel()
    finally:
        stopping.set()
        thread.shutdown(wait=False, cancel_futures=True)


async def _is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
