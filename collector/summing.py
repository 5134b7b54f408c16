"""What a collector tells of summing up fives and hours. Not how that is done: collector/store/stretches.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from collector.errors import StoreError
from collector.metrics import Metrics
from collector.store.pausing import Pause
from collector.store.stretches import Stretches
from collector.turns import keep_turning

EVERY_S: Final = 60.0

log: Final = logging.getLogger(__name__)


async def keep_summing(
    stretches: Stretches,
    metrics: Metrics,
    *,
    every_s: float = EVERY_S,
    stop: asyncio.Event,
    clock_us: Callable[[], int],
) -> None:
    """Sums up the stretches that are over, every so many seconds until `stop`."""
    await keep_turning(
        "summing", lambda pause: sum_up(stretches, metrics, clock_us(), pause), every_s=every_s, stop=stop
    )


def sum_up(stretches: Stretches, metrics: Metrics, now_us: int, pause: Pause) -> None:
    """One turn. Never raises."""
    try:
        metrics.stretches_summed.inc(stretches.sum_up(now_us, pause))
    except StoreError as error:
        metrics.summing_failures.inc()
        log.warning("stretches could not be summed up", extra={"code": error.code, "why": str(error)})
    except Exception:
        metrics.summing_failures.inc()
        log.exception("stretches could not be summed up")
