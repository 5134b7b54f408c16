"""Whoever sums up fives and hours while others write, are killed and are cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Final

from sqlalchemy import Engine

from collector.errors import StoreUnavailable
from collector.store.stretches import Stretches

AHEAD_US: Final = 2 * 3_600_000_000
"""By this clock all stretches are over that anybody tells of, so that writers take back what was just summed up."""
PAUSE_S: Final = 0.05


@contextmanager
def summing(engine: Engine, now_us: Callable[[], int]) -> Iterator[None]:
    """Sums up again and again meanwhile. Raises what ends it, but for a store that is away."""
    ended = Event()

    def sum_up() -> None:
        while not ended.wait(PAUSE_S):
            try:
                Stretches(engine).sum_up(now_us() + AHEAD_US, ended.wait)
            except StoreUnavailable:
                continue

    with ThreadPoolExecutor(1) as alone:
        running = alone.submit(sum_up)
        try:
            yield
        finally:
            ended.set()
        running.result()
