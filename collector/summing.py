"""What a collector tells of summing up quarters of an hour. Not how that is done: collector/store/quarters.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from collector.errors import StoreError
from collector.metrics import Metrics
from collector.store.pausing import Pause
from collector.store.quarters import Quarters
from collector.turns import keep_turning

EVERY_S: Final = 300.0

log: Final = logging.getLogger(__name__)


async def keep_summing(
    quarters: Quarters, metrics: Metrics, *, every_s: float = EVERY_S, stop: asyncio.Event, clock_us: Callable[[], int]
) -> None:
    """Sums up the quarters that are over, every so many seconds until `stop`."""
    await keep_turning(
        "summing", lambda pause: sum_up(quarters, metrics, clock_us(), pause), every_s=every_s, stop=stop
    )


def sum_up(quarters: Quarters, metrics: Metrics, now_us: int, pause: Pause) -> None:
    """One turn. Never raises."""
    try:
        metrics.quarters_summed.inc(quarters.sum_up(now_us, pause))
    except StoreError as error:
        metrics.summing_failures.inc()
        log.warning("quarters could not be summed up", extra={"code": error.code, "why": str(error)})
    except Exception:
        metrics.summing_failures.inc()
        log.exception("quarters could not be summed up")
