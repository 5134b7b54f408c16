"""What the store takes and gives back: merged sessions and outages, rows, rollups, offsets. Plain values; no SQL.

`Session` and `Outage` are the merged state that an owner of partitions holds; their attributes bear the names of the
columns. Rows are tuples in the order of the columns of tables.py: times are µs since 1970, ids are UUIDs.

Rules:
1. A row is frozen when it is made: what happens to its session later never reaches a batch that waits to be written.
2. A row of `sessions` carries the version that it is to have: it applies to the version one below, and version 1 to
   no row at all. Nothing of a batch applies when one row does not.
3. A session made from its rows merges on as if it had never been a row: the keys of its `first` and `last` values and
   the seqs it received are packed into the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from struct import Struct as Packing
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

Row = tuple[Any, ...]
"""One row of a table, in the order of its columns."""
EventRow = Row
SessionRow = Row
OutageRow = Row

NEVER: Final = 1 << 62
"""The key of a `first` value that no event has given yet. A `last` value's is -1."""
CLOCK_TOLERANCE_US: Final = 2_000_000
"""A clock offset within this is delay, not a wrong clock: times are left as told."""
N_BITS: Final = 24
"""How far `seq` is shifted in a key: the key of an event is `seq << N_BITS | n`."""

EVENT_COLUMNS: Final = (
    "session_id", "seq", "type", "event_at", "append_at", "stored_at", "kafka_partition", "kafka_offset",
    "room_sid", "participant_sid", "from_state", "to_state", "subject_sid", "region", "network_type",
    "error_code", "error_origin", "reason", "outage_number", "attempts", "downtime_ms", "extra",
)  # fmt: skip
SESSION_COLUMNS: Final = (
    "session_id", "version", "kafka_partition", "room_sid", "room_name", "participant_sid", "identity",
    "previous_session_id", "policy", "connecting_at", "joined_at", "last_event_at", "first_append_at",
    "last_append_at", "clock_offset_us", "state", "sdk", "sdk_version", "app_version", "platform", "network_type",
    "region", "media_region", "token_expires_at", "token_ttl_s", "terminal_type", "terminal_from", "terminal_code",
    "terminal_origin", "terminal_reason", "terminal_at", "terminal_vendor_code", "outages", "reconnecting_ms",
    "connected_ms", "lost", "received_to", "received_more", "told_until", "lost_at", "fate", "ended_at", "keys",
    "correction_us",
)  # fmt: skip
OUTAGE_COLUMNS: Final = (
    "session_id", "number", "kafka_partition", "started_at", "cause", "since_previous_ms", "attempts",
    "signaling_down_ms", "media_down_ms", "downtime_ms", "closing_type", "closing_code", "closing_origin",
    "closing_at", "outcome", "keys", "opened_at",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Outage:
    """One outage of a session, merged from every event that mentions it."""

    number: int
    started_at: int
    cause: str | None = None
    since_previous_ms: int | None = None
    attempts: int = 0
    signaling_down_ms: int = 0
    media_down_ms: int = 0
    downtime_ms: int = 0
    closing_type: str | None = None
    closing_code: int | None = None
    closing_origin: str | None = None
    closing_at: int | None = None
    outcome: str = "open"

    key_cause: int = NEVER
    key_closing: int = NEVER
    key_last: int = -1  # of the last event that mentions this outage

    opened_at: int = 0  # started_at, corrected by the session's clock offset
    changed: bool = True  # not yet in a row


@dataclass(slots=True, eq=False)
class Session:
    """One participant's life in one room, merged from every event of it. `version` 0: the store has no row of it."""

    session_id: UUID
    version: int = 0
    kafka_partition: int = -1
    room_sid: str | None = None
    room_name: str | None = None
    participant_sid: str | None = None
    identity: str | None = None
    previous_session_id: UUID | None = None
    policy: str | None = None
    connecting_at: int | None = None
    joined_at: int | None = None
    last_event_at: int = -NEVER
    first_append_at: int = NEVER
    last_append_at: int = -NEVER
    clock_offset_us: int = NEVER
    state: str = "connecting"
    sdk: str | None = None
    sdk_version: str | None = None
    app_version: str | None = None
    platform: str | None = None
    network_type: str | None = None
    region: str | None = None
    media_region: str | None = None
    token_expires_at: int | None = None
    token_ttl_s: int | None = None
    terminal_type: str | None = None
    terminal_from: str | None = None
    terminal_code: int | None = None
    terminal_origin: str | None = None
    terminal_reason: str | None = None
    terminal_at: int | None = None
    terminal_vendor_code: int | None = None
    outages: int = 0
    reconnecting_ms: int = 0
    connected_ms: int = 0
    lost: dict[str, dict[str, int]] = field(default_factory=dict)
    received_to: int = 0
    received_more: list[int] = field(default_factory=list)  # from, to, from, to …: sorted, apart, beyond received_to
    lost_at: int | None = None
    fate: str = "connecting"
    ended_at: int | None = None

    key_room_sid: int = NEVER
    key_room_name: int = NEVER
    key_participant_sid: int = NEVER
    key_identity: int = NEVER
    key_previous_session_id: int = NEVER
    key_policy: int = NEVER
    key_terminal: int = NEVER
    key_state: int = -1
    key_client: int = -1
    key_token: int = -1
    key_calm: int = -1  # of the last event that says that no outage is open

    outage_rows: dict[int, Outage] = field(default_factory=dict)
    told: tuple[Any, ...] | None = None  # the facts that the rollups hold of it; None: not yet made from its rows
    counted: Standing | None = None  # as what it counts among those that are live
    weight: int = 0  # about how many bytes it takes in memory, as its cache counts them
    named_by: int = NEVER  # no event beyond this key can change a name
    unsettled: bool = True  # whether its fate, its outcomes or its facts may be others than they were


_FIRST_COLUMNS: Final = SESSION_COLUMNS[: SESSION_COLUMNS.index("lost")]
_first_values: Final = attrgetter(*_FIRST_COLUMNS)
SESSION_KEYS: Final = tuple(one.name for one in fields(Session) if one.name.startswith("key_"))
_session_keys: Final = attrgetter(*SESSION_KEYS)
_SESSION_KEYS: Final = Packing(f"!{len(SESSION_KEYS)}q")

_OUTAGE_VALUES: Final = OUTAGE_COLUMNS[OUTAGE_COLUMNS.index("started_at") : OUTAGE_COLUMNS.index("keys")]
_outage_values: Final = attrgetter(*_OUTAGE_VALUES)
OUTAGE_KEYS: Final = ("key_cause", "key_closing", "key_last")
_outage_keys: Final = attrgetter(*OUTAGE_KEYS)
_OUTAGE_KEYS: Final = Packing(f"!{len(OUTAGE_KEYS)}q")

_INT32_BYTES: Final = 4
_encode_lost: Final = msgspec.json.Encoder(order="deterministic").encode
_decode_lost: Final = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


def session_row(session: Session) -> SessionRow:
    """The row of a session as it stands, with `session.version` as the version that it is to have."""
    more, offset_us = session.received_more, session.clock_offset_us
    return (
        *_first_values(session),
        _encode_lost(session.lost).decode() if session.lost else None,
        session.received_to,
        pack_intervals(more) if more else None,
        None if session.ended_at is None else session.last_append_at,
        session.lost_at,
        session.fate,
        session.ended_at,
        _SESSION_KEYS.pack(*_session_keys(session)),
        offset_us if abs(offset_us) > CLOCK_TOLERANCE_US else None,
    )


def outage_row(session: Session, outage: Outage) -> OutageRow:
    """The row of one of the session's outages."""
    values = _outage_values(outage)
    keys = _OUTAGE_KEYS.pack(*_outage_keys(outage))
    return (session.session_id, outage.number, session.kafka_partition, *values, keys, outage.opened_at)


def session_from_rows(row: Sequence[Any], outage_rows: Iterable[Sequence[Any]] = ()) -> Session:
    """The session that its rows hold. Values are those of session_row() and outage_row(): µs, UUIDs, bytes."""
    count = len(_FIRST_COLUMNS)
    session = Session(*row[:count])
    lost, session.received_to, more, _, session.lost_at, session.fate, session.ended_at, keys, _ = row[count:]
    session.lost = _decode_lost(lost) if lost else {}
    session.received_more = unpack_intervals(bytes(more)) if more else []
    for name, key in zip(SESSION_KEYS, _SESSION_KEYS.unpack(bytes(keys)), strict=True):
        setattr(session, name, key)
    for values in outage_rows:
        outage = _outage_from_row(values)
        session.outage_rows[outage.number] = outage
    return session


def _outage_from_row(row: Sequence[Any]) -> Outage:
    _, number, _, *values, keys, opened_at = row
    outage = Outage(number, *values, *_OUTAGE_KEYS.unpack(bytes(keys)))
    outage.opened_at, outage.changed = opened_at, False
    return outage


def pack_intervals(bounds: list[int]) -> bytes:
    """`received_more` as int32, big-endian."""
    return Packing(f"!{len(bounds)}i").pack(*bounds)


def unpack_intervals(packed: bytes) -> list[int]:
    """What pack_intervals() packed."""
    return list(Packing(f"!{len(packed) // _INT32_BYTES}i").unpack(packed))


class RollupKey(NamedTuple):
    """The key of a row of `rollups`, in the order of its columns. Absent words are ``""``, an absent code is -1."""

    minute: int
    kafka_partition: int
    kind: str
    code: int
    cause: str
    outcome: str
    fate: str
    region: str
    sdk: str
    sdk_version: str
    app_version: str


class Sums(NamedTuple):
    """What is added to a row of `rollups`; each may be negative. What all but `n` are is the kind's: docs/store.md."""

    n: int
    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0


class Standing(NamedTuple):
    """What a live session counts as. `expires_s`: the second since 1970 in which its token expires."""

    partition: int
    region: str | None
    reconnecting: bool
    expires_s: int | None


class OffsetMove(NamedTuple):
    """How far a partition is stored after this batch. It applies only where the stored offset is `tracked`.

    A sweep moves nothing (`next_offset == tracked`) and still has to apply: it proves that the partition is ours.
    """

    partition: int
    tracked: int
    next_offset: int


class DeadLetter(NamedTuple):
    """A record that is refused: where it lies, when it came (µs), why, and its bytes untouched and whole.

    `place` says where in the document; the writer may cut `value`, the topic of dead letters has all of it.
    """

    topic: str
    partition: int
    offset: int
    append_at: int
    reason: str
    place: str
    detail: str
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Changes:
    """One transaction. Rows are new or replace what is there; sums are added; offsets come last."""

    events: list[EventRow] = field(default_factory=list)
    sessions: list[SessionRow] = field(default_factory=list)
    outages: list[OutageRow] = field(default_factory=list)
    rollups: dict[RollupKey, Sums] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    offsets: list[OffsetMove] = field(default_factory=list)
