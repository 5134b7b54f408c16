"""Sessions in memory, bounded by their number and by the bytes that they take.

Rules:
1. What is not written yet stays, even beyond the bounds. Of the rest those that ended go first, then those that were
   touched longest ago; a quarter more goes than has to, so that not every batch looks through all of them.
2. Bytes are estimated: what a session takes with its key and its share of the table, by what of it can grow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from collector.ingest.derive import OPEN_FATES
from collector.ingest.yielding import EVERY, give_way
from collector.store.changes import Session

SESSIONS_MAX: Final = 60_000
BYTES_MAX: Final = 256 * 1024 * 1024

SESSION_BYTES: Final = 2_500
"""What a session without an outage takes, its texts apart: measured, as the others are (tests/collector/ingest)."""
OUTAGE_BYTES: Final = 1_000
LOSS_BYTES: Final = 1_000
"""What one reason of loss takes, with its counts by type."""
GAP_BYTES: Final = 80


class Bounds(NamedTuple):
    """What a cache may hold."""

    sessions: int = SESSIONS_MAX
    bytes: int = BYTES_MAX


class Cache:
    """Sessions by the key of their records; `sessions` is read by whoever merges, the least recently touched first."""

    def __init__(self, bounds: Bounds) -> None:
        self.sessions: dict[bytes, Session] = {}
        self.bytes = 0
        self._bounds = bounds

    def add(self, sessions: Mapping[bytes, Session]) -> None:
        """Holds sessions that were read from the store."""
        self.sessions.update(sessions)
        for session in sessions.values():
            self._weigh(session)

    def touch(self, touched: Mapping[bytes, Session]) -> None:
        """Those are the latest that changed; they are weighed anew. One that is not held any more stays away."""
        sessions = self.sessions
        for key, session in touched.items():
            if sessions.pop(key, None) is not None:
                sessions[key] = session
                self._weigh(session)

    def shrink(self, stays: Iterable[Collection[bytes]]) -> None:
        """Lets go what is beyond the bounds. `stays`: the keys of what is not written yet."""
        sessions, bounds = self.sessions, self._bounds
        if len(sessions) <= bounds.sessions and self.bytes <= bounds.bytes:
            return
        kept = {key for keys in stays for key in keys}
        sessions_goal, bytes_goal = bounds.sessions * 3 // 4, bounds.bytes * 3 // 4
        ended = (key for key, session in sessions.items() if session.fate not in OPEN_FATES and key not in kept)
        self._let_go(list(ended), sessions_goal, bytes_goal)
        if len(sessions) > bounds.sessions or self.bytes > bounds.bytes:
            self._let_go([key for key in sessions if key not in kept], sessions_goal, bytes_goal)

    def forget(self, keys: Iterable[bytes]) -> None:
        """Lets these go."""
        for number, key in enumerate(keys):
            if not number % EVERY:
                give_way()
            session = self.sessions.pop(key, None)
            if session is not None:
                self.bytes -= session.weight

    def forget_partitions(self, partitions: AbstractSet[int]) -> None:
        """Lets the sessions of these partitions go."""
        if partitions:
            self.forget([key for key, one in self.sessions.items() if one.kafka_partition in partitions])

    def _let_go(self, keys: Iterable[bytes], sessions_goal: int, bytes_goal: int) -> None:
        for number, key in enumerate(keys):
            if not number % EVERY:
                give_way()
            if len(self.sessions) <= sessions_goal and self.bytes <= bytes_goal:
                return
            self.bytes -= self.sessions.pop(key).weight

    def _weigh(self, session: Session) -> None:
        weight = weigh(session)
        self.bytes += weight - session.weight
        session.weight = weight


def weigh(session: Session) -> int:
    """About how many bytes a session takes in memory."""
    return (
        SESSION_BYTES
        + len(session.outage_rows) * OUTAGE_BYTES
        + len(session.lost) * LOSS_BYTES
        + len(session.received_more) * (GAP_BYTES // 2)
        + len(session.room_name or "")
        + len(session.identity or "")
        + len(session.room_sid or "")
        + len(session.participant_sid or "")
    )
