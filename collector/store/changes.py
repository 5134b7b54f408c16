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


# __init__ is written out here and below, as rows are: compiled, that is some stores, where a dataclass's own calls
# something for every field.
@dataclass(slots=True, eq=False, init=False)
class Outage:
    """One outage of a session, merged from every event that mentions it."""

    number: int
    started_at: int
    cause: str | None
    since_previous_ms: int | None
    attempts: int
    signaling_down_ms: int
    media_down_ms: int
    downtime_ms: int
    closing_type: str | None
    closing_code: int | None
    closing_origin: str | None
    closing_at: int | None
    outcome: str

    key_cause: int
    key_closing: int
    key_last: int  # of the last event that mentions this outage

    opened_at: int  # started_at, corrected by the session's clock offset
    changed: bool  # not yet in a row

    def __init__(self, number: int, started_at: int) -> None:
        """An outage of which nothing is known but its beginning."""
        self.number, self.started_at = number, started_at
        self.cause = None
        self.since_previous_ms = None
        self.attempts = self.signaling_down_ms = self.media_down_ms = self.downtime_ms = 0
        self.closing_type = self.closing_origin = None
        self.closing_code = self.closing_at = None
        self.outcome = "open"
        self.key_cause = self.key_closing = NEVER
        self.key_last = -1
        self.opened_at = 0
        self.changed = True


@dataclass(slots=True, eq=False, init=False)
class Session:
    """One participant's life in one room, merged from every event of it. `version` 0: the store has no row of it."""

    session_id: UUID
    version: int
    kafka_partition: int
    room_sid: str | None
    room_name: str | None
    participant_sid: str | None
    identity: str | None
    previous_session_id: UUID | None
    policy: str | None
    connecting_at: int | None
    joined_at: int | None
    last_event_at: int
    first_append_at: int
    last_append_at: int
    clock_offset_us: int
    state: str
    sdk: str | None
    sdk_version: str | None
    app_version: str | None
    platform: str | None
    network_type: str | None
    region: str | None
    media_region: str | None
    token_expires_at: int | None
    token_ttl_s: int | None
    terminal_type: str | None
    terminal_from: str | None
    terminal_code: int | None
    terminal_origin: str | None
    terminal_reason: str | None
    terminal_at: int | None
    terminal_vendor_code: int | None
    outages: int
    reconnecting_ms: int
    connected_ms: int
    lost: dict[str, dict[str, int]]
    received_to: int
    received_more: list[int]  # from, to, from, to …: sorted, apart, beyond received_to
    lost_at: int | None
    fate: str
    ended_at: int | None

    key_room_sid: int
    key_room_name: int
    key_participant_sid: int
    key_identity: int
    key_previous_session_id: int
    key_policy: int
    key_terminal: int
    key_state: int
    key_client: int
    key_token: int
    key_calm: int  # of the last event that says that no outage is open

    outage_rows: dict[int, Outage]
    told: tuple[Any, ...] | None  # the facts that the rollups hold of it; None: not yet made from its rows
    counted: Standing | None  # as what it counts among those that are live
    weight: int  # about how many bytes it takes in memory, as its cache counts them
    named_by: int  # no event beyond this key can change a name
    unsettled: bool  # whether its fate, its outcomes or its facts may be others than they were

    def __init__(self, session_id: UUID, told: tuple[Any, ...] | None = None) -> None:
        """A session of which nothing is known but its id."""
        self.session_id = session_id
        self.version = 0
        self.kafka_partition = -1
        self.room_sid = self.room_name = self.participant_sid = self.identity = self.policy = None
        self.previous_session_id = None
        self.connecting_at = self.joined_at = None
        self.last_event_at = self.last_append_at = -NEVER
        self.first_append_at = self.clock_offset_us = NEVER
        self.state = self.fate = "connecting"
        self.sdk = self.sdk_version = self.app_version = self.platform = self.network_type = None
        self.region = self.media_region = None
        self.token_expires_at = self.token_ttl_s = None
        self.terminal_type = self.terminal_from = self.terminal_origin = self.terminal_reason = None
        self.terminal_code = self.terminal_at = self.terminal_vendor_code = None
        self.outages = self.reconnecting_ms = self.connected_ms = 0
        self.lost = {}
        self.received_to = 0
        self.received_more = []
        self.lost_at = self.ended_at = None
        self.key_room_sid = self.key_room_name = self.key_participant_sid = self.key_identity = NEVER
        self.key_previous_session_id = self.key_policy = self.key_terminal = NEVER
        self.key_state = self.key_client = self.key_token = self.key_calm = -1
        self.outage_rows = {}
        self.told = told
        self.counted = None
        self.weight = 0
        self.named_by = NEVER
        self.unsettled = True


