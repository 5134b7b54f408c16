"""Sessions of days that the store has no room for: refused once by the store, then before they get there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import Engine

from collector.errors import RowRefused
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.ingest.taking import Batch, refusals
from collector.store.engine import make_engine
from collector.store.partitions_postgresql import REFUSED_FOR_US, STRAY_DAYS_MAX
from collector.store.retention import DAY_US, NO_DAY
from collector.store.writer import Writer
from tests.histories import Life, records, session_id

NOW_US: Final = 1_795_000_000_000_000
TOO_MANY: Final = STRAY_DAYS_MAX + 1


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    made = make_engine(postgresql_url)
    yield made
    made.dispose()


def a_log(*, connected: bool = True) -> list[Record]:
    """A session of each of 65 days of long ago, told of now."""
    lives = [Life(session_id(number, (number + 1) * DAY_US), NOW_US).connecting() for number in range(TOO_MANY)]
    return records([life.connected() if connected else life for life in lives])


class Reading:
    """A collector's hold of one partition."""

    def __init__(self, engine: Engine) -> None:
        self.writer = Writer(engine, "c", "t", "g")
        self.holder = Holder("t", self.writer.load, days_refused=self.writer.days_refused)
        self.holder.assign({0: 0})

    def take(self, log: list[Record], now_us: int, error: RowRefused | None = None) -> Batch:
        """Takes them as the next records of the log."""
        at = self.holder.positions[0]
        placed = [one._replace(offset=at + place) for place, one in enumerate(log)]
        return self.holder.take(placed, now_us, None if error is None else refusals(error))

    def write(self, batch: Batch, now_us: int) -> None:
        """Writes a batch that was taken."""
        self.writer.write(batch.changes, now_us)
        self.holder.wrote(batch)


def refused_by_the_store(reading: Reading) -> None:
    """Has the store refuse the day that it has no room for, and the rest written."""
    with pytest.raises(RowRefused) as refused:
        reading.write(reading.take(a_log(connected=False), NOW_US), NOW_US)
    reading.holder.drop([0])
    reading.write(reading.take(a_log(connected=False), NOW_US, refused.value), NOW_US)


def test_what_the_store_had_no_day_for_is_refused_before_it_gets_there_and_holds_up_nobody(engine: Engine) -> None:
    reading = Reading(engine)
    refused_by_the_store(reading)
    batch = reading.take(a_log(), NOW_US + 1)
    reading.write(batch, NOW_US + 1)
    told = {(one.reason, one.place, one.detail) for one in batch.changes.dead_letters}
    assert told == {("clock-out-of-range", "$.data.session_id", NO_DAY)}
    assert {one.key for one in batch.changes.dead_letters} == {str(session_id(0, DAY_US)).encode()}
    assert batch.results["room.connected", "stored"] == STRAY_DAYS_MAX


def test_after_a_while_the_store_is_asked_again(engine: Engine) -> None:
    reading = Reading(engine)
    refused_by_the_store(reading)
    later_us = NOW_US + REFUSED_FOR_US
    with pytest.raises(RowRefused, match="too many such days"):
        reading.write(reading.take(a_log(), later_us), later_us)


def test_an_event_that_has_no_row_needs_no_day(engine: Engine) -> None:
    reading = Reading(engine)
    refused_by_the_store(reading)
    kept = Holder("t", reading.writer.load, events_us=DAY_US, days_refused=reading.writer.days_refused)
    kept.assign({1: 0})
    old = [one._replace(partition=1, append_at_us=NOW_US - 2 * DAY_US) for one in a_log()]
    batch = kept.take(old, NOW_US + 1)
    assert (len(batch.changes.dead_letters), len(batch.changes.sessions)) == (0, TOO_MANY)
