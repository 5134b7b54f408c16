"""Questions about stored dead letters: which there are, why, what one holds; and the note that some were sent again.

How they get here is dead_letters.py's. What the store keeps of a value is cut to a bound; the topic has all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, func, select, update

from collector.errors import LetterNotFound
from collector.store.dead_letters import VALUE_BYTES_MAX
from collector.store.failures import plainly
from collector.store.sqlite_connection import writing
from collector.store.tables import dead_letters

OFFSETS_A_STATEMENT: Final = 500

_of = dead_letters.c


@dataclass(frozen=True, slots=True)
class LetterFilters:
    """Which letters: those of all that is said. Times are append times, µs since 1970; `until_us` is not included.

    `replayed`: whether they were sent again already; None: either.
    """

    topic: str
    reasons: tuple[str, ...] = ()
    partitions: tuple[int, ...] = ()
    since_us: int | None = None
    until_us: int | None = None
    replayed: bool | None = False


class StoredLetter(NamedTuple):
    """A record that was refused, as the store has it. Times are µs since 1970."""

    topic: str
    partition: int
    offset: int
    append_at: int
    stored_at: int
    reason: str
    place: str
    detail: str
    key: bytes | None
    value: bytes | None
    replayed_at: int | None

    @property
    def is_cut(self) -> bool:
        """Whether the value may go on beyond what the store keeps."""
        return self.value is not None and len(self.value) >= VALUE_BYTES_MAX


class ReasonCount(NamedTuple):
    """How many letters have a reason, and the append times of the first and the last of them, µs since 1970."""

    reason: str
    letters: int
    first_us: int
    last_us: int


class Letters:
    """The stored dead letters. Methods block, and raise StoreUnavailable or SchemaMismatch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, filters: LetterFilters, limit: int) -> list[StoredLetter]:
        """The letters that came last, the newest first."""
        query = (
            select(dead_letters)
            .where(*_conditions(filters))
            .order_by(_of.append_at.desc(), _of.kafka_partition.desc(), _of.kafka_offset.desc())
            .limit(limit)
        )
        return [StoredLetter(*row) for row in self._rows(query)]

    def by_reason(self, filters: LetterFilters) -> list[ReasonCount]:
        """Counts, the greatest first."""
        query = (
            select(_of.reason, func.count(), func.min(_of.append_at), func.max(_of.append_at))
            .where(*_conditions(filters))
            .group_by(_of.reason)
            .order_by(func.count().desc(), _of.reason)
        )
        return [ReasonCount(*row) for row in self._rows(query)]

    def one(self, topic: str, partition: int, offset: int) -> StoredLetter:
        """The letter of this record. Raises LetterNotFound."""
        rows = self._rows(select(dead_letters).where(_is(topic, partition), _of.kafka_offset == offset))
        if not rows:
            raise LetterNotFound(topic, partition, offset)
        return StoredLetter(*rows[0])

    def places(self, filters: LetterFilters) -> dict[int, set[int]]:
        """Where the records of the letters lie: offsets by partition."""
        found: dict[int, set[int]] = {}
        query = select(_of.kafka_partition, _of.kafka_offset).where(*_conditions(filters))
        for partition, offset in self._rows(query):
            found.setdefault(partition, set()).add(offset)
        return found

    def note_replayed(self, topic: str, partition: int, offsets: Collection[int], at_us: int) -> None:
        """These were sent again at that time."""
        ordered = sorted(offsets)
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            for begin in range(0, len(ordered), OFFSETS_A_STATEMENT):
                some = ordered[begin : begin + OFFSETS_A_STATEMENT]
                connection.execute(
                    update(dead_letters)
                    .where(_is(topic, partition), _of.kafka_offset.in_(some))
                    .values(replayed_at=at_us)
                )
            connection.commit()

    def _rows(self, query: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        with plainly(self._engine), self._engine.connect() as connection:
            return connection.execute(query).all()


def _is(topic: str, partition: int) -> ColumnElement[bool]:
    return and_(_of.topic == topic, _of.kafka_partition == partition)


def _conditions(filters: LetterFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [_of.topic == filters.topic]
    if filters.reasons:
        conditions.append(_of.reason.in_(filters.reasons))
    if filters.partitions:
        conditions.append(_of.kafka_partition.in_(filters.partitions))
    if filters.since_us is not None:
        conditions.append(_of.append_at >= filters.since_us)
    if filters.until_us is not None:
        conditions.append(_of.append_at < filters.until_us)
    if filters.replayed is not None:
        conditions.append(_of.replayed_at.is_not(None) if filters.replayed else _of.replayed_at.is_(None))
    return conditions
