"""Time as the session core's rim sees it: a reading, and a call at a later one.

`SystemClock` is the only place of this package that reads the machine's clocks. `VirtualClock` is its twin whose hands
are moved by whoever holds it, so that tests need not wait and a day can be lived in seconds. The heart of the core
knows neither: its time comes in as a `Moment`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from session_core.events import Moment
from session_core.instants import us_from_utc

Call = Callable[[], None]


class Timer(Protocol):
    """A call that is yet to come."""

    def cancel(self) -> None:
        """Makes the call not come; does nothing when it came."""


class Clock(Protocol):
    """What tells the time and calls back."""

    def now(self) -> Moment:
        """Both clocks, read together."""

    def call_at(self, steady_us: int, call: Call) -> Timer:
        """Calls once `now().steady_us` has reached `steady_us`, from the running event loop; never at once."""


class SystemClock:
    """The machine's clocks and the running event loop's timers."""

    def now(self) -> Moment:
        """Both clocks, read together."""
        # The one reading of real time in this package: everything else is told the time.
        return Moment(time.time_ns() // 1000, time.monotonic_ns() // 1000)  # noqa: TID251

    def call_at(self, steady_us: int, call: Call) -> Timer:
        """Calls when that time has come, from the running event loop."""
        return asyncio.get_running_loop().call_later((steady_us - self.now().steady_us) / 1_000_000, call)


class VirtualClock:
    """A clock that stands still until it is moved.

    Calls that are due at once come from the running event loop, as with the machine's clock; later ones come while the
    clock is moved past them, each at its own time.
    """

    def __init__(self, begin: datetime) -> None:
        self._now = Moment(us_from_utc(begin), 0)
        self._calls: list[tuple[int, int, _Due]] = []
        self._numbers = itertools.count()

    def now(self) -> Moment:
        """Where the hands stand."""
        return self._now

    def call_at(self, steady_us: int, call: Call) -> Timer:
        """Calls when the clock has been moved there."""
        due = _Due(call)
        heapq.heappush(self._calls, (steady_us, next(self._numbers), due))
        if steady_us <= self._now.steady_us:
            with suppress(RuntimeError):  # without a running loop it comes when the clock is next moved
                asyncio.get_running_loop().call_soon(self.advance, 0)
        return due

    def advance(self, by_s: float) -> None:
        """Moves the hands and makes the calls that become due on the way, in order of their times."""
        goal = self._now.later(round(by_s * 1_000_000))
        while self._calls and self._calls[0][0] <= goal.steady_us:
            at_us, _, due = heapq.heappop(self._calls)
            self._now = self._now.later(max(at_us - self._now.steady_us, 0))
            due.come()
        self._now = goal

    def step_wall(self, by_s: float) -> None:
        """Moves the wall clock alone, as a correction by the network does."""
        self._now = Moment(self._now.utc_us + round(by_s * 1_000_000), self._now.steady_us)


class _Due:
    """A call of a virtual clock."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call: Call | None = call

    def cancel(self) -> None:
        self._call = None

    def come(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()