SESSION_KEYS: Final = tuple(one.name for one in fields(Session) if one.name.startswith("key_"))
_SESSION_KEYS: Final = Packing(f"!{len(SESSION_KEYS)}q")
OUTAGE_KEYS: Final = ("key_cause", "key_closing", "key_last")
_OUTAGE_KEYS: Final = Packing(f"!{len(OUTAGE_KEYS)}q")

_INT32_BYTES: Final = 4
_encode_lost: Final = msgspec.json.Encoder(order="deterministic").encode
_decode_lost: Final = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


def session_row(session: Session) -> SessionRow:
    """The row of a session as it stands, with `session.version` as the version that it is to have."""
    one, more, offset_us = session, session.received_more, session.clock_offset_us
    return (
        one.session_id, one.version, one.kafka_partition, one.room_sid, one.room_name, one.participant_sid,
        one.identity, one.previous_session_id, one.policy, one.connecting_at, one.joined_at, one.last_event_at,
        one.first_append_at, one.last_append_at, offset_us, one.state, one.sdk, one.sdk_version, one.app_version,
        one.platform, one.network_type, one.region, one.media_region, one.token_expires_at, one.token_ttl_s,
        one.terminal_type, one.terminal_from, one.terminal_code, one.terminal_origin, one.terminal_reason,
        one.terminal_at, one.terminal_vendor_code, one.outages, one.reconnecting_ms, one.connected_ms,
        _encode_lost(one.lost).decode() if one.lost else None,
        one.received_to,
        pack_intervals(more) if more else None,
        None if one.ended_at is None else one.last_append_at,
        one.lost_at, one.fate, one.ended_at,
        _SESSION_KEYS.pack(
            one.key_room_sid, one.key_room_name, one.key_participant_sid, one.key_identity,
            one.key_previous_session_id, one.key_policy, one.key_terminal, one.key_state, one.key_client,
            one.key_token, one.key_calm,
        ),
        offset_us if abs(offset_us) > CLOCK_TOLERANCE_US else None,
    )  # fmt: skip


def outage_row(session: Session, outage: Outage) -> OutageRow:
    """The row of one of the session's outages."""
    one = outage
    return (
        session.session_id, one.number, session.kafka_partition, one.started_at, one.cause, one.since_previous_ms,
        one.attempts, one.signaling_down_ms, one.media_down_ms, one.downtime_ms, one.closing_type, one.closing_code,
        one.closing_origin, one.closing_at, one.outcome,
        _OUTAGE_KEYS.pack(one.key_cause, one.key_closing, one.key_last),
        one.opened_at,
    )  # fmt: skip


def session_from_rows(row: Sequence[Any], outage_rows: Iterable[Sequence[Any]] = ()) -> Session:
    """The session that its rows hold. Values are those of session_row() and outage_row(): µs, UUIDs, bytes."""
    values: tuple[Any, ...] = tuple(row)
    one = Session(values[0])
    (
        _, one.version, one.kafka_partition, one.room_sid, one.room_name, one.participant_sid, one.identity,
        one.previous_session_id, one.policy, one.connecting_at, one.joined_at, one.last_event_at, one.first_append_at,
        one.last_append_at, one.clock_offset_us, one.state, one.sdk, one.sdk_version, one.app_version, one.platform,
        one.network_type, one.region, one.media_region, one.token_expires_at, one.token_ttl_s, one.terminal_type,
        one.terminal_from, one.terminal_code, one.terminal_origin, one.terminal_reason, one.terminal_at,
        one.terminal_vendor_code, one.outages, one.reconnecting_ms, one.connected_ms, lost, one.received_to, more, _,
        one.lost_at, one.fate, one.ended_at, keys, _,
    ) = values  # fmt: skip
    one.lost = _decode_lost(lost) if lost else {}
    one.received_more = unpack_intervals(bytes(more)) if more else []
    (
        one.key_room_sid, one.key_room_name, one.key_participant_sid, one.key_identity, one.key_previous_session_id,
        one.key_policy, one.key_terminal, one.key_state, one.key_client, one.key_token, one.key_calm,
    ) = _SESSION_KEYS.unpack(bytes(keys))  # fmt: skip
    for outage_row in outage_rows:
        outage = _outage_from_row(outage_row)
        one.outage_rows[outage.number] = outage
    return one


def _outage_from_row(row: Sequence[Any]) -> Outage:
    values: tuple[Any, ...] = tuple(row)
    one = Outage(values[1], values[3])
    (
        _, _, _, _, one.cause, one.since_previous_ms, one.attempts, one.signaling_down_ms, one.media_down_ms,
        one.downtime_ms, one.closing_type, one.closing_code, one.closing_origin, one.closing_at, one.outcome, keys,
        one.opened_at,
    ) = values  # fmt: skip
    one.key_cause, one.key_closing, one.key_last = _OUTAGE_KEYS.unpack(bytes(keys))
    one.changed = False
    return one


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
