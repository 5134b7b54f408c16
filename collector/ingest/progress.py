"""What is known of the partitions that are ours: how far they are read and stored, and what time it is in them. Pure.

Rules:
1. The clock that is trusted is the broker's. Where a topic carries the producers' times instead (CreateTime), a
   record's append time is the time at which it was read, as long as we are caught up; in a backlog it is the
   producer's, but never later than now.
2. "Now" in stream time is the broker's now, as far as records that were read at once let us know it: a wrong clock on
   this machine must not make anybody lost.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from collector.ingest.decode import Record
from collector.ingest.positions import Start
from collector.ingest.watchdog import stream_time_us

LOG_APPEND_TIME: Final = 1
"""Kafka's `timestamp_type` of a record that the broker stamped."""
FRESH_US: Final = 5_000_000
"""A partition that was caught up this recently still is: what comes now was appended just now."""
SKEW_WINDOW_US: Final = 60_000_000
_S: Final = 1_000_000
# What Record(…) does, without a call of Python: it is made for every record.
_record: Final = partial(tuple.__new__, Record)


class Lag(NamedTuple):
    """How far a partition is behind: records not stored yet, and the age of the oldest of them."""

    messages: int
    seconds: float


@dataclass(slots=True)
class _Partition:
    read_to: int
    stored_to: int
    end: int
    began_us: int
    swept_us: int
    newest_append_us: int | None = None
    pending_since_us: int | None = None
    caught_up_us: int | None = None


