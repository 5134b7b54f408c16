"""A reader of all that a room says, who believes nothing and checks every event against those before it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from session_core import wire
from session_core.errors import MEDIA_CONNECTION, SIGNALING_DISCONNECTED
from session_core.events import PUBLISHED_TYPES, Event, Moment, Outage, RoomState, Totals
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import (
    IceState,
    Joined,
    PeerClosed,
    Resynchronised,
    SdkReconnected,
    SdkReconnecting,
    Signal,
    SignalingLost,
)
from session_core.transitions import LIVE

STEPS = {
    "room.connecting": (None, RoomState.CONNECTING),
    "room.connected": (RoomState.CONNECTING, RoomState.CONNECTED),
    "room.connect_failed": (RoomState.CONNECTING, RoomState.DISCONNECTED),
    "room.reconnecting": (RoomState.CONNECTED, RoomState.RECONNECTING),
    "room.reconnected": (RoomState.RECONNECTING, RoomState.CONNECTED),
}
CUMULATIVE = ("attempts", "signaling_down_ms", "media_down_ms", "downtime_ms")
OF_PARTICIPANTS = ("participant.", "local.")


class Story:
    """What is known of a room from what it was told and what it said."""

    def __init__(self, policy: ReconnectPolicy) -> None:
        self.state = RoomState.CONNECTING
        self.steps = 0
        self._window_ms = policy.window_ms
        self._signaling_up = False
        self._down_since_ms = 0
        self._down_ms = 0
        self._latest_us = 0
        self._last_signal: Signal | None = None
        self._last: Event | None = None
        self._open: Outage | None = None
        self._open_window_ms: int | None = None
        self._window_ends_us: int | None = None
        self._closed_ms = 0
        self._outages = 0
        self._joined_ms: int | None = None
        self._seq = -1
        self._participants: dict[str, RoomState] = {}

    def looked(self, at: Moment) -> None:
        """The room is about to be told the time. One that goes back stands still."""
        self._latest_us = max(self._latest_us, at.steady_us)

    def told(self, signal: Signal, at: Moment) -> None:
        """The room is about to be told this."""
        self.steps += 1
        self.looked(at)
        at_ms = self._latest_us // 1000
        self._last_signal = signal
        if self._window_ends_us is not None and self._latest_us >= self._window_ends_us:
            return  # what was due before comes first: the room is over when it hears this
        joins = isinstance(signal, Joined) and self.state is RoomState.CONNECTING
        resynchronises = isinstance(signal, Resynchronised) and self.state in LIVE
        if isinstance(signal, Joined | Resynchronised) and (joins or resynchronises):
            self._signal(at_ms, up=True)
            if signal.session_timeout_ms is not None and self._window_ms is not None:
                self._window_ms = max(signal.session_timeout_ms, 0)
        if isinstance(signal, SdkReconnected) and self.state in LIVE:
            self._signal(at_ms, up=True)
        is_lost_by_sdk = isinstance(signal, SdkReconnecting) and signal.cause == "signaling" and self.state in LIVE
        if isinstance(signal, SignalingLost) or is_lost_by_sdk:
            self._signal(at_ms, up=False)

    def _signal(self, at_ms: int, *, up: bool) -> None:
        if up and not self._signaling_up:
            self._down_ms += at_ms - self._down_since_ms
        elif self._signaling_up and not up:
            self._down_since_ms = at_ms
        self._signaling_up = up

    def hear(self, event: Event) -> None:
        """The room said this."""
        assert self.state is not RoomState.DISCONNECTED, f"{event.type} after the end"
        assert self._last is None or event.at.steady_us >= self._last.at.steady_us
        if event.type.startswith("room."):
            self._step(event)
        elif event.type.startswith(OF_PARTICIPANTS):
            self._follow(event)
        self._check_outage(event)
        self._check_totals(event.totals, event.at)
        if event.type in PUBLISHED_TYPES:
            self._check_wire(event)
        if event.type in {"room.reconnected", "room.disconnected"} and self._open is not None:
            assert event.outage is not None
            self._closed_ms += event.outage.downtime_ms
            self._open = self._window_ends_us = None
            self._down_ms = 0
        self._last = event

    def _step(self, event: Event) -> None:
        """A room's event is a step that a room can take from the state that it was in."""
        before, after = STEPS.get(event.type, (self.state, RoomState.DISCONNECTED))
        assert (event.from_state, event.to_state, event.state) == (before, after, after)
        assert before in {None, self.state}
        self.state = after
        if event.type == "room.connected":
            self._joined_ms = event.at.steady_us // 1000
            self._down_ms = 0
        if event.type == "room.reconnecting":
            self._begin_outage(event)

    def _begin_outage(self, event: Event) -> None:
        assert self._open is None, "an outage within an outage"
        assert event.outage is not None
        assert event.error is not None
        causes = {SIGNALING_DISCONNECTED: "signaling", MEDIA_CONNECTION: "media"}
        self._outages += 1
        self._open = Outage(
            number=self._outages,
            started_at=event.at.utc,
            cause="signaling" if causes[event.error.code] == "signaling" else "media",
            since_previous_ms=event.outage.since_previous_ms,
        )
        self._open_window_ms = self._window_ms
        if self._window_ms is not None:
            self._window_ends_us = event.at.steady_us + self._window_ms * 1000
        assert event.outage == self._open
        assert (event.outage.since_previous_ms is None) is (self._outages == 1)

    def _follow(self, event: Event) -> None:
        """A participant's event starts where the last one left off, and no news of media made it."""
        assert event.participant is not None
        assert event.state is event.to_state is event.participant.state
        assert event.from_state is not event.to_state
        if event.type != "local.disconnected":
            assert not isinstance(self._last_signal, IceState | PeerClosed)
        if event.type.startswith("participant."):
            known = self._participants.get(event.participant.sid, event.from_state)
            assert event.from_state is known
            assert event.participant.sid != event.session.participant_sid
            self._participants[event.participant.sid] = event.participant.state

    def _check_outage(self, event: Event) -> None:
        """An event has an outage while one is open; what it says of it grows, and agrees with itself."""
        assert (event.outage is None) is (self._open is None)
        if event.outage is None or self._open is None:
            return
        now, before = event.outage, self._open
        assert (now.number, now.started_at, now.cause) == (before.number, before.started_at, before.cause)
        links_ms = (now.signaling_down_ms, now.media_down_ms)
        assert all(getattr(now, count) >= getattr(before, count) for count in CUMULATIVE)
        down_ms = 0 if self._signaling_up else event.at.steady_us // 1000 - self._down_since_ms
        assert now.signaling_down_ms == self._down_ms + down_ms
        assert max(links_ms) <= now.downtime_ms <= sum(links_ms)
        assert self._open_window_ms is None or now.downtime_ms <= self._open_window_ms
        self._open = now

    def _check_totals(self, totals: Totals, at: Moment) -> None:
        """Time in states adds up to the life so far, and the outages add up to the time reconnecting."""
        life_ms = 0 if self._joined_ms is None else at.steady_us // 1000 - self._joined_ms
        assert totals.connected_ms + totals.reconnecting_ms == life_ms
        assert totals.reconnecting_ms == self._closed_ms + (self._open.downtime_ms if self._open else 0)
        assert totals.outages == self._outages

    def _check_wire(self, event: Event) -> None:
        """What is published can be sent, and is read as what was sent."""
        self._seq += 1
        n = 1 if event.type == "session.alive" else 0
        sent = wire.message(event, self._seq, n)
        raw = wire.encode(sent, datetime(2026, 11, 24, tzinfo=UTC))
        decoded = wire.decode(raw)
        data = msgspec.structs.replace(decoded.message.data, sent_at=sent.data.sent_at)
        said = msgspec.structs.replace(decoded.message, data=data)
        assert (said, decoded.n, decoded.unknown_fields) == (sent, n, 0)

    def check_time(self, room: Room, now: Moment) -> None:
        """The totals that a room answers when asked add up too."""
        if self.state in LIVE and self._joined_ms is not None:
            totals = room.totals(now)
            assert totals.connected_ms + totals.reconnecting_ms == now.steady_us // 1000 - self._joined_ms

    def check_local(self, room: Room) -> None:
        """The local participant is as signaling is, whatever media does."""
        following = RoomState.CONNECTED if self._signaling_up else RoomState.RECONNECTING
        assert room.local_participant.state is (following if self.state in LIVE else self.state)
