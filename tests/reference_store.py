"""The store as its contract says, in plain dictionaries: what the writers for SQLite and PostgreSQL are held to.

It applies a batch wholly or not at all, guards offsets and versions, and keeps rows as tuples. `rollups_of()` counts
from scratch what the rollups must say, by GROUP BY over the rows, and shares no code with what keeps them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from collector.errors import Fenced, StaleSession, StoreUnavailable
from collector.ingest.live import standing
from collector.store.changes import (
    EVENT_COLUMNS,
    OUTAGE_COLUMNS,
    SESSION_COLUMNS,
    Changes,
    Row,
    Session,
    Standing,
    session_from_rows,
)

RowDict = dict[str, Any]
Dimensions = tuple[Any, ...]

TOLERANCE_US: Final = 2_000_000
MINUTE_US: Final = 60_000_000


class ReferenceStore:
    """While it is `away` it writes nothing and says so."""

    def __init__(self) -> None:
        self.events: dict[tuple[UUID, int], Row] = {}
        self.sessions: dict[UUID, Row] = {}
        self.outages: dict[tuple[UUID, int], Row] = {}
        self.rollups: dict[Dimensions, list[int]] = {}
        self.dead_letters: dict[tuple[str, int, int], Row] = {}
        self.stored_offsets: dict[int, int] = {}
        self.away = False

    def load(self, session_ids: Collection[UUID]) -> dict[UUID, Session]:
        """Those of the sessions that there are, each with its outages."""
        return {
            one: session_from_rows(row, [o for (whose, _), o in self.outages.items() if whose == one])
            for one in session_ids
            if (row := self.sessions.get(one)) is not None
        }

    def offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        """How far each partition is stored; nothing is said of one that was never written."""
        return {p: self.stored_offsets[p] for p in partitions if p in self.stored_offsets}

    def live_sessions(self, partition: int) -> list[tuple[Standing, int]]:
        """How many are live there, by what they count as."""
        counts = Counter(standing(session_from_rows(row)) for row in self.sessions.values() if row[2] == partition)
        return [(what, count) for what, count in counts.items() if what is not None]

    def write(self, changes: Changes) -> None:
        """Applies a batch. Raises StoreUnavailable, Fenced or StaleSession, and then nothing was applied."""
        if self.away:
            raise StoreUnavailable("the connection is lost")
        moved = [m.partition for m in changes.offsets if self.stored_offsets.get(m.partition, m.tracked) != m.tracked]
        if moved:
            raise Fenced(moved)
        version = SESSION_COLUMNS.index("version")
        stale = [r[0] for r in changes.sessions if self._version(r[0]) != r[version] - 1]
        if stale:
            raise StaleSession(stale)
        for row in changes.events:
            key = (row[0], row[1])
            assert key not in self.events, f"event {key} reached the store twice"
            self.events[key] = row
        self.sessions.update({row[0]: row for row in changes.sessions})
        self.outages.update({(row[0], row[1]): row for row in changes.outages})
        for rollup, sums in changes.rollups.items():
            kept = self.rollups.setdefault(tuple(rollup), [0, 0, 0, 0, 0])
            kept[:] = [old + more for old, more in zip(kept, sums, strict=True)]
            if not any(kept):
                del self.rollups[tuple(rollup)]
        self.dead_letters.update({(d.topic, d.partition, d.offset): tuple(d) for d in changes.dead_letters})
        self.stored_offsets.update({m.partition: m.next_offset for m in changes.offsets})

    def _version(self, session_id: UUID) -> int:
        row = self.sessions.get(session_id)
        return 0 if row is None else int(row[SESSION_COLUMNS.index("version")])

    def tables(self, *, without: Mapping[str, Collection[str]] | None = None) -> dict[str, dict[Any, RowDict]]:
        """Events, sessions and outages by key, as dictionaries by column, without the columns named."""
        left_out = without or {}
        named = (
            ("events", EVENT_COLUMNS, self.events),
            ("sessions", SESSION_COLUMNS, self.sessions),
            ("outages", OUTAGE_COLUMNS, self.outages),
        )
        return {
            table: {
                key: {c: v for c, v in zip(columns, row, strict=True) if c not in left_out.get(table, ())}
                for key, row in rows.items()
            }
            for table, columns, rows in named
        }


def rollups_of(sessions: Iterable[RowDict], outages: Iterable[RowDict]) -> dict[Dimensions, list[int]]:
    """What the rollups must hold: (kind, minute, partition, dimensions …) to [n, a, b, c, d], counted from the rows."""
    by_id = {row["session_id"]: row for row in sessions}
    groups: dict[Dimensions, list[int]] = {}

    def add(row: RowDict, kind: str, at: int, told_sums: tuple[int, ...] = (0, 0, 0, 0), **words: Any) -> None:
        offset = row["clock_offset_us"]
        minute = (at + (offset if abs(offset) > TOLERANCE_US else 0)) // MINUTE_US
        told = [words.get(name, "") for name in ("cause", "outcome", "fate")]
        who = [row[name] or "" for name in ("region", "sdk", "sdk_version", "app_version")]
        key = (minute, row["kafka_partition"], kind, words.get("code", -1), *told, *who)
        sums = groups.setdefault(key, [0, 0, 0, 0, 0])
        sums[:] = [old + more for old, more in zip(sums, (1, *told_sums), strict=True)]

    opened = Counter(row["session_id"] for row in outages)
    for row in by_id.values():
        begun = row["connecting_at"] if row["connecting_at"] is not None else (row["session_id"].int >> 80) * 1000
        add(row, "started", begun)
        if _was_joined(row, opened[row["session_id"]]):
            wait_ms = 0
            if row["joined_at"] is not None and row["connecting_at"] is not None:
                wait_ms = max(0, row["joined_at"] - row["connecting_at"]) // 1000
            at, ttl_s = row["joined_at"] if row["joined_at"] is not None else begun, row["token_ttl_s"]
            add(row, "joined", at, (wait_ms, 0, int(ttl_s is not None), int((ttl_s or 86_400) < 86_400)))
        if row["ended_at"] is not None:
            code = -1 if row["terminal_code"] is None else row["terminal_code"]
            sums = (row["connected_ms"], row["reconnecting_ms"], *_received(row))
            add(row, "ended", row["ended_at"], sums, code=code, fate=row["fate"])
    for row in outages:
        whose, cause, since = by_id[row["session_id"]], row["cause"] or "", row["since_previous_ms"]
        flap = int(since is not None and since < 10_000)
        add(whose, "outage", row["started_at"], (flap, 0, 0, 0), cause=cause, outcome=row["outcome"])
        if row["outcome"] != "open":
            ended = row["closing_at"]
            if ended is None:
                ended = row["started_at"] + 1000 * row["downtime_ms"]
            code = -1 if row["closing_code"] is None else row["closing_code"]
            ours = int(whose["policy"] != "observed")
            at_first = ours * int(row["outcome"] == "recovered" and row["attempts"] == 1)
            sums = (row["downtime_ms"], ours * row["attempts"], ours, at_first)
            add(whose, "outage_ended", ended, sums, code=code, cause=cause, outcome=row["outcome"])
    return groups


def _received(row: RowDict) -> tuple[int, int]:
    seqs = set(range(row["received_to"]))
    more = row["received_more"] or b""
    bounds = [int.from_bytes(more[place : place + 4]) for place in range(0, len(more), 4)]
    for since, upto in zip(bounds[::2], bounds[1::2], strict=True):
        seqs |= set(range(since, upto))
    return len(seqs), max(seqs, default=-1) + 1


def _was_joined(row: RowDict, outages: int) -> bool:
    told = row["joined_at"] is not None or row["terminal_type"] == "room.disconnected"
    return told or row["state"] in {"connected", "reconnecting"} or outages + row["outages"] + row["connected_ms"] > 0
