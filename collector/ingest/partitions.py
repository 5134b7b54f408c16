"""What the owner of partitions holds: positions, and sessions in a bounded cache.

It does no I/O of its own: loading is a callable that is handed in, and writing is the caller's. One thread at a time.

The caller's part: `take`, write the batch's changes, say so by `wrote`, count. The next batch may be taken while the
one before is being written; batches are written in the order in which they were taken. If one could not be, then after
- StoreUnavailable: write the same changes again;
- Fenced: `drop` the partitions, `assign` those that are still ours at their stored offsets;
- StaleSession: `drop` the partitions and take the same records again;
- RowRefused: the same, with `refused=refusals(error)`.
`drop` goes back to what was written, so that the same records can be taken again, and with them those that were taken
after them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from collector.ingest import watchdog
from collector.ingest.decode import Record, Refusal, decode, session_begun_at
from collector.ingest.derive import CLOCK_TOLERANCE_US, OPEN_FATES
from collector.ingest.taking import NO_DAYS, Batch, Place, Taking
from collector.metrics import Held
from collector.store.changes import OffsetMove, Session

Load = Callable[[Collection[UUID]], Mapping[UUID, Session]]
"""Reads sessions from the store: those of the ids that it has. What it returns is the Holder's from then on."""

SESSIONS_MAX: Final = 60_000