class _BrokerClock:
    """How much this machine's clock is ahead of the broker's: the least that was seen between appending and reading.

    Kept for two windows, so that a clock that was set is believed after a while.
    """

    def __init__(self) -> None:
        self._began_us = 0
        self._least_us: int | None = None
        self._before_us: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether a record was read at once."""
        return self._least_us is not None or self._before_us is not None

    def saw(self, append_us: int, now_us: int) -> None:
        """A record of this append time was read now, just after it came."""
        if now_us - self._began_us >= SKEW_WINDOW_US:
            self._began_us, self._before_us, self._least_us = now_us, self._least_us, None
        ahead_us = now_us - append_us
        self._least_us = ahead_us if self._least_us is None else min(self._least_us, ahead_us)

    def now_us(self, now_us: int) -> int:
        """What the broker's clock shows when this machine's shows `now_us`."""
        seen = [ahead_us for ahead_us in (self._least_us, self._before_us) if ahead_us is not None]
        return now_us - min(seen, default=0)


@dataclass(slots=True)
class Progress:
    """The partitions that are ours. Times are µs since 1970; `now_us` is always this machine's clock."""

    reads_its_own_clock: bool = False
    """Whether the newest records came without the broker's time."""
    _partitions: dict[int, _Partition] = field(default_factory=dict)
    _clock: _BrokerClock = field(default_factory=_BrokerClock)

    @property
    def partitions(self) -> list[int]:
        """Those that are ours, in order."""
        return sorted(self._partitions)

    @property
    def stored(self) -> dict[int, int]:
        """The offset up to which each is stored."""
        return {number: partition.stored_to for number, partition in self._partitions.items()}

    def begin(self, starts: Mapping[int, Start], now_us: int) -> None:
        """These are ours, and no others."""
        old = self._partitions
        self._partitions = {}
        for number, start in starts.items():
            known = old.get(number)
            swept_us = now_us if known is None else known.swept_us
            fresh = _Partition(start.seek, start.tracked, start.end, now_us, swept_us)
            # What is read again is not merged yet: its time would make a sweep find the living silent.
            if known is not None and known.read_to <= start.seek:
                fresh.newest_append_us, fresh.caught_up_us = known.newest_append_us, known.caught_up_us
            self._partitions[number] = fresh

    def keep(self, those: Container[int]) -> None:
        """No others are ours any more."""
        self._partitions = {number: partition for number, partition in self._partitions.items() if number in those}

    def read(self, number: int, raws: Sequence[Any], end: int | None, now_us: int) -> list[Record]:
        """Records as they were read from Kafka, with the append time that counts. `end`: where the log ends now."""
        partition = self._partitions[number]
        live = partition.caught_up_us is not None and now_us - partition.caught_up_us < FRESH_US
        records = self._stamped(number, raws, now_us, live=live)
        first, last = records[0], records[-1]
        partition.read_to = last.offset + 1
        partition.newest_append_us = max(partition.newest_append_us or 0, last.append_at_us)
        if partition.pending_since_us is None:
            partition.pending_since_us = first.append_at_us
        if live and not self.reads_its_own_clock:
            self._clock.saw(last.append_at_us, now_us)
        self.look(number, end, now_us)
        return records

    def look(self, number: int, end: int | None, now_us: int, position: int = 0) -> None:
        """Notes where the log ends now; and `position`, what is read next, which may lie beyond what is no record."""
        partition = self._partitions[number]
        partition.read_to = max(partition.read_to, position)
        partition.end = max(partition.end, end or 0, partition.read_to)
        if partition.read_to >= partition.end:
            partition.caught_up_us = now_us

    def wrote(self, moves: Iterable[tuple[int, int]]) -> None:
        """These partitions are stored up to these offsets."""
        for number, offset in moves:
            partition = self._partitions.get(number)
            if partition is not None:
                partition.stored_to = offset
                partition.pending_since_us = None

    def swept(self, number: int, now_us: int) -> None:
        """A partition was looked through for sessions that fell silent."""
        self._partitions[number].swept_us = now_us

    @property
    def swept_us(self) -> int:
        """When that was where it is longest ago, or when the partition became ours; 0 where none is."""
        return min((partition.swept_us for partition in self._partitions.values()), default=0)

    def next_offset(self, number: int) -> int:
        """The offset that is to be read next."""
        return self._partitions[number].read_to

    def is_behind(self, number: int) -> bool:
        """Whether the log has records that were not read."""
        partition = self._partitions[number]
        return partition.read_to < partition.end

    def lag(self, now_us: int) -> dict[int, Lag]:
        """How far each is behind."""
        broker_now_us = self._clock.now_us(now_us)
        lags: dict[int, Lag] = {}
        for number, partition in self._partitions.items():
            messages = max(0, partition.end - max(partition.stored_to, 0))
            since = partition.pending_since_us or partition.newest_append_us or partition.began_us
            # A log that ends in markers of transactions has offsets that are no records.
            stored_all = partition.pending_since_us is None and partition.read_to >= partition.end
            behind = not stored_all and messages > 0
            lags[number] = Lag(messages, max(0.0, (broker_now_us - since) / _S)) if behind else Lag(0, 0.0)
        return lags

    def stream_us(self, number: int, now_us: int) -> int | None:
        """The time that the partition has been read up to, by the broker's clock; None while nobody can know it."""
        partition = self._partitions[number]
        caught_up = partition.read_to >= partition.end and partition.pending_since_us is None
        knows = self._clock.is_known or self.reads_its_own_clock or now_us - partition.began_us >= SKEW_WINDOW_US
        if caught_up and not knows:
            return None
        return stream_time_us(partition.newest_append_us, self._clock.now_us(now_us), caught_up=caught_up)

    def _stamped(self, number: int, raws: Sequence[Any], now_us: int, *, live: bool) -> list[Record]:
        """Rule 1. Every record of a topic is stamped alike, but for the moment in which that is changed."""
        self.reads_its_own_clock = raws[-1].timestamp_type != LOG_APPEND_TIME
        if not self.reads_its_own_clock:
            return [_record((number, raw.offset, raw.timestamp * 1000, raw.key, raw.value)) for raw in raws]
        if live:
            return [_record((number, raw.offset, now_us, raw.key, raw.value)) for raw in raws]
        return [_record((number, raw.offset, told_us(raw.timestamp, now_us), raw.key, raw.value)) for raw in raws]


def told_us(timestamp_ms: int | None, now_us: int) -> int:
    """The producer's time, as far as it can be true; the oldest formats of records have none."""
    return now_us if timestamp_ms is None or timestamp_ms < 0 else min(now_us, timestamp_ms * 1000)
