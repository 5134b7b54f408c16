"""The two clocks: the machine's, and the one whose hands are moved."""

from __future__ import annotations

import asyncio

from session_core.clock import SystemClock, VirtualClock
from session_core.events import Moment
from tests.session_core.telling import BEGIN, BEGIN_US
from tests.waiting import eventually


async def test_the_machines_clock_calls_when_its_time_has_come() -> None:
    clock = SystemClock()
    before = clock.now()
    came: list[Moment] = []
    clock.call_at(before.steady_us + 2_000, lambda: came.append(clock.now()))
    assert came == []
    await eventually(lambda: came)
    assert came[0].steady_us - before.steady_us >= 1_000
    assert came[0].utc_us > before.utc_us


async def test_a_call_that_was_cancelled_does_not_come() -> None:
    clock, came = SystemClock(), []
    clock.call_at(0, lambda: came.append("cancelled")).cancel()
    clock.call_at(0, lambda: came.append("kept"))
    await eventually(lambda: came)
    assert came == ["kept"]


def test_a_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(BEGIN)
    assert clock.now() == Moment(BEGIN_US, 0)
    clock.advance(1.5)
    clock.step_wall(-3)
    assert clock.now() == Moment(BEGIN_US - 1_500_000, 1_500_000)


def test_calls_come_in_the_order_of_their_times_each_at_its_own() -> None:
    clock = VirtualClock(BEGIN)
    came: list[tuple[str, int]] = []

    def note(name: str) -> None:
        came.append((name, clock.now().steady_us))

    def chain() -> None:
        note("first")
        clock.call_at(2_000_000, lambda: note("second, asked for by the first"))

    clock.call_at(3_000_000, lambda: note("third"))
    clock.call_at(1_000_000, chain)
    clock.call_at(9_000_000, lambda: note("not yet"))
    clock.call_at(1_500_000, lambda: note("never")).cancel()
    clock.advance(5)
    assert came == [("first", 1_000_000), ("second, asked for by the first", 2_000_000), ("third", 3_000_000)]
    assert clock.now().steady_us == 5_000_000


async def test_what_is_due_at_once_comes_from_the_event_loop() -> None:
    clock, came = VirtualClock(BEGIN), []
    clock.call_at(0, lambda: came.append(True))
    assert came == []
    await asyncio.sleep(0)
    assert came == [True]


def test_what_is_due_at_once_without_a_loop_comes_when_the_clock_is_moved() -> None:
    clock, came = VirtualClock(BEGIN), []
    clock.call_at(0, lambda: came.append(True))
    clock.advance(0)
    assert came == [True]
