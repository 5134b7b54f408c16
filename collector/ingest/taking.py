"""A batch while it is being made: records become changes of sessions, rows, sums, and what there is to count.

It knows neither partitions nor what is held: partitions.py hands it the session of each record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from collector.errors import RowRefused
from collector.ingest.decode import Record, Refusal, decode, session_begun_at
from collector.ingest.derive import Rolled, correction_us, derive, differences, facts
from collector.ingest.live import standing
from collector.ingest.merge import GAPS_MAX, TooManyGapsError, merge
from collector.ingest.rows import event_row
from collector.ingest.values import Difference, Told
from collector.ingest.yielding import EVERY, give_way
from collector.metrics import LATE_AFTER_US
from collector.store.changes import (
    Changes,
    DeadLetter,
    EventRow,
    OffsetMove,
    Session,
    Standing,
    outage_row,
    session_row,
)
from collector.store.retention import DAY_US, NO_DAY

Place = tuple[int, int]
"""Partition and offset of a record."""
NO_DAYS: Final[frozenset[int]] = frozenset()
UNREADABLE: Final = "unknown"
"""The type that results count a record under whose type could not be read."""


class Met(NamedTuple):
    """Sessions that a batch met: in memory, read from the store, and in neither."""

    held: int = 0
    read: int = 0
    new: int = 0


@dataclass(slots=True)
class Batch:
    """What some records, or a sweep, change; and what there is to count once that is written.

    `results` counts (type, result): stored, duplicate, late, expired or refused. `transitions` counts (subject, from,
    to) of events that are new and on time. `seqs_received` counts those of them that have a seq of their own, and
    `seqs_expected` the seqs up to theirs that their sessions had not told of: received of those that were sent, as far
    as anybody knows. `touched` are the sessions that it writes, by their records' key, and
    `standings` what those count as that count as something else now: before, and after.
    """

    changes: Changes = field(default_factory=Changes)
    differences: list[Difference] = field(default_factory=list)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    transitions: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)
    unknown_fields: int = 0
    seqs_received: int = 0
    seqs_expected: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    touched: dict[bytes, Session] = field(default_factory=dict, repr=False, compare=False)
    standings: list[tuple[Standing | None, Standing | None]] = field(default_factory=list)
    met: Met = field(default=Met(), compare=False)

    @property
    def partitions(self) -> list[int]:
        """The partitions that the batch moves: what to drop when it could not be written."""
        return [move.partition for move in self.changes.offsets]


class Taking:
    """A batch while it is being made."""

    def __init__(
        self,
        topic: str,
        now_us: int,
        refused: Mapping[UUID | Place, Refusal],
        kept_from_us: int = 0,
        days_refused: AbstractSet[int] = NO_DAYS,
    ) -> None:
        """`days_refused`: the days, counted from 1970, that the store has no room for events of."""
        self.now_us = now_us
        self.batch = Batch()
        self._kept_from_us = kept_from_us
        self._days_refused = days_refused
        self._topic = topic
        self._refused = refused
        self._rows: dict[bytes, list[EventRow]] = {}  # of events, by the key of their session's records
        self._news: list[tuple[str, str | None, str | None]] = []  # type, from and to of what is new and on time

    def read(self, record: Record) -> Told | None:
        """The event of a record; None when it became a dead letter."""
        told = decode(record)
        if isinstance(told, Refusal):
            self._refuse(record, UNREADABLE, told)
            return None
        self.batch.unknown_fields += told.unknown_fields
        if self._refused:
            session_id = told.message.data.session_id
            refusal = self._refused.get((record.partition, record.offset)) or self._refused.get(session_id)
            if refusal is not None:
                self._refuse(record, told.message.type, refusal)
                return None
        if self._days_refused and self._has_no_day(told, record):
            self._refuse(record, told.message.type, Refusal("clock-out-of-range", "$.data.session_id", NO_DAY))
            return None
        return told

    def _has_no_day(self, told: Told, record: Record) -> bool:
        """Whether the event needs a row that the store has no place for, as it said of its day a moment ago."""
        day = session_begun_at(told.message.data.session_id) // DAY_US
        return day in self._days_refused and not told.n and record.append_at_us >= self._kept_from_us

    def touch(self, key: bytes, session: Session) -> None:
        """Has the session written with this batch. What the rollups hold of it is noted before anything changes."""
        self.batch.touched[key] = session
        if session.told is None:
            session.told = facts(session)
            session.counted = standing(session)

    def merge(self, session: Session, told: Told, record: Record) -> None:
        """Merges an event into its session and counts it."""
        key, batch, message = record.key, self.batch, told.message
        if key not in batch.touched:
            self.touch(key, session)  # type: ignore[arg-type]  # those without a key were refused
        session.kafka_partition = record.partition
        told_to = session.received_more[-1] if session.received_more else session.received_to
        losses = None if message.data.lost is None else _losses(session)
        try:
            new = merge(session, told, record.append_at_us)
        except TooManyGapsError:
            detail = f"more than {GAPS_MAX} holes in the seqs of one session"
            self._refuse(record, message.type, Refusal("too-many-gaps", "$.data.seq", detail))
            return
        if losses is not None:
            self._count_losses(session, told, losses)
        if not new:
            batch.results[message.type, "duplicate"] += 1
            return
        if not told.n and record.append_at_us >= self._kept_from_us:
            row = event_row(told, record, self.now_us)
            rows = self._rows.get(key)  # type: ignore[arg-type]
            if rows is None:
                self._rows[key] = [row]  # type: ignore[index]
            else:
                rows.append(row)
        if self.now_us - told.at - correction_us(session) > LATE_AFTER_US:
            batch.results[message.type, "late"] += 1
        else:
            data = message.data
            self._news.append((message.type, data.from_state, data.to_state))
            if not told.n:
                batch.seqs_received += 1
                if data.seq >= told_to:  # a call of max() costs more than all the rest of it
                    batch.seqs_expected += data.seq + 1 - told_to

    def finish(self, offsets: Iterable[OffsetMove]) -> None:
        """Derives what follows for every session touched, and makes the rows and sums that say so.

        Rows are in the order of their sessions' ids, and an event's among those of its session in that of the records:
        so the database finds the pages next to each other that it writes to, and whoever reads a session its events.
        """
        batch, changes = self.batch, self.batch.changes
        rolled = Rolled()
        for number, key in enumerate(sorted(batch.touched)):  # spelled in hexadecimals, they sort as the ids do
            if not number % EVERY:
                give_way()
            session = batch.touched[key]
            changes.events += self._rows.get(key, ())
            if session.unsettled:
                session.unsettled = False
                derive(session)
                before, session.told = session.told or (), facts(session)
                changed = differences(before, session.told)
                if changed:
                    batch.differences += changed
                    rolled.add(changed, session.kafka_partition)
            before_it, session.counted = session.counted, standing(session)
            if before_it != session.counted:
                batch.standings.append((before_it, session.counted))
            session.version += 1
            changes.sessions.append(session_row(session))
            for outage in session.outage_rows.values():
                if outage.changed:
                    outage.changed = False
                    changes.outages.append(outage_row(session, outage))
        changes.rollups = rolled.sums()
        changes.offsets = list(offsets)
        self._count_news()

    def _count_losses(self, session: Session, told: Told, before: dict[str, int]) -> None:
        """Counts what a client says it lost and had not said before. A copy of an event may say more than the first.

        Late goes by when it was said, since a client that was away says so when it is back.
        """
        if self.now_us - told.sent_at - correction_us(session) > LATE_AFTER_US:
            return
        for reason, count in _losses(session).items():
            more = count - before.get(reason, 0)
            if more > 0:
                self.batch.lost[reason] += more

    def _count_news(self) -> None:
        for (kind, from_state, to_state), n in Counter(self._news).items():
            self.batch.results[kind, "stored"] += n
            if from_state is not None and to_state is not None:
                self.batch.transitions[kind.partition(".")[0], from_state, to_state] += n

    def _refuse(self, record: Record, event_type: str, refusal: Refusal) -> None:
        self.batch.results[event_type, "refused"] += 1
        self.batch.changes.dead_letters.append(
            DeadLetter(
                self._topic, record.partition, record.offset, record.append_at_us, *refusal, record.key, record.value
            )
        )


def _losses(session: Session) -> dict[str, int]:
    """How many events the session's outbox lost, by reason."""
    return {reason: sum(counts.values()) for reason, counts in session.lost.items()}


def refusals(error: RowRefused) -> dict[UUID | Place, Refusal]:
    """What `take` needs to know of rows that the store refused."""
    refusal = Refusal(error.reason, "$", error.detail)
    return {**dict.fromkeys(error.records, refusal), **dict.fromkeys(error.session_ids, refusal)}
