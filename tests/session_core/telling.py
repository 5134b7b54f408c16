"""Events for the tests of everything that carries them: whole sessions, made by hand, with times told by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from session_core.errors import Origin, room_error
from session_core.events import (
    Client,
    Event,
    EventType,
    Moment,
    Outage,
    ParticipantView,
    Policy,
    RoomState,
    Session,
    Token,
    Totals,
)
from session_core.instants import us_from_utc

BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BEGIN_US = us_from_utc(BEGIN)

CONNECTED, RECONNECTING = RoomState.CONNECTED, RoomState.RECONNECTING
CONNECTING, DISCONNECTED = RoomState.CONNECTING, RoomState.DISCONNECTED

OUTAGE = Outage(
    number=1,
    started_at=BEGIN,
    cause="signaling",
    attempts=3,
    signaling_down_ms=1_500,
    media_down_ms=20,
    downtime_ms=1_500,
    since_previous_ms=60_000,
)
CLIENT = Client(
    sdk="roomwatch",
    sdk_version="1.2.3",
    app_version="7",
    platform="linux",
    network_type="wifi",
    region="de1",
    media_region="us1",
)


def moment(after_s: float = 0) -> Moment:
    """A moment so many seconds after the beginning, on both clocks."""
    return Moment(BEGIN_US, 0).later(int(after_s * 1_000_000))


def session_id(number: int = 1) -> UUID:
    """A UUID of version 7 that tells its number."""
    return UUID(int=((BEGIN_US // 1000) << 80) | (7 << 76) | (2 << 62) | number)


def session(number: int = 1) -> Session:
    """A session of which everything is known."""
    return Session(
        session_id=session_id(number),
        previous_session_id=session_id(number + 1_000_000),
        room_sid="RM1",
        room_name="daily",
        participant_sid=f"PA{number}",
        identity="alice",
    )


def event(kind: EventType, number: int = 1, at_s: float = 0, participants: int = 2) -> Event:
    """An event of a kind, of session `number`, with all that this kind carries."""
    return _MAKERS[kind.partition(".")[0]](kind, number, moment(at_s), participants)


def _room_event(kind: EventType, number: int, at: Moment, participants: int) -> Event:
    states: dict[str, tuple[RoomState | None, RoomState]] = {
        "room.connecting": (None, CONNECTING),
        "room.connected": (CONNECTING, CONNECTED),
        "room.connect_failed": (CONNECTING, DISCONNECTED),
        "room.reconnecting": (CONNECTED, RECONNECTING),
        "room.reconnected": (RECONNECTING, CONNECTED),
        "room.disconnected": (RECONNECTING, DISCONNECTED),
    }
    codes = {"room.connect_failed": 53000, "room.reconnecting": 53001, "room.disconnected": 53002}
    from_state, to_state = states[kind]
    in_outage = RECONNECTING in {from_state, to_state}
    return Event(
        type=kind,
        at=at,
        session=session(number),
        state=to_state,
        from_state=from_state,
        to_state=to_state,
        participants=participants,
        error=room_error(codes[kind], Origin.TRANSPORT) if kind in codes else None,
        outage=OUTAGE if in_outage else None,
        totals=Totals(outages=1, reconnecting_ms=1_500, connected_ms=60_000),
        token=Token(expires_at=BEGIN, ttl_s=3_600) if kind == "room.connected" else None,
        policy=Policy(name="documented", window_ms=30_000, jitter=0.2) if kind == "room.connecting" else None,
        client=CLIENT,
    )


def _participant_event(kind: EventType, number: int, at: Moment, participants: int) -> Event:
    state = RoomState(kind.partition(".")[2].replace("reconnected", "connected"))
    return Event(
        type=kind,
        at=at,
        session=session(number),
        state=state,
        participant=ParticipantView(sid="PA9", identity="bob", state=state),
        participants=participants,
    )


def _session_event(kind: EventType, number: int, at: Moment, participants: int) -> Event:
    return Event(
        type=kind,
        at=at,
        session=session(number),
        state=CONNECTED,
        participants=participants,
        token=Token(expires_at=BEGIN, ttl_s=3_600) if kind == "token.expiring" else None,
    )


_MAKERS = {
    "room": _room_event,
    "participant": _participant_event,
    "local": _participant_event,
    "token": _session_event,
    "session": _session_event,
}
