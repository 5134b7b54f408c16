"""Tells a topic what a fleet tells, when it tells it: a producer of its own process, paced by the clock on the wall.

The events are made before the window opens, so that while they are sent their making takes no CPU from whoever is
measured. The broker stamps them (LogAppendTime); when and where each was appended comes back with the acknowledgement.
"""

from __future__ import annotations

import multiprocessing
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final

from confluent_kafka import Message, Producer

from benchmarks.filling import LIFE_MAX_S, PRODUCER, Window, live_at, send

S: Final = 1_000_000
SLICE_S: Final = 0.005
# What making an event takes, and passing over one from before the window. Where it takes longer, all is sent later.
MADE_US: Final = 60
PASSED_US: Final = 15


@dataclass
class Acknowledged:
    """Where records went and when the broker appended them (ms since 1970), in the order of the acknowledgements."""

    partitions: array[int] = field(default_factory=lambda: array("i"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    append_ms: array[int] = field(default_factory=lambda: array("q"))
    late_s: float = 0.0

    def note(self, error: object, message: Message) -> None:
        """What the producer calls for each record."""
        if error is not None:
            raise RuntimeError(f"a record was not taken: {error}")
        self.partitions.append(message.partition() or 0)
        self.offsets.append(message.offset() or 0)
        self.append_ms.append(message.timestamp()[1])


@dataclass(frozen=True)
class Pacing:
    """A paced producer. It begins when its events are made, and says so."""

    live: int
    _process: multiprocessing.process.BaseProcess
    _pipe: Connection

    def wait_until_open(self) -> None:
        """Returns when the first event is about to be sent."""
        self._pipe.recv()

    @property
    def is_over(self) -> bool:
        """Whether everything is sent and acknowledged."""
        return self._pipe.poll()

    def acknowledged(self) -> Acknowledged:
        """Waits for the end."""
        told: Acknowledged = self._pipe.recv()
        return told


@contextmanager
def paced(bootstrap: str, topic: str, events_a_s: float, seconds: float) -> Iterator[Pacing]:
    """A producer that is under way; it is ended with the block."""
    live = live_at(events_a_s)
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=_pace, args=(bootstrap, topic, live, seconds, events_a_s, its), daemon=True)
    process.start()
    try:
        yield Pacing(live, process, mine)
    finally:
        process.terminate()
        process.join()


def _pace(bootstrap: str, topic: str, live: int, seconds: float, events_a_s: float, pipe: Connection) -> None:
    making_s = (seconds * MADE_US + LIFE_MAX_S * PASSED_US) * events_a_s / S
    opens_us = _now_us() + int(making_s * S)
    events = list(Window(opens_us, opens_us + int(seconds * S), live).told())
    acknowledged = Acknowledged(late_s=max(0.0, (_now_us() - opens_us) / S))
    shift_us = int(acknowledged.late_s * S)
    producer = Producer({"bootstrap.servers": bootstrap, **PRODUCER, "linger.ms": 5, "on_delivery": acknowledged.note})
    _sleep_until(opens_us + shift_us)
    pipe.send(None)
    for told in events:
        while told.append_at_us + shift_us > _now_us():
            producer.poll(0)
            time.sleep(SLICE_S)  # noqa: TID251 - the pace
        send(producer, topic, told)
    producer.flush()
    pipe.send(acknowledged)


def _sleep_until(at_us: int) -> None:
    time.sleep(max(0.0, (at_us - _now_us()) / S))  # noqa: TID251 - as above


def _now_us() -> int:
    return time.time_ns() // 1000  # noqa: TID251 - what the broker stamps records by
