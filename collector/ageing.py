"""The schedule by which a running collector deletes what is old. Not how that is done: collector/store/ageing.py.

Rules:
1. Every collector looks; the store lets one do it. Where another one is at it, that is as good.
2. A failure is logged and counted, and the next turn tries again: reading goes on whatever happens here.
3. A stop waits for the step in hand, for a moment.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from collector.errors import RetentionBusy, StoreError
from collector.metrics import Metrics
from collector.store.ageing import Ageing, Pause

FIRST_AFTER_S: Final = 60.0
"""A collector that starts has other things to do first."""
STOP_WITHIN_S: Final = 5.0

log = logging.getLogger(__name__)


async def keep_ageing(
    ageing: Ageing, metrics: Metrics, *, every_s: float, stop: asyncio.Event, clock_us: Callable[[], int]
) -> None:
    """Does away with what is old every so many seconds until `stop`; 0: never."""
    if not every_s:
        return
    stopping = threading.Event()
    # Not waited for: a store that hangs must not hold up a stop.
    thread = ThreadPoolExecutor(1, "ageing")
    wait_s = min(every_s, FIRST_AFTER_S)
    try:
        while not await _is_set_within(stop, wait_s):
            wait_s = every_s
            run: asyncio.Future[None] = asyncio.get_running_loop().run_in_executor(
                thread, age, ageing, metrics, clock_us(), stopping.wait
            )
            stopped = asyncio.ensure_future(stop.wait())
            await asyncio.wait((run, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                stopping.set()
                await asyncio.wait((run,), timeout=STOP_WITHIN_S)
            stopped.cancel()
    finally:
        stopping.set()
        thread.shutdown(wait=False, cancel_futures=True)


def age(ageing: Ageing, metrics: Metrics, now_us: int, pause: Pause) -> None:
    """One turn. Never raises."""
    try:
        done = ageing.run(now_us, pause, lambda gone: metrics.rows_aged.labels(gone.kind).inc(gone.rows))
        metrics.oldest_day.set((ageing.oldest_day_us(now_us) or 0) / 1_000_000)
        for table, size in ageing.sizes().items():
            metrics.store_bytes.labels(table).set(size)
        if done:
            metrics.aged_at.set(now_us / 1_000_000)
    except RetentionBusy:
        log.debug("another collector deletes what is old")
    except StoreError as error:
        metrics.ageing_failures.inc()
        log.warning("what is old could not be deleted", extra={"code": error.code, "why": str(error)})
    except Exception:
        metrics.ageing_failures.inc()
        log.exception("what is old could not be deleted")


async def _is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