class Holder:
    """Partitions and their sessions. `sessions_max` bounds the cache; what is not written yet may exceed it.

    `retention_us`: a session that the store does not have and that began, or was told of, longer ago is expired, since
    the store may have forgotten it: its events change nothing. `events_us`: how long events are kept; one that was
    appended longer ago is merged, but has no row. None: there is no such bound. `days_refused`: asked at each batch for
    the days that the store has no room for, so that it need not refuse their events once more.
    """

    def __init__(
        self,
        topic: str,
        load: Load,
        *,
        sessions_max: int = SESSIONS_MAX,
        retention_us: int | None = None,
        events_us: int | None = None,
        days_refused: Callable[[int], AbstractSet[int]] = lambda _: NO_DAYS,
    ) -> None:
        self._topic = topic
        self._load = load
        self._sessions_max = sessions_max
        self._retention_us = retention_us
        self._events_us = events_us
        self._days_refused = days_refused
        self._sessions: dict[bytes, Session] = {}  # by their records' key; the least recently touched first
        self._positions: dict[int, int] = {}
        self._written: dict[int, int] = {}  # how far of that is written
        self._unwritten: deque[Batch] = deque()  # taken, in this order

    @property
    def positions(self) -> Mapping[int, int]:
        """The partitions that are ours, and the offset that is next in each."""
        return self._positions

    @property
    def sessions_held(self) -> int:
        """How many sessions are in memory."""
        return len(self._sessions)

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
                self._sessions[key_of(session.session_id)] = session

    def revoke(self, partitions: Iterable[int]) -> None:
        """Lets partitions go, with all that is held of them."""
        gone = set(partitions)
        self._forget_partitions(gone)
        for partition in gone:
            self._positions.pop(partition, None)
            self._written.pop(partition, None)

    def wrote(self, batch: Batch) -> None:
        """The batch is written: the oldest of those that were taken and not dropped."""
        for partition, _, next_offset in batch.changes.offsets:
            if partition in self._written:
                self._written[partition] = next_offset
        if self._unwritten and self._unwritten[0] is batch:
            self._unwritten.popleft()

    def drop(self, partitions: Iterable[int]) -> None:
        """Goes back to what is written of these partitions: what was taken since is void, its sessions are forgotten.

        A batch that moved others too is void as a whole: they have to be dropped with it.
        """
        ours = self._positions.keys() & set(partitions)
        self._unwritten.clear()
        self._forget_partitions(ours)
        for partition in ours:
            self._positions[partition] = self._written[partition]

    def forget(self, session_ids: Iterable[UUID]) -> None:
        """Forgets sessions that somebody else changed or erased; they are read anew when they are met again."""
        self._forget(map(key_of, session_ids))

    def take(
        self, records: Sequence[Record], now_us: int, refused: Mapping[UUID | Place, Refusal] | None = None
    ) -> Batch:
        """Merges records, in the order of their offsets within a partition, and says what that changes.

        Records of partitions that are not ours, or below their position, are passed over. `now_us` is the wall clock's
        reading. `refused`: records, and sessions of this batch, that become dead letters whatever they hold. What
        `load` raises is raised, and then nothing has changed.
        """
        kept_from_us = 0 if self._events_us is None else now_us - self._events_us
        taking = Taking(self._topic, now_us, refused or {}, kept_from_us, self._days_refused(now_us))
        positions = dict(self._positions)
        ours: list[Record] = []
        for record in records:
            position = positions.get(record.partition)
            if position is not None and record.offset >= position:
                positions[record.partition] = record.offset + 1
                ours.append(record)
        expired = self._meet(ours, now_us)
        # An event is merged as soon as it is decoded, and let go: a batch of decoded events fits no processor's cache.
        for record in ours:
            told = taking.read(record)
            if told is None:
                continue
            session = self._sessions.get(record.key)  # type: ignore[arg-type]  # without a key it was refused
            if session is not None:
                taking.merge(session, told, record)
            elif record.key in expired:
                taking.batch.results[told.message.type, "expired"] += 1
            else:
                session = self._sessions[record.key] = Session(told.message.data.session_id, told=())  # type: ignore[index]
                taking.merge(session, told, record)
        moves = (OffsetMove(p, self._positions[p], positions[p]) for p in sorted(positions))
        taking.finish(move for move in moves if move.next_offset != move.tracked)
        self._positions = positions
        self._keep(taking.batch)
        return taking.batch

    def sweep(self, partition: int, stream_us: int, now_us: int, silent: Collection[UUID] | None = None) -> Batch:
        """Finds the sessions of a partition lost that are silent at this stream time.

        `silent`: those that the store believes so; without it, those among the sessions that are held. The batch moves
        no offset, but applies only while the partition is ours. What `load` raises is raised.
        """
        taking = Taking(self._topic, now_us, {})
        if partition not in self._positions:
            return taking.batch
        if silent is None:
            candidates = self.sessions(partition)
        else:
            wanted = {key_of(session_id): session_id for session_id in silent}
            self._read_in({key: wanted[key] for key in wanted.keys() - self._sessions.keys()})
            candidates = [session for key in wanted if (session := self._sessions.get(key)) is not None]
        for session in watchdog.silent(candidates, stream_us):
            taking.touch(key_of(session.session_id), session)
            session.kafka_partition = partition
            watchdog.mark_lost(session, stream_us)
        if taking.batch.touched:
            position = self._positions[partition]
            taking.finish([OffsetMove(partition, position, position)])
            self._keep(taking.batch)
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

    def _meet(self, records: Sequence[Record], now_us: int) -> frozenset[bytes | None]:
        """Reads in the sessions that are not held, and returns the keys of those that are expired."""
        strangers = {record.key for record in records} - self._sessions.keys()
        ids = {key: session_id for key in strangers if key is not None and (session_id := id_of(key)) is not None}
        self._read_in(ids)
        unknown = ids.keys() - self._sessions.keys()
        if self._retention_us is None or not unknown:
            return frozenset()
        return self._expired(records, unknown, now_us - self._retention_us)

    def _expired(
        self, records: Sequence[Record], unknown: AbstractSet[bytes | None], before_us: int
    ) -> frozenset[bytes | None]:
        """Of the sessions that the store does not have, those that it may have forgotten: all that came says so.

        What the broker appended before the retention may be of a session that was stored then; so may what is of one
        that began before, by its own clock and by that clock corrected.
        """
        lives = set()
        for record in records:
            key = record.key
            if key not in unknown or key in lives or record.append_at_us <= before_us:
                continue
            if _begun_at(record, before_us) > before_us:
                lives.add(key)
        return frozenset(unknown - lives)

    def _read_in(self, unknown: Mapping[bytes, UUID]) -> None:
        if unknown:
            loaded = self._load(unknown.values())
            self._sessions.update(
                (key, session) for key, session_id in unknown.items() if (session := loaded.get(session_id)) is not None
            )

    def _keep(self, batch: Batch) -> None:
        """Bounds the cache: what is not written yet stays, of the rest those that ended go first, then the oldest."""
        self._unwritten.append(batch)
        for key, session in batch.touched.items():
            if self._sessions.pop(key, None) is not None:
                self._sessions[key] = session
        excess = len(self._sessions) - self._sessions_max
        if excess <= 0:
            return
        goal = excess + self._sessions_max // 4
        stays = {key for unwritten in self._unwritten for key in unwritten.touched}
        ended = [k for k, s in self._sessions.items() if s.fate not in OPEN_FATES and k not in stays][:goal]
        self._forget(ended)
        excess -= len(ended)
        if excess > 0:
            self._forget([k for k in self._sessions if k not in stays][:excess])

    def _forget(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._sessions.pop(key, None)

    def _forget_partitions(self, partitions: Collection[int]) -> None:
        if partitions:
            self._sessions = {k: s for k, s in self._sessions.items() if s.kafka_partition not in partitions}


def key_of(session_id: UUID) -> bytes:
    """The key of a session's records."""
    return str(session_id).encode()


def id_of(key: bytes) -> UUID | None:
    """The session whose records have this key; None where no session's have."""
    try:
        session_id = UUID(key.decode())
    except ValueError:
        return None
    return session_id if key_of(session_id) == key else None


def _begun_at(record: Record, enough_us: int) -> int:
    """When the session of a record began; corrected by what the record shows of its clock, if that was too early."""
    session_id = None if record.key is None else id_of(record.key)
    begun_at = 0 if session_id is None else session_begun_at(session_id)
    if begun_at > enough_us:
        return begun_at
    told = decode(record)
    offset_us = 0 if isinstance(told, Refusal) else record.append_at_us - told.sent_at
    return begun_at + offset_us if abs(offset_us) > CLOCK_TOLERANCE_US else begun_at
