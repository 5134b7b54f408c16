"""Fills a store with lives, the way a collector would: merged by an owner of partitions, written by the writer."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine

from collector.ingest.decode import Record
from collector.ingest.derive import SILENCE_US
from collector.ingest.partitions import Holder
from collector.store.changes import Session
from collector.store.writer import Writer
from tests.histories import Life, records

TOPIC: Final = "room-session-events"

Load = Callable[[Collection[UUID]], dict[UUID, Session]]


def fill(engine: Engine, lives: Iterable[Life], *, now_us: int, extra: Sequence[Record] = ()) -> None:
    """Stores the lives as they are at `now_us`: what would be appended later is left out, who is silent is lost.

    `extra` are records as they lie in the log after them, such as those that nobody can read.
    """
    log = [record for record in records(lives) if record.append_at_us <= now_us]
    log += [record._replace(offset=len(log) + place) for place, record in enumerate(extra)]
    writer = Writer(engine, "cluster", TOPIC, "tests")
    held: Any = Holder(TOPIC, writer.load)
    position = writer.offsets([0]).get(0, 0)
    held.assign({0: position})
    batch = held.take([record._replace(offset=position + record.offset) for record in log], now_us)
    writer.write(batch.changes, now_us)
    silent = writer.silent_sessions(0, now_us - SILENCE_US)
    if silent:
        writer.write(held.sweep(0, now_us, now_us, silent).changes, now_us)
