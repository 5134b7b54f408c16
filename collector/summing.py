"""What a collector tells of summing up stretches of five minutes. Not how that is done: collector/store/fives.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from collector.errors import StoreError
from collector.metrics import Metrics
from collector.store.fives import Fives
from collector.store.pausing import Pause
from collector.turns import keep_turning

EVERY_S: Final = 300.0

log: Final = logging.getLogger(__name__)


async def keep_summing(
    fives: Fives, metrics: Metrics, *, every_s: float = EVERY_S, stop: asyncio.Event, clock_us: Callable[[], int]
) -> None:
    """Sums up the fives that are over, every so many seconds until `stop`."""
    await keep_turning("summing", lambda pause: sum_up(fives, metrics, clock_us(), pause), every_s=every_s, stop=stop)


def sum_up(fives: Fives, metrics: Metrics, now_us: int, pause: Pause) -> None:
    """One turn. Never raises."""
    try:
        metrics.fives_summed.inc(fives.sum_up(now_us, pause))
    except StoreError as error:
        metrics.summing_failures.inc()
        log.warning("fives could not be summed up", extra={"code": error.code, "why": str(error)})
    except Exception:
        metrics.summing_failures.inc()
        log.exception("fives could not be summed up")
