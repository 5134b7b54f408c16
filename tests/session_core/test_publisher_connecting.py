"""A publisher whose sink has to be waited for before anything can be sent."""

import asyncio
from collections.abc import Sequence

from session_core import wire
from session_core.clock import VirtualClock
from session_core.errors import SinkError
from session_core.outbox import Counts, Record
from session_core.publisher import MemorySink, Publisher
from tests.session_core.telling import BEGIN, event
from tests.waiting import eventually


def publisher_to(sink: MemorySink, clock: VirtualClock) -> Publisher:
    return Publisher(sink, clock=clock, jitter=lambda: 0)


async def test_events_say_that_they_are_sent_when_the_sink_has_connected() -> None:
    clock = VirtualClock(BEGIN)

    class Far(MemorySink):
        connects = 0

        async def connect(self) -> None:
            self.connects += 1
            if self.connects in {1, 2}:
                raise (SinkError("nobody there"), OSError("no route"))[self.connects - 1]
            if self.connects == 3:
                publisher.publish(event("room.connected", at_s=5))
                clock.advance(5)

    sink = Far()
    publisher = publisher_to(sink, clock)
    publisher.publish(event("room.connecting"))
    for times in (1, 2):
        await eventually(lambda: sink.connects == times)  # noqa: B023 - called at once
        assert publisher.counts == Counts(pending=1)
        clock.advance(60)
    await eventually(lambda: len(sink.records) == 2)
    sent_at = {wire.decode(record.value).message.data.sent_at for record in sink.records}
    assert sent_at == {clock.now().utc}
    assert await publisher.close() == Counts(published=2)


async def test_what_is_sent_one_by_one_waits_too_while_the_sink_is_away() -> None:
    class Leaving(MemorySink):
        async def send(self, records: Sequence[Record]) -> None:
            if len(records) > 1:
                self.is_away = True
                raise SinkError("one of them is refused", retriable=False)
            await super().send(records)

    sink, clock = Leaving(), VirtualClock(BEGIN)
    publisher = publisher_to(sink, clock)
    publisher.publish(event("room.connecting"))
    publisher.publish(event("room.connected"))
    await eventually(lambda: sink.sends == 1)
    for _ in range(50):
        await asyncio.sleep(0)
    assert sink.sends == 1
    sink.is_away = False
    clock.advance(1)
    await eventually(lambda: len(sink.records) == 2)
    assert await publisher.close() == Counts(published=2)
