"""What the owner of partitions holds: positions, sessions in a bounded cache, and how many of them are live.

It does no I/O of its own: loading is a callable that is handed in, and writing is the caller's. One thread at a time.

The caller's part: `take`, write the batch's changes, say so by `wrote`, count. The next batch may be taken while the
one before is being written; batches are written in the order in which they were taken. If one could not be, then after
- StoreUnavailable: write the same changes again;
- Fenced: `drop` the partitions, `assign` those that are still ours at their stored offsets;
- StaleSession: `drop` the partitions, take the same records again, have live sessions counted anew;
- RowRefused: the same, with `refused=refusals(error)`.
`drop` goes back to what was written, so that the same records can be taken again, and with them those that were taken
after them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from uuid import UUID

from msgspec import ValidationError, convert, to_builtins

from collector.ingest import watchdog
from collector.ingest.cache import Bounds, Cache
from collector.ingest.decode import Record, Refusal, decode, session_begun_at
from collector.ingest.live import LiveSessions
from collector.ingest.taking import NO_DAYS, Batch, Met, Place, Taking
from collector.ingest.yielding import EVERY, give_way
from collector.metrics import Held
from collector.store.changes import CLOCK_TOLERANCE_US, OffsetMove, Session, Standing

Load = Callable[[Collection[UUID]], Mapping[UUID, Session]]
"""Reads sessions from the store: those of the ids that it has. What it returns is the Holder's from then on."""

Counted = Iterable[tuple[Standing, int]]
"""How many live sessions the store has in a partition, by what they count as."""


