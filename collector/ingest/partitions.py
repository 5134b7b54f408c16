"""What the owner of partitions holds: positions, and sessions in a bounded cache; and how records become Changes.

It does no I/O of its own: loading is a callable that is handed in, and writing is the caller's. One thread at a time.

The caller's part: `take`, write the batch's changes, count, `take` again. To take or sweep again says that the batch
before was written. If it was not, then after
- StoreUnavailable: write the same changes again;
- Fenced: `drop` the batch's partitions, `assign` those that are still ours at their stored offsets;
- StaleSession: `drop` the batch's partitions and take the same records again;
- RowRefused: the same, with `refused=refusals(error)`.
`drop` goes back to where the partitions stood before the batch, so that the same records can be taken again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from collector.errors import RowRefused
from collector.ingest import watchdog
from collector.ingest.decode import Record, Refusal, Told, decode, session_begun_at
from collector.ingest.derive import (
    CLOCK_TOLERANCE_US,
    OPEN_FATES,
    Difference,
    correction_us,
    derive,
    differences,
    facts,
    roll,
)
from collector.ingest.merge import GAPS_MAX, TooManyGapsError, merge
from collector.ingest.rows import event_row
from collector.metrics import LATE_AFTER_US, Held
from collector.store.changes import Changes, DeadLetter, OffsetMove, RollupKey, Session, Sums, outage_row, session_row

__all__ = ["UNREADABLE", "Batch", "Holder", "Load", "Place", "Record", "refusals"]

Load = Callable[[Collection[UUID]], Mapping[UUID, Session]]
"""Reads sessions from the store: those of the ids that it has. What it returns is the Holder's from then on."""
Place = tuple[int, int]
"""Partition and offset of a record."""

SESSIONS_MAX: Final = 60_000
UNREADABLE: Final = "unknown"
"""The type that results count a record under whose type could not be read."""


@dataclass(slots=True)
class Batch:
    """What some records, or a sweep, change; and what there is to count once that is written.

    `results` counts (type, result): stored, duplicate, late, expired or refused. `transitions` counts (subject, from,
    to) of events that are new and on time.
    """

    changes: Changes = field(default_factory=Changes)
    differences: list[Difference] = field(default_factory=list)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    transitions: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)
    unknown_fields: int = 0

    @property
    def partitions(self) -> list[int]:
        """The partitions that the batch moves: what to drop when it could not be written."""
        return [move.partition for move in self.changes.offsets]


