"""The bounded queue between rooms and a sink: it numbers events, keeps them, and says what it could not keep.

Not here: when anything is sent, or to whom (publisher.py). It knows no clock: an event brings its moment, and a send
brings its own.

Rules:
1. Numbers are given before queuing, 0, 1, 2 … per session without gaps: what is dropped later shows as a gap.
2. `session.alive` and `session.events_lost` take no number. An alive that waits is replaced by its session's next one.
3. `participant.*` of rooms above `participants_max` is withheld: it takes no number, is counted, and is no loss.
4. When the queue is full, the least telling goes first, and of equals the oldest: alive, participant.*, token.expiring,
   and room.* only when nothing else is left.
5. A loss is told twice: in `lost` of every later message of its session, and by `session.events_lost`.
6. A session is forgotten once its terminal event was sent and its losses were told.
7. What is under way (taken and not settled) is neither dropped nor replaced: it may have arrived.
8. `keeper` is told of every change as it is made, and keeps what is kept here, no more (kept.py).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Container, Iterator
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from session_core import wire
from session_core.events import PARTICIPANT_EVENTS_ROOM_MAX, PUBLISHED_TYPES, SEQLESS_TYPES, TERMINAL_TYPES, Event
from session_core.identity import Telling, as_it_is
from session_core.kept import Keeper, Leftovers, MemoryOnly, Standing, bare, ended_by_restart
from session_core.privacy import Privacy

EVENTS_MAX: Final = 10_000
BYTES_MAX: Final = 8 * 1024 * 1024
SESSIONS_MAX: Final = 100_000
"""Sessions that one outbox numbers at a time. One more than that publishes nothing and is counted as refused."""

LOSS_REPORT: Final = "session.events_lost"

OVERFLOW: Final = "overflow"
"""Lost because the queue was full."""
NUMBERS_USED_UP: Final = "numbers_used_up"
"""Lost because the session had as many events as a session may have; the last number is kept for its end."""
REFUSED: Final = "refused"
"""Lost because the sink refused it for good."""

_RANKS: Final = ("session.alive", "participant.", "token.", "room.")


class Counts(NamedTuple):
    """What an outbox did so far. `published` and `pending` count messages, the others events.

    `dropped` is what `session.events_lost` tells of; `withheld` are participant events of large rooms; `replaced` are
    proofs of life that a newer one made needless; `refused` are events of sessions beyond SESSIONS_MAX.
    """

    published: int = 0
    dropped: int = 0
    withheld: int = 0
    replaced: int = 0
    refused: int = 0
    pending: int = 0


class Record(NamedTuple):
    """Key and value as a sink takes them."""

    key: bytes
    value: bytes


class _Waiting(NamedTuple):
    message: wire.Message
    rank: int
    size: int


class _Session:
    """What is remembered of a session between its first event and its end."""

    __slots__ = ("alive", "ended", "last", "lost", "lost_at", "n", "next_seq", "state", "told", "waiting")

    def __init__(self) -> None:
        self.next_seq = 0
        self.n = 0
        self.waiting = 0
        self.ended = False
        self.alive: int | None = None
        self.last: wire.Message | None = None
        self.state: wire.State | None = None
        self.lost: dict[str, dict[str, int]] = {}
        self.lost_at: datetime | None = None
        self.told: dict[str, dict[str, int]] = {}

    @property
    def has_told_all(self) -> bool:
        return self.told == self.lost


class Outbox:
    """Numbers, keeps and hands out the events of all rooms of a process. See the rules of this module.

    Not for several threads at once.
    """

    def __init__(
        self,
        *,
        events_max: int = EVENTS_MAX,
        bytes_max: int = BYTES_MAX,
        participants_max: int = PARTICIPANT_EVENTS_ROOM_MAX,
        sessions_max: int = SESSIONS_MAX,
        identity: Telling = as_it_is,
        room_name: Telling = as_it_is,
        error_texts: bool = False,
    ) -> None:
        """`identity` and `room_name` are what is told of them: identity.as_it_is, left_out or hashed(key).

        With `error_texts`, what a server says beside a code that is not in the catalogue is told too. Raises ValueError
        for bounds that leave room for nothing.
        """
        for name, value in (("events_max", events_max), ("bytes_max", bytes_max), ("sessions_max", sessions_max)):
            if not value >= 1:  # so written, a NaN is refused too
                raise ValueError(f"outbox: {name} must be at least 1, not {value}")
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._participants_max = participants_max
        self._sessions_max = sessions_max
        self._privacy = Privacy(identity=identity, room_name=room_name, error_texts=error_texts)
        self.keeper: Keeper = MemoryOnly()
        self._sessions: dict[UUID, _Session] = {}
        self._waiting: tuple[dict[int, _Waiting], ...] = tuple({} for _ in _RANKS)
        self._taken: list[tuple[int, _Waiting]] = []
        self._taken_reports: list[tuple[UUID, dict[str, dict[str, int]]]] = []
        self._untold: dict[UUID, None] = {}
        self._next_ordinal = 0
        self._events = 0
        self._bytes = 0
        self._did: Counter[str] = Counter()

    def __len__(self) -> int:
        """The messages that wait or are under way."""
        return self._events

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send, loss reports included."""
        return not self._events and not self._untold

    @property
    def counts(self) -> Counts:
        """A frozen reading of the counters."""
        return Counts(**self._did, pending=self._events + len(self._untold))

    @property
    def sessions(self) -> int:
        """How many sessions are remembered."""
        return len(self._sessions)

    def put(self, event: Event) -> None:
        """Numbers an event and queues it; what the queue has no room for is dropped by rule 4 and counted.

        Raises what encoding raises for an event that no room makes: text that is not Unicode, a time beyond year 9999.
        """
        if event.type not in PUBLISHED_TYPES or event.type == LOSS_REPORT:
            return
        if event.type.startswith("participant.") and event.participants > self._participants_max:
            self._did["withheld"] += 1
            return
        session = self._session_of(event)
        if session is None:
            self._did["refused"] += 1
            return
        try:
            message = self._numbered(session, self._privacy.applied_to(event))
            if message is not None:
                self._queue(session, message, wire.encode(message, message.time))
        except Exception:
            # Its number stays given: the gap says that something is missing. Its session may have ended with it.
            self._free(event.session.session_id, session)
            raise
        if message is None:
            self._lose(event.session.session_id, session, NUMBERS_USED_UP, event.type, event.at.utc)
        self._make_room(event.at.utc)

    def fits(self, left: Leftovers) -> bool:
        """Whether adopt() would drop nothing, or there is nothing here that could make more room."""
        count = len(left.waiting) + left.unfinished
        size = sum(len(value) for _, value in left.waiting)
        return not self._events or (
            self._events + count <= self._events_max
            and self._bytes + size <= self._bytes_max
            and len(self._sessions) + len(left.sessions) <= self._sessions_max
        )

    def adopt(self, left: Leftovers) -> Iterator[None]:
        """Goes on with what another process left, a step at each turn of the iterator; its sessions say no more."""
        for found, last, lost in left.sessions:
            session = self._sessions.setdefault(found.session_id, _Session())
            session.next_seq, session.n = max(found.next_seq, session.next_seq), max(found.n, session.n)
            session.last, session.state, session.lost = last, found.state, lost
            self.keeper.remember(found if left.ends_sessions else found._replace(ended=True))
            if lost:
                self._untold[found.session_id] = None
                self.keeper.lose(found.session_id, lost)
            yield
        for message, value in left.waiting:
            self._queue(self._sessions.setdefault(message.data.session_id, _Session()), message, value)
            yield
        for one in left.sessions:
            session = self._sessions[one.standing.session_id]
            session.ended = True
            if left.ends_sessions and not one.standing.ended:
                end = ended_by_restart(one)
                session.next_seq, session.n, session.state = end.data.seq + 1, 0, "disconnected"
                self._queue(session, end, wire.encode(end, end.time))
            self._make_room(one.last.time)
            self._free(one.standing.session_id, session)
            yield

    def note(self, reason: str) -> bool:
        """Has one session, if there is any, tell what befell the outbox, though nothing of it is lost by that yet."""
        for session_id, session in reversed(self._sessions.items()):
            if session.last is not None:
                session.lost.setdefault(reason, {}).setdefault(LOSS_REPORT, 0)
                self._untold[session_id] = None
                return True
        return False

    def take(self, limit: int, sent_at: datetime) -> list[Record]:
        """The oldest messages, at most `limit`, as they are sent now; `settle` must follow before the next take.

        Loss reports come when nothing else waits. Raises RuntimeError where it does not.
        """
        if self._taken or self._taken_reports:
            raise RuntimeError("outbox: settle() what was taken before taking more")
        self._taken = list(islice(self._oldest_first(), limit))
        for ordinal, waiting in self._taken:
            del self._waiting[waiting.rank][ordinal]
        records = [self._record(waiting.message, sent_at) for _, waiting in self._taken]
        for session_id in list(islice(self._untold, limit - len(records))):
            session = self._sessions[session_id]
            self._taken_reports.append((session_id, _copied(session.lost)))
            records.append(self._record(self._report(session), sent_at))
        return records

    def settle(self, *, delivered: Container[int], refused: Container[int] = ()) -> None:
        """Ends a take. Positions in `delivered` have arrived, those in `refused` never will; the rest waits again."""
        taken, self._taken = self._taken, []
        reports, self._taken_reports = self._taken_reports, []
        again: list[tuple[int, _Waiting]] = []
        for position, (ordinal, waiting) in enumerate(taken):
            if position in delivered:
                self._did["published"] += 1
                self._let_go(ordinal, waiting)
            elif position in refused:
                self._let_go(ordinal, waiting, REFUSED)
            else:
                again.append((ordinal, waiting))
        self._put_back(again)
        for position, (session_id, lost) in enumerate(reports, start=len(taken)):
            if position in delivered or position in refused:
                self._did["published"] += position in delivered
                self._told(session_id, lost)

    def _session_of(self, event: Event) -> _Session | None:
        session_id = event.session.session_id
        session = self._sessions.get(session_id)
        if session is None and len(self._sessions) < self._sessions_max:
            session = self._sessions[session_id] = _Session()
        return session

    def _numbered(self, session: _Session, event: Event) -> wire.Message | None:
        if event.type in SEQLESS_TYPES:
            session.n += 1
            return wire.message(event, max(session.next_seq - 1, 0), session.n)
        is_terminal = event.type in TERMINAL_TYPES
        session.ended = session.ended or is_terminal
        if session.next_seq > wire.SEQ_MAX or (session.next_seq == wire.SEQ_MAX and not is_terminal):
            session.last = wire.message(event, session.next_seq - 1)
            return None
        message = wire.message(event, session.next_seq)
        if event.type.startswith("room."):
            session.state = message.data.to_state
        session.next_seq += 1
        session.n = 0
        return message

    def _queue(self, session: _Session, message: wire.Message, value: bytes) -> None:
        rank = next(rank for rank, begin in enumerate(_RANKS) if message.type.startswith(begin))
        if rank == 0 and session.alive is not None and session.alive in self._waiting[0]:
            replaced = self._waiting[0].pop(session.alive)
            self._did["replaced"] += 1
            self._forget(session.alive, session, replaced)
        waiting = _Waiting(message, rank, len(value))
        self._waiting[rank][self._next_ordinal] = waiting
        if rank == 0:
            session.alive = self._next_ordinal
        self._next_ordinal += 1
        self._events += 1
        self._bytes += waiting.size
        session.waiting += 1
        session.last = message
        self.keeper.keep(self._next_ordinal - 1, value)
        standing = (session.next_seq, session.n, session.state, session.ended, value)
        self.keeper.remember(Standing(message.data.session_id, *standing))

    def _make_room(self, at: datetime) -> None:
        while self._events > self._events_max or self._bytes > self._bytes_max:
            if not self._drop_one(at):
                break

    def _drop_one(self, at: datetime) -> bool:
        for waiting in self._waiting:
            if waiting:
                ordinal = next(iter(waiting))
                dropped = waiting.pop(ordinal)
                session_id = dropped.message.data.session_id
                session = self._sessions[session_id]
                self._forget(ordinal, session, dropped)
                self._lose(session_id, session, OVERFLOW, dropped.message.type, at)
                return True
        return False

    def _lose(self, session_id: UUID, session: _Session, reason: str, kind: str, at: datetime) -> None:
        counts = session.lost.setdefault(reason, {})
        counts[kind] = counts.get(kind, 0) + 1
        session.lost_at = at
        self.keeper.lose(session_id, session.lost)
        self._untold[session_id] = None
        self._did["dropped"] += 1

    def _forget(self, ordinal: int, session: _Session, waiting: _Waiting) -> None:
        self.keeper.let_go(ordinal)
        self._events -= 1
        self._bytes -= waiting.size
        session.waiting -= 1

    def _let_go(self, ordinal: int, waiting: _Waiting, lost_because: str | None = None) -> None:
        session_id = waiting.message.data.session_id
        session = self._sessions[session_id]
        self._forget(ordinal, session, waiting)
        if lost_because is not None:
            self._lose(session_id, session, lost_because, waiting.message.type, waiting.message.time)
        self._free(session_id, session)

    def _put_back(self, again: list[tuple[int, _Waiting]]) -> None:
        """What was under way is older than all that waits, so it goes in front."""
        for rank, waiting in enumerate(self._waiting):
            back = {ordinal: entry for ordinal, entry in again if entry.rank == rank}
            if back:
                behind = dict(waiting)
                waiting.clear()
                waiting.update(back)
                waiting.update(behind)
        for ordinal, entry in again:
            session = self._sessions[entry.message.data.session_id]
            if entry.rank == 0 and session.alive != ordinal:
                del self._waiting[0][ordinal]
                self._did["replaced"] += 1
                self._forget(ordinal, session, entry)

    def _told(self, session_id: UUID, lost: dict[str, dict[str, int]]) -> None:
        session = self._sessions[session_id]
        session.told = lost
        if session.has_told_all:
            self._untold.pop(session_id, None)
        self._free(session_id, session)

    def _free(self, session_id: UUID, session: _Session) -> None:
        if session.ended and not session.waiting and session.has_told_all:
            del self._sessions[session_id]
            self.keeper.forget(session_id)

    def _oldest_first(self) -> Iterator[tuple[int, _Waiting]]:
        """What waits, in the order in which it was put."""
        return heapq.merge(*(waiting.items() for waiting in self._waiting))

    def _record(self, message: wire.Message, sent_at: datetime) -> Record:
        session_id = message.data.session_id
        return Record(str(session_id).encode(), wire.encode(message, sent_at, self._sessions[session_id].lost))

    def _report(self, session: _Session) -> wire.Message:
        """`session.events_lost`: who the session is and what is lost of it, which encode() adds."""
        last = session.last
        if last is None:
            raise RuntimeError("outbox: a session without an event has lost one")
        session.n += 1
        seq = max(session.next_seq - 1, 0)
        at = session.lost_at or last.time
        return replace(last, id=f"{seq}.{session.n}", type=LOSS_REPORT, time=at, data=bare(last.data, seq))


def _copied(lost: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {reason: dict(counts) for reason, counts in lost.items()}
