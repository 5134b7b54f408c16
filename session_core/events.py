"""What a room says happened: the vocabulary that the session core and the collector share.

An `Event` is what a handler receives and what telemetry is made of. It is a frozen value that holds everything as it
was at the transition, so that it tells the same whenever it is read. Times inside are a `Moment`: two clocks, because
wall clocks step and durations must not.

Not here: bytes (wire.py), sequence numbers (outbox.py), how states change (transitions.py).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID

from msgspec import Struct

from session_core.errors import Origin, RoomError
from session_core.instants import utc_from_us

PARTICIPANT_EVENTS_ROOM_MAX: Final = 16
"""Rooms of more participants publish no participant.* events: what n participants say of each other grows as n²."""


class Moment(NamedTuple):
    """One reading of both clocks, in microseconds.

    `utc_us` since 1970: what events are stamped with. `steady_us` of a clock that never steps: what windows, delays and
    durations are measured by.
    """

    utc_us: int
    steady_us: int

    @property
    def utc(self) -> datetime:
        """The wall clock's reading as an aware datetime."""
        return utc_from_us(self.utc_us)

    def later(self, by_us: int) -> Moment:
        """The moment `by_us` microseconds after this one, if neither clock steps."""
        return Moment(self.utc_us + by_us, self.steady_us + by_us)


class RoomState(StrEnum):
    """The state of a room, and of a participant. `connecting` exists inside connect() only; `disconnected` is final.

    Specification: Room Reconnection States and Events
    """

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


PublishedType = Literal[
    "room.connecting",
    "room.connected",
    "room.connect_failed",
    "room.reconnecting",
    "room.reconnected",
    "room.disconnected",
    "participant.connected",
    "participant.reconnecting",
    "participant.reconnected",
    "participant.disconnected",
    "token.expiring",
    "session.alive",
    "session.events_lost",
]
LocalType = Literal["local.reconnecting", "local.reconnected", "local.disconnected"]
"""The local participant's events: for the application's handlers; not published, since they say what the room says."""

EventType = Literal[PublishedType, LocalType]

PUBLISHED_TYPES: Final[frozenset[str]] = frozenset(get_args(PublishedType))
SEQLESS_TYPES: Final[frozenset[str]] = frozenset({"session.alive", "session.events_lost"})
"""Events that take no sequence number: a proof of life and a loss report may be replaced by their next."""

TERMINAL_TYPES: Final[frozenset[str]] = frozenset({"room.disconnected", "room.connect_failed"})
"""Events that end a session."""

Reason = Literal["leave", "cancelled", "signal", "exit", "exception"]
"""Why this side left."""

LEAVE_REASONS: Final[frozenset[str]] = frozenset(get_args(Reason))


class Session(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One participant's life in one room, as far as it is known: before the join only `room_name` is."""

    session_id: UUID
    previous_session_id: UUID | None = None
    room_sid: str | None = None
    room_name: str | None = None
    participant_sid: str | None = None
    identity: str | None = None


class Client(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the session runs on. Words of OpenTelemetry and the W3C where they exist; `region` is signaling's."""

    sdk: str | None = None
    sdk_version: str | None = None
    app_version: str | None = None
    platform: str | None = None
    network_type: str | None = None
    region: str | None = None
    media_region: str | None = None


class Policy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reconnect policy's name and values; an observed SDK has the name `observed` and no values."""

    name: str
    window_ms: int | None = None
    attempts_max: int | None = None
    delay_first_ms: int | None = None
    delay_factor: float | None = None
    delay_max_ms: int | None = None
    jitter: float | None = None


class Token(Struct, frozen=True, kw_only=True):
    """When the access token expires, and the life it was made with, in seconds. Never the token.

    Specification: Preventing Reconnection Failure due to Expired AccessToken
    """

    expires_at: datetime
    ttl_s: int


class Outage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One outage so far: from `reconnecting` to `reconnected` or `disconnected`.

    `number` counts the session's outages from 1. Attempts and durations are cumulative for this outage.
    `signaling_down_ms` and `media_down_ms` say how long each link was down, which the SDK never shows.
    `since_previous_ms` is the time from the end of the outage before. Durations are whole milliseconds of the steady
    clock.

    Specification: Room Reconnection States and Events
    """

    number: int
    started_at: datetime
    cause: Literal["signaling", "media"]
    attempts: int = 0
    signaling_down_ms: int = 0
    media_down_ms: int = 0
    downtime_ms: int = 0
    since_previous_ms: int | None = None


class Totals(Struct, frozen=True, kw_only=True):
    """Cumulative for the session: a later event repeats what an earlier one said. Durations are whole milliseconds."""

    outages: int = 0
    reconnecting_ms: int = 0
    connected_ms: int = 0


class ParticipantView(Struct, frozen=True, kw_only=True):
    """A participant as it was at the transition.

    Specification: RemoteParticipant Reconnection States and Events
    """

    sid: str
    identity: str | None
    state: RoomState


class Event(Struct, frozen=True, kw_only=True):
    """What happened, to whom, and how everything stood at that moment.

    `state` is the state, after the transition, of whom the event is about: the room for room.*, the participant for
    participant.* and local.*. `from_state` and `to_state` are set on transitions. `participants` counts who is in the
    room, the local participant included.

    Specification: Room Reconnection States and Events
    """

    type: EventType
    at: Moment
    session: Session
    state: RoomState
    from_state: RoomState | None = None
    to_state: RoomState | None = None
    participant: ParticipantView | None = None
    participants: int = 1
    error: RoomError | None = None
    reason: Reason | None = None
    outage: Outage | None = None
    totals: Totals = Totals()
    token: Token | None = None
    policy: Policy | None = None
    client: Client | None = None


def ended_by(event: Event) -> Origin | None:
    """Who ended a session where no error says it: this side, which gives a reason, or the server, which gives none."""
    if event.error is not None or event.type not in TERMINAL_TYPES:
        return None
    return Origin.LOCAL if event.reason is not None else Origin.SERVER