class Holder:
    """Partitions and their sessions. `sessions_max` bounds the cache; a batch may exceed it by what it touches itself.

    `retention_us`: a session that the store does not have and that began, or was told of, longer ago is expired, since
    the store may have forgotten it: its events change nothing. `events_us`: how long events are kept; one that was
    appended longer ago is merged, but has no row. None: there is no such bound.
    """

    def __init__(
        self,
        topic: str,
        load: Load,
        *,
        sessions_max: int = SESSIONS_MAX,
        retention_us: int | None = None,
        events_us: int | None = None,
    ) -> None:
        self._topic = topic
        self._load = load
        self._sessions_max = sessions_max
        self._retention_us = retention_us
        self._events_us = events_us
        self._sessions: dict[UUID, Session] = {}  # the least recently touched first
        self._positions: dict[int, int] = {}
        self._written: dict[int, int] = {}  # where the positions stood before the last batch

    @property
    def positions(self) -> Mapping[int, int]:
        """The partitions that are ours, and the offset that is next in each."""
        return self._positions

    def sessions(self, partition: int) -> list[Session]:
        """The sessions of a partition that are held in memory now."""
        return [session for session in self._sessions.values() if session.kafka_partition == partition]

    def assign(self, positions: Mapping[int, int], sessions: Iterable[Session] = ()) -> None:
        """Takes partitions on at their stored offsets. `sessions`: those that are open, so that gauges start right."""
        self._forget_partitions(positions.keys())
        self._positions.update(positions)
        self._written.update(positions)
        for session in sessions:
            if session.kafka_partition in self._positions:
                self._sessions[session.session_id] = session

    def revoke(self, partitions: Iterable[int]) -> None:
        """Lets partitions go, with all that is held of them."""
        gone = set(partitions)
        self._forget_partitions(gone)
        for partition in gone:
            self._positions.pop(partition, None)
            self._written.pop(partition, None)

    def drop(self, partitions: Iterable[int]) -> None:
        """Forgets the sessions of partitions and what the last batch did to them: that batch was not written."""
        ours = self._positions.keys() & set(partitions)
        self._forget_partitions(ours)
        for partition in ours:
            self._positions[partition] = self._written[partition]

    def forget(self, session_ids: Iterable[UUID]) -> None:
        """Forgets sessions that somebody else changed or erased; they are read anew when they are met again."""
        for session_id in session_ids:
            self._sessions.pop(session_id, None)

    def take(
        self, records: Sequence[Record], now_us: int, refused: Mapping[UUID | Place, Refusal] | None = None
    ) -> Batch:
        """Merges records, in the order of their offsets within a partition, and says what that changes.

        Records of partitions that are not ours, or below their position, are passed over. `now_us` is the wall clock's
        reading. `refused`: records, and sessions of this batch, that become dead letters whatever they hold. What
        `load` raises is raised, and then nothing has changed.
        """
        kept_from_us = 0 if self._events_us is None else now_us - self._events_us
        taking = _Taking(self._topic, now_us, refused or {}, kept_from_us)
        self._written = dict(self._positions)
        positions = dict(self._positions)
        arrived: dict[bytes | None, list[tuple[Record, Told]]] = {}  # by key, which is the session's id
        for record in records:
            position = positions.get(record.partition)
            if position is None or record.offset < position:
                continue
            positions[record.partition] = record.offset + 1
            told = taking.read(record)
            if told is not None:
                arrived.setdefault(record.key, []).append((record, told))
        by_session = {events[0][1].message.data.session_id: events for events in arrived.values()}
        self._read_in(by_session.keys())
        for session_id, events in by_session.items():
            session = self._sessions.get(session_id)
            if session is None:
                if self._are_expired(events, taking):
                    continue
                session = self._sessions[session_id] = Session(session_id, told=())
            taking.touch(session)
            for record, told in events:
                taking.merge(session, told, record)
        moves = (OffsetMove(p, self._positions[p], positions[p]) for p in sorted(positions))
        taking.finish(move for move in moves if move.next_offset != move.tracked)
        self._positions = positions
        self._keep(taking.touched)
        return taking.batch

    def sweep(self, partition: int, stream_us: int, now_us: int, silent: Collection[UUID] | None = None) -> Batch:
        """Finds the sessions of a partition lost that are silent at this stream time.

        `silent`: those that the store believes so; without it, those among the sessions that are held. The batch moves
        no offset, but applies only while the partition is ours. What `load` raises is raised.
        """
        taking = _Taking(self._topic, now_us, {})
        if partition not in self._positions:
            return taking.batch
        self._written = dict(self._positions)
        if silent is None:
            candidates = self.sessions(partition)
        else:
            self._read_in(frozenset(silent))
            candidates = [session for one in silent if (session := self._sessions.get(one)) is not None]
        for session in watchdog.silent(candidates, stream_us):
            taking.touch(session)
            session.kafka_partition = partition
            watchdog.mark_lost(session, stream_us)
        if taking.touched:
            position = self._positions[partition]
            taking.finish([OffsetMove(partition, position, position)])
            self._keep(taking.touched)
        return taking.batch

    def held(self, now_us: int, token_window_us: int) -> dict[int, dict[str | None, Held]]:
        """Live sessions by partition and region: all, those reconnecting, those whose token ends within the window."""
        counts: dict[int, dict[str | None, list[int]]] = {partition: {} for partition in self._positions}
        for session in self._sessions.values():
            if session.fate == "live" and session.kafka_partition in counts:
                row = counts[session.kafka_partition].setdefault(session.region, [0, 0, 0])
                expires_at = session.token_expires_at
                row[0] += 1
                row[1] += session.state == "reconnecting"
                row[2] += expires_at is not None and expires_at < now_us + token_window_us
        return {
            partition: {region: Held(*row) for region, row in regions.items()} for partition, regions in counts.items()
        }

    def _are_expired(self, events: Sequence[tuple[Record, Told]], taking: _Taking) -> bool:
        """Whether all that came of a session that the store does not have is of one that it may have forgotten.

        When it began is corrected by what each event shows of its clock; and whatever the clock says, what the broker
        appended before the retention may be of a session that was stored then.
        """
        if self._retention_us is None:
            return False
        before_us = taking.now_us - self._retention_us
        for record, told in events:
            begun_at = session_begun_at(told.message.data.session_id)
            offset = record.append_at_us - told.sent_at
            if abs(offset) > CLOCK_TOLERANCE_US:
                begun_at += offset
            if min(begun_at, record.append_at_us) > before_us:
                return False
        taking.batch.results.update((told.message.type, "expired") for _, told in events)
        return True

    def _read_in(self, session_ids: AbstractSet[UUID]) -> None:
        unknown = session_ids - self._sessions.keys()
        if unknown:
            self._sessions.update(self._load(unknown))

    def _keep(self, touched: dict[UUID, Session]) -> None:
        """Bounds the cache: the sessions of this batch stay, of the rest those that ended go first, then the oldest."""
        for session_id, session in touched.items():
            if self._sessions.pop(session_id, None) is not None:
                self._sessions[session_id] = session
        excess = len(self._sessions) - self._sessions_max
        if excess <= 0:
            return
        goal = excess + self._sessions_max // 4
        ended = [k for k, s in self._sessions.items() if s.fate not in OPEN_FATES and k not in touched][:goal]
        self.forget(ended)
        excess -= len(ended)
        if excess > 0:
            self.forget([k for k in self._sessions if k not in touched][:excess])

    def _forget_partitions(self, partitions: Collection[int]) -> None:
        if partitions:
            self._sessions = {k: s for k, s in self._sessions.items() if s.kafka_partition not in partitions}