class Holder:
    """Partitions and their sessions. `bounds` are the cache's; what is not written yet may exceed them.

    `token_window_us`: a token that expires so soon puts its live session at risk.
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
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
        token_window_us: int = 0,
        retention_us: int | None = None,
        events_us: int | None = None,
        days_refused: Callable[[int], AbstractSet[int]] = lambda _: NO_DAYS,
    ) -> None:
        self._topic = topic
        self._load = load
        self._retention_us = retention_us
        self._events_us = events_us
        self._days_refused = days_refused
        self._cache = Cache(bounds)
        self._live = LiveSessions(token_window_us)
        self._positions: dict[int, int] = {}
        self._written: dict[int, int] = {}  # how far of that is written
        self._unwritten: deque[Batch] = deque()  # taken, in this order

    @property
    def positions(self) -> Mapping[int, int]:
        """The partitions that are ours, and the offset that is next in each."""
        return self._positions

    def sessions(self, partition: int) -> list[Session]:
        """The sessions of a partition that are held in memory now."""
        return [session for session in self._cache.sessions.values() if session.kafka_partition == partition]

    @property
    def cached(self) -> tuple[int, int]:
        """How many sessions are in memory, and about how many bytes they take."""
        return len(self._cache.sessions), self._cache.bytes

    def assign(self, positions: Mapping[int, int], live: Mapping[int, Counted] = MappingProxyType({})) -> None:
        """Takes partitions on at their stored offsets. `live`: what the store counts there now."""
        self._cache.forget_partitions(positions.keys())
        self._positions.update(positions)
        self._written.update(positions)
        for partition in positions:
            self._live.begin(partition, live.get(partition, ()))

    def count_anew(self, partition: int, live: Counted) -> None:
        """Takes what the store counts in place of our own; nothing that changes a count may be in hand."""
        if partition in self._positions:
            self._live.begin(partition, live)

    def revoke(self, partitions: Iterable[int]) -> None:
        """Lets partitions go, with all that is held of them."""
        gone = set(partitions)
        self._cache.forget_partitions(gone)
        for partition in gone:
            self._live.end(partition)
            self._positions.pop(partition, None)
            self._written.pop(partition, None)

    def wrote(self, batch: Batch) -> None:
        """The batch is written: the oldest of those that were taken and not dropped."""
        for partition, _, next_offset in batch.changes.offsets:
            if partition in self._written:
                self._written[partition] = next_offset
        self._live.move(batch.standings)
        if self._unwritten and self._unwritten[0] is batch:
            self._unwritten.popleft()

    def drop(self, partitions: Iterable[int]) -> None:
        """Goes back to what is written of these partitions: what was taken since is void, its sessions are forgotten.

        A batch that moved others too is void as a whole: they have to be dropped with it.
        """
        ours = self._positions.keys() & set(partitions)
        self._unwritten.clear()
        self._cache.forget_partitions(ours)
        for partition in ours:
            self._positions[partition] = self._written[partition]

    def forget(self, session_ids: Iterable[UUID]) -> None:
        """Forgets sessions that somebody else changed or erased; they are read anew when they are met again."""
        self._cache.forget(map(key_of, session_ids))

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
        for number, record in enumerate(records):
            if not number % EVERY:
                give_way()
            partition, offset, _, _, _ = record
            position = positions.get(partition)
            if position is not None and offset >= position:
                positions[partition] = offset + 1
                ours.append(record)
        expired = self._meet(ours, now_us, taking.batch)
        sessions = self._cache.sessions
        # An event is merged as soon as it is decoded, and let go: a batch of decoded events fits no processor's cache.
        for number, record in enumerate(ours):
            if not number % EVERY:
                give_way()
            told = taking.read(record)
            if told is None:
                continue
            key: bytes = record.key  # type: ignore[assignment]  # without one it was refused
            session = sessions.get(key)
            if session is not None:
                taking.merge(session, told, record)
            elif key in expired:
                taking.batch.results[told.message.type, "expired"] += 1
            else:
                session = sessions[key] = Session(told.message.data.session_id, told=())
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
            self._read_in({key: wanted[key] for key in wanted.keys() - self._cache.sessions.keys()})
            candidates = [session for key in wanted if (session := self._cache.sessions.get(key)) is not None]
        for session in watchdog.silent(candidates, stream_us):
            taking.touch(key_of(session.session_id), session)
            session.kafka_partition = partition
            watchdog.mark_lost(session, stream_us)
        if taking.batch.touched:
            position = self._positions[partition]
            taking.finish([OffsetMove(partition, position, position)])
            self._keep(taking.batch)
        return taking.batch

    def held(self, now_us: int) -> dict[int, dict[str | None, Held]]:
        """Live sessions by partition and region, as they are stored: all, those reconnecting, those at risk."""
        return self._live.held(now_us)

    def _meet(self, records: Sequence[Record], now_us: int, batch: Batch) -> frozenset[bytes | None]:
        """Reads in the sessions that are not held, and returns the keys of those that are expired."""
        keys = {record.key for record in records}
        strangers = keys - self._cache.sessions.keys()
        ids = {key: session_id for key in strangers if key is not None and (session_id := id_of(key)) is not None}
        found = self._read_in(ids)
        batch.met = Met(len(keys) - len(strangers), found, len(ids) - found)
        unknown = ids.keys() - self._cache.sessions.keys()
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

    def _read_in(self, unknown: Mapping[bytes, UUID]) -> int:
        """How many of them the store has."""
        if not unknown:
            return 0
        loaded = self._load(unknown.values())
        found = {key: loaded[session_id] for key, session_id in unknown.items() if session_id in loaded}
        self._cache.add(found)
        return len(found)

    def _keep(self, batch: Batch) -> None:
        self._unwritten.append(batch)
        self._cache.touch(batch.touched)
        self._cache.shrink([unwritten.touched.keys() for unwritten in self._unwritten])


def key_of(session_id: UUID) -> bytes:
    """The key of a session's records: what str() says, which takes three times as long."""
    spelled: str = to_builtins(session_id)
    return spelled.encode()


def id_of(key: bytes) -> UUID | None:
    """The session whose records have this key; None where no session's have."""
    try:
        session_id = convert(key.decode(), UUID)
    except (UnicodeDecodeError, ValidationError):
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
