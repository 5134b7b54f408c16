"""The publisher: beside the rooms, never in their way, and it loses nothing while its sink is away."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from session_core import wire
from session_core.clock import VirtualClock
from session_core.errors import SinkError
from session_core.events import EventType
from session_core.outbox import Counts, Outbox, Record
from session_core.publisher import MemorySink, Publisher
from tests.session_core.telling import BEGIN, event, session_id
from tests.waiting import eventually

TWO_KINDS: tuple[EventType, ...] = ("room.connecting", "room.connected")


def publisher_to(sink: MemorySink, clock: VirtualClock | None = None, batch_events_max: int = 500) -> Publisher:
    return Publisher(sink, clock=clock or VirtualClock(BEGIN), jitter=lambda: 0, batch_events_max=batch_events_max)


async def has_tried(sink: MemorySink, times: int) -> None:
    await eventually(lambda: sink.sends == times)


def said(sink: MemorySink) -> list[str]:
    return [wire.decode(record.value).message.id for record in sink.records]


async def test_events_arrive_in_order_and_are_counted() -> None:
    sink = MemorySink()
    async with publisher_to(sink) as publisher:
        for number in range(1_200):
            publisher.publish(event("room.reconnecting", at_s=number))
        await eventually(lambda: len(sink.records) == 1_200)
    assert said(sink) == [str(number) for number in range(1_200)]
    assert publisher.counts == Counts(published=1_200)


async def test_counts_are_a_frozen_reading() -> None:
    publisher = publisher_to(MemorySink())
    publisher.publish(event("room.connecting"))
    publisher.publish(event("participant.connected", participants=17))
    before = publisher.counts
    await publisher.close()
    assert (before, publisher.counts) == (Counts(withheld=1, pending=1), Counts(published=1, withheld=1))


async def test_everything_is_kept_while_the_sink_is_away_and_sent_in_order_when_it_is_back() -> None:
    sink, clock = MemorySink(), VirtualClock(BEGIN)
    sink.is_away = True
    publisher = publisher_to(sink, clock)
    for number in range(3):
        publisher.publish(event("room.reconnecting", at_s=number))
    await eventually(lambda: sink.sends == 1)
    clock.advance(600)
    await eventually(lambda: sink.sends == 2)
    sink.is_away = False
    publisher.publish(event("room.disconnected"))
    clock.advance(600)
    await eventually(lambda: len(sink.records) == 4)
    sent_at = {wire.decode(record.value).message.data.sent_at for record in sink.records}
    assert (said(sink), sent_at) == (["0", "1", "2", "3"], {clock.now().utc})
    assert await publisher.close() == Counts(published=4)


async def test_tries_follow_each_other_by_delays_that_grow_to_a_bound() -> None:
    sink, clock = MemorySink(), VirtualClock(BEGIN)
    sink.is_away = True
    publisher = publisher_to(sink, clock)
    publisher.publish(event("room.connecting"))
    waited = []
    for tries in range(1, 10):
        await has_tried(sink, tries)
        before = clock.now().steady_us
        while sink.sends == tries:
            clock.advance(0.1)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        waited.append(round((clock.now().steady_us - before) / 1_000_000, 1))
    assert waited == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    await publisher.close(within_s=0.01)


async def test_the_telemetry_of_all_rooms_survives_whatever_a_sink_raises() -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise ValueError

    class Faulty(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            if self.sends < 3:
                self.sends += 1
                raise (UnspeakableError, RuntimeError("a fault"), asyncio.CancelledError())[self.sends - 1]
            await super().send(records)

    sink, clock = Faulty(), VirtualClock(BEGIN)
    publisher = publisher_to(sink, clock)
    publisher.publish(event("room.connecting"))
    for tries in (1, 2, 3):
        await has_tried(sink, tries)
        clock.advance(60)
    await eventually(lambda: said(sink) == ["0"])
    assert await publisher.close() == Counts(published=1)


async def test_what_arrived_of_a_batch_is_not_sent_again() -> None:
    class Half(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            if self.sends == 0:
                self.records += records[::2]
                self.sends += 1
                raise SinkError("half of it", delivered=frozenset(range(0, len(records), 2)))
            await super().send(records)

    sink = Half()
    publisher = publisher_to(sink)
    for _ in range(5):
        publisher.publish(event("room.reconnecting"))
    assert await publisher.close() == Counts(published=5)
    assert said(sink) == ["0", "2", "4", "1", "3"]


async def test_one_event_that_is_refused_for_good_is_given_up_and_told_as_lost() -> None:
    sink = MemorySink(refuses=lambda record: b'"id":"1"' in record.value)
    publisher = publisher_to(sink)
    for _ in range(4):
        publisher.publish(event("room.reconnecting"))
    assert await publisher.close() == Counts(published=4, dropped=1)
    assert said(sink) == ["0", "2", "3", "3.1"]
    last = wire.decode(sink.records[-1].value).message
    assert (last.type, last.data.lost) == ("session.events_lost", {"refused": {"room.reconnecting": 1}})


async def test_an_event_that_cannot_be_encoded_is_counted_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    publisher = publisher_to(sink)
    good = event("room.connecting")
    publisher.publish(msgspec.structs.replace(good, session=msgspec.structs.replace(good.session, identity="\ud800")))
    assert publisher.counts.refused == 1
    assert "could not be queued: room.connecting" in caplog.text
    await publisher.close()


async def test_publishing_does_not_wait_for_a_sink_that_hangs() -> None:
    class Hanging(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            self.sends += len(records)
            await asyncio.Event().wait()

    sink = Hanging()
    publisher = publisher_to(sink, batch_events_max=1)
    publisher.publish(event("room.connecting"))
    await eventually(lambda: sink.sends)
    publisher.publish(event("room.connected"))
    assert await publisher.close(within_s=0.01) == Counts(pending=2)


async def test_closing_is_bounded_and_says_what_is_left() -> None:
    sink = MemorySink()
    sink.is_away = True
    publisher = publisher_to(sink)
    publisher.publish(event("room.connecting"))
    assert await publisher.close(within_s=0.01) == Counts(pending=1)
    sink.is_away = False
    assert await publisher.close() == Counts(published=1)


async def test_closing_sends_at_once_what_waits_for_a_sink_that_was_away() -> None:
    sink = MemorySink()
    sink.is_away = True
    publisher = publisher_to(sink)
    publisher.publish(event("room.connecting"))
    await eventually(lambda: sink.sends == 1)
    await asyncio.sleep(0)
    sink.is_away = False
    assert await publisher.close() == Counts(published=1)


async def test_a_flush_tries_again_soon_however_long_the_sink_was_away() -> None:
    sink, clock = MemorySink(), VirtualClock(BEGIN)
    sink.is_away = True
    publisher = publisher_to(sink, clock)
    publisher.publish(event("room.connecting"))
    for tries in range(1, 8):
        await has_tried(sink, tries)
        clock.advance(60)
    flushing = asyncio.create_task(publisher.flush())
    await has_tried(sink, 9)
    sink.is_away = False
    clock.advance(0.1)
    assert await flushing
    await publisher.close()


def test_what_was_under_way_when_a_loop_died_is_sent_by_the_next() -> None:
    class Hanging(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            if self.sends == 0:
                self.sends += 1
                await asyncio.Event().wait()
            await super().send(records)

    sink = Hanging()
    publisher = publisher_to(sink)
    publisher.publish(event("room.connecting"))
    dying = asyncio.new_event_loop()

    async def begin() -> None:
        await publisher.__aenter__()
        await has_tried(sink, 1)

    dying.run_until_complete(begin())
    dying.close()
    assert asyncio.run(publisher.close()) == Counts(published=1)
    assert said(sink) == ["0"]


@pytest.mark.parametrize("delivered", [frozenset({5, 9}), "0", [7], None])
async def test_a_sink_that_says_nonsense_of_what_arrived_is_merely_away(delivered: Any) -> None:
    class Confused(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            self.sends += 1
            if self.sends == 1:
                raise SinkError("confused", delivered=delivered)
            self.records += records

    sink, clock = Confused(), VirtualClock(BEGIN)
    publisher = publisher_to(sink, clock)
    for kind in TWO_KINDS:
        publisher.publish(event(kind))
    await has_tried(sink, 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (sink.sends, publisher.counts) == (1, Counts(pending=2))
    assert await publisher.close() == Counts(published=2)
    assert said(sink) == ["0", "1"]


async def test_closing_closes_the_sink_once_whether_or_not_it_was_used() -> None:
    class Counting(MemorySink):
        closed = 0

        async def close(self) -> None:
            self.closed += 1

    idle, used, never_begun = Counting(), Counting(), Counting()
    async with publisher_to(idle):
        pass
    async with publisher_to(used) as publisher:
        publisher.publish(event("room.connecting"))
        await has_tried(used, 1)
    await publisher_to(never_begun).close()
    assert (idle.closed, used.closed, never_begun.closed) == (1, 1, 1)


async def test_what_is_no_event_is_counted_and_raises_nothing() -> None:
    publisher = publisher_to(MemorySink())
    nonsense: Any = None
    publisher.publish(nonsense)
    assert await publisher.close() == Counts(refused=1)


@pytest.mark.parametrize("with_a_loop", [False, True])
async def test_threads_may_publish_beside_the_loop_that_sends(*, with_a_loop: bool) -> None:
    class Slow(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            await asyncio.sleep(0)
            await super().send(records)

    async def publish(number: int) -> None:
        for _ in range(300):
            publisher.publish(event("room.reconnecting", number))
            await asyncio.sleep(0)

    def elsewhere(number: int) -> None:
        if with_a_loop:
            asyncio.run(publish(number))
        else:
            for _ in range(300):
                publisher.publish(event("room.reconnecting", number))

    sink = Slow()
    async with publisher_to(sink, batch_events_max=7) as publisher:
        await asyncio.gather(publish(1), *(asyncio.to_thread(elsewhere, number) for number in (2, 3)))
        assert await publisher.close() == Counts(published=900)
    messages = [wire.decode(record.value).message for record in sink.records]
    told = [(message.data.session_id, message.data.seq) for message in messages]
    assert sorted(told) == [(session_id(number), seq) for number in (1, 2, 3) for seq in range(300)]
    for number in (1, 2, 3):
        assert [seq for session, seq in told if session == session_id(number)] == list(range(300))


async def test_another_loop_may_not_take_a_publisher_from_one_that_runs() -> None:
    async with publisher_to(MemorySink()) as publisher:
        for taking in (publisher.__aenter__, publisher.flush, publisher.close):
            with pytest.raises(RuntimeError, match="another event loop"):
                await asyncio.to_thread(lambda taking=taking: asyncio.run(taking()))  # type: ignore[misc]
        publisher.publish(event("room.connecting"))
    assert publisher.counts == Counts(published=1)


async def test_the_flush_of_last_resort_leaves_the_sending_to_a_loop_that_still_runs() -> None:
    sink = MemorySink()
    async with publisher_to(sink) as publisher:

        def end() -> None:
            publisher.publish(event("room.disconnected"))
            publisher.flush_without_loop()

        await asyncio.to_thread(end)
        assert said(sink) == ["0"]


async def test_a_sink_that_goes_and_comes_is_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "session_core.publisher")
    sink, clock = MemorySink(), VirtualClock(BEGIN)
    sink.is_away = True
    publisher = publisher_to(sink, clock)
    publisher.publish(event("room.connecting"))
    for tries in (1, 2, 3):
        await has_tried(sink, tries)
        clock.advance(60)
    sink.is_away = False
    await publisher.close()
    assert [record.getMessage() for record in caplog.records if record.name == "session_core.publisher"] == [
        "telemetry waits for its sink, which said: the memory is away",
        "telemetry has its sink back; 0 messages wait",
    ]


def test_what_is_queued_before_a_loop_runs_is_sent_by_the_next_loop() -> None:
    sink = MemorySink()
    publisher = publisher_to(sink)
    publisher.publish(event("room.connecting"))
    for kind in ("room.connected", "room.disconnected"):

        async def publish(kind: str = kind) -> None:
            publisher.publish(event(kind))  # type: ignore[arg-type]
            await eventually(lambda: publisher.counts.pending == 0)

        asyncio.run(publish())
    assert said(sink) == ["0", "1", "2"]


def test_the_flush_of_last_resort_needs_no_loop() -> None:
    sink = MemorySink()
    publisher = publisher_to(sink)
    publisher.publish(event("room.connecting"))
    publisher.flush_without_loop()
    assert (said(sink), publisher.counts) == (["0"], Counts(published=1))


def test_the_end_of_the_interpreter_sends_what_still_waits() -> None:
    program = """
import asyncio
from session_core.outbox import Outbox
from session_core.publisher import MemorySink, Publisher
from tests.session_core.telling import event

class Printing(MemorySink):
    async def send(self, records):
        await super().send(records)
        print("sent", len(records))

publisher = Publisher(Printing())
publisher.publish(event("room.connecting"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("sent 1\n", "")


async def test_rooms_share_one_publisher_and_leave_nothing_behind() -> None:
    outbox = Outbox()
    publisher = Publisher(MemorySink(), outbox=outbox)
    for number in range(300):
        publisher.publish(event("room.connecting", number))
        publisher.publish(event("room.disconnected", number))
    assert await publisher.close() == Counts(published=600)
    assert outbox.sessions == 0