class _Taking:
    """A batch while it is being made."""

    def __init__(self, topic: str, now_us: int, refused: Mapping[UUID | Place, Refusal], kept_from_us: int = 0) -> None:
        self.now_us = now_us
        self._kept_from_us = kept_from_us
        self.batch = Batch()
        self.touched: dict[UUID, Session] = {}
        self._topic = topic
        self._refused = refused

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
        return told

    def touch(self, session: Session) -> None:
        """Has the session written with this batch. What the rollups hold of it is noted before anything changes."""
        self.touched[session.session_id] = session
        if session.told is None:
            session.told = facts(session)

    def merge(self, session: Session, told: Told, record: Record) -> None:
        """Merges an event into its session, which was touched, and counts it."""
        session.kafka_partition = record.partition
        message = told.message
        try:
            new = merge(session, told, record.append_at_us)
        except TooManyGapsError:
            detail = f"more than {GAPS_MAX} holes in the seqs of one session"
            self._refuse(record, message.type, Refusal("too-many-gaps", "$.data.seq", detail))
            return
        if not new:
            self.batch.results[message.type, "duplicate"] += 1
            return
        row = event_row(told, record, self.now_us)
        if row is not None and record.append_at_us >= self._kept_from_us:
            self.batch.changes.events.append(row)
        if self.now_us - told.at - correction_us(session) > LATE_AFTER_US:
            self.batch.results[message.type, "late"] += 1
            return
        self.batch.results[message.type, "stored"] += 1
        data = message.data
        if data.from_state is not None and data.to_state is not None:
            subject = message.type.partition(".")[0]
            self.batch.transitions[subject, data.from_state, data.to_state] += 1

    def finish(self, offsets: Iterable[OffsetMove]) -> None:
        """Derives what follows for every session touched, and makes the rows and sums that say so."""
        changes = self.batch.changes
        sums: dict[RollupKey, list[int]] = {}
        for session in self.touched.values():
            derive(session)
            before, session.told = session.told or (), facts(session)
            changed = differences(before, session.told)
            if changed:
                self.batch.differences += changed
                roll(changed, session.kafka_partition, sums)
            session.version += 1
            changes.sessions.append(session_row(session))
            for outage in session.outage_rows.values():
                if outage.changed:
                    outage.changed = False
                    changes.outages.append(outage_row(session, outage))
        changes.rollups = {key: Sums(*values) for key, values in sums.items() if any(values)}
        changes.offsets = list(offsets)

    def _refuse(self, record: Record, event_type: str, refusal: Refusal) -> None:
        self.batch.results[event_type, "refused"] += 1
        self.batch.changes.dead_letters.append(
            DeadLetter(
                self._topic, record.partition, record.offset, record.append_at_us, *refusal, record.key, record.value
            )
        )


def refusals(error: RowRefused) -> dict[UUID | Place, Refusal]:
    """What `take` needs to know of rows that the store refused."""
    refusal = Refusal(error.reason, "$", error.detail)
    return {**dict.fromkeys(error.records, refusal), **dict.fromkeys(error.session_ids, refusal)}
