"""What a collector tells of deleting what is old. Not how that is done: collector/store/ageing.py.

Every collector looks; the store lets one do it. Where another one is at it, that is as good.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from collector.errors import RetentionBusy, StoreError
from collector.metrics import Metrics
from collector.store.ageing import Ageing
from collector.store.pausing import Pause
from collector.turns import keep_turning

log: Final = logging.getLogger(__name__)


async def keep_ageing(
    ageing: Ageing, metrics: Metrics, *, every_s: float, stop: asyncio.Event, clock_us: Callable[[], int]
) -> None:
    """Does away with what is old every so many seconds until `stop`; 0: never."""
    await keep_turning("ageing", lambda pause: age(ageing, metrics, clock_us(), pause), every_s=every_s, stop=stop)


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
