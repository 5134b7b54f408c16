"""One connection of twilio-video.js to its server, in simulated time: a WebSocket, hello and welcome, heartbeats, busy.

It decides nothing of the room. What it hears it hands up as message bodies, and when it is over it says why: the
transport makes signals of both. All times are microseconds of the steady clock.

Rules, as observed in twilio-video.js 2.35:
1. A WebSocket has 15 s to open. Then come up to three hellos, each with 5 s for a welcome.
2. Once welcomed, three times the negotiated time without a message or heartbeat is the end. A server that sends
   heartbeats sends one every 4 s.
3. `busy` before the welcome makes it wait and say hello again, on the same WebSocket or on a new one; with a negative
   time it is the end.
4. Whatever comes where it means nothing, and every unknown or broken frame, changes nothing.
5. A close with 1000 counts as our own, whoever sent it. One with 3005 is how this side waits for a busy server: from
   the server it ends the connection without a word to anybody.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Any, Final

from session_core.trace.policies import NewSockets

OPEN_TIMEOUT_US: Final = 15_000_000
WELCOME_TIMEOUT_US: Final = 5_000_000
HELLOS_MAX: Final = 3
HEARTBEATS_MISSED_MAX: Final = 3
BEAT_US: Final = 4_000_000

TIMER_LEAST_MS: Final = 1
"""A timer of 0 ms is one of 1 ms, as in browsers; else a server that is busy for 0 ms would stop simulated time."""

CLOSE_NORMAL: Final = 1000
CLOSE_BUSY_WAIT: Final = 3005


class Closed(StrEnum):
    """Why a connection is over."""

    LOCAL = "local"
    REMOTE = "remote"
    TIMEOUT = "timeout"
    FAILED = "failed"
    BUSY = "busy"


REASONS: Final = {
    CLOSE_NORMAL: Closed.LOCAL,
    3000: Closed.TIMEOUT,  # no welcome
    3001: Closed.TIMEOUT,  # heartbeats missed
    3002: Closed.FAILED,  # hello refused
    3003: Closed.FAILED,  # a message could not be sent
    3004: Closed.TIMEOUT,  # the network changed
    3006: Closed.BUSY,
    3007: Closed.TIMEOUT,  # the WebSocket did not open
}
"""By the code of the WebSocket's close; any other is remote."""


class Phase(Enum):
    """How far a connection has come."""

    EARLY = "the WebSocket is opening"
    CONNECTING = "a hello was sent"
    WAITING = "the server is busy"
    OPEN = "the server has welcomed us"
    CLOSED = "over"


class Wait(Enum):
    """What a connection waits for."""

    FATE = "what the server does with every new WebSocket"
    OPENING = "the WebSocket opens"
    WELCOME = "the server welcomes us"
    BUSY = "the server is no longer busy"
    HEARTBEAT = "the server shows that it is there"


class Connection:
    """A connection from the making of its first WebSocket to its end. `closed` says why it is over.

    `beats_from_us` is when the server began to send heartbeats; None: it sends none.
    """

    def __init__(self, now_us: int, new_sockets: NewSockets, beats_from_us: int | None) -> None:
        self.phase = Phase.EARLY
        self.closed: Closed | None = None
        self._new_sockets = self._fate = new_sockets
        self._beats_from_us = beats_from_us
        self._heard_us = now_us
        self._silence_us = 0
        self._keeps_socket = True
        self._hellos_left = HELLOS_MAX
        self._due_us: dict[Wait, int] = {}
        self._make_socket(now_us)

    @property
    def next_us(self) -> int | None:
        """When something is due; None: nothing is."""
        return min(self._waits().values(), default=None)

    def follow(self, new_sockets: NewSockets) -> None:
        """From now on new WebSockets fare like this; the one that is there, as it was to when it was made."""
        self._new_sockets = new_sockets

    def hear_heartbeats(self, now_us: int, beats_from_us: int | None) -> None:
        """From now on the server sends heartbeats, beginning at once, or no more."""
        if beats_from_us is not None:
            self._heard_us = now_us
        elif self._beats_from_us is not None:
            beats = (now_us - self._beats_from_us) // BEAT_US
            last_us = self._beats_from_us + beats * BEAT_US if beats else self._heard_us
            self._heard_us = max(self._heard_us, last_us)
        self._beats_from_us = beats_from_us

    def open_socket(self, now_us: int) -> None:
        """The WebSocket opens: the first hello."""
        if self.phase is Phase.EARLY:
            del self._due_us[Wait.OPENING]
            self._say_hello(now_us)

    def close_socket(self, code: int) -> None:
        """The WebSocket is closed, whoever did it."""
        if self.phase is not Phase.CLOSED and self._keeps_socket:
            self._end(code)

    def change_network(self) -> None:
        """The network is another one. Only a WebSocket that is open is watched for it."""
        if self.phase not in {Phase.EARLY, Phase.CLOSED} and self._keeps_socket:
            self._end(3004)

    def take(self, frame: Any, now_us: int) -> dict[str, Any] | None:
        """A frame comes. The body of the message that it is, where it is one and there is somebody to read it."""
        match frame:
            case {"type": "msg", "body": dict(body)} if self.phase is Phase.OPEN:
                self._heard_us = now_us
                return body
            case {"type": "heartbeat"} if self.phase is Phase.OPEN:
                self._heard_us = now_us
            case {"type": "welcome", "negotiatedTimeout": int() | float() as negotiated_ms}:
                self._be_welcomed(negotiated_ms, now_us)
            case {"type": "bad"} if self.phase is Phase.CONNECTING:
                self._end(3002)
            case {"type": "busy", "retryAfter": int() | float() as retry_ms}:
                self._be_put_off(retry_ms, now_us, keeps_socket=bool(frame.get("keepAlive")))
        return None

    def come_due(self, now_us: int) -> None:
        """Does the one thing that is due first."""
        waits = self._waits()
        wait = min(waits, key=waits.__getitem__)
        self._due_us.pop(wait, None)
        match wait:
            case Wait.FATE:
                self._meet_fate(now_us)
            case Wait.OPENING:
                self._end(3007)
            case Wait.WELCOME if self._hellos_left == 0:
                self._end(3000)
            case Wait.BUSY if not self._keeps_socket:
                self.phase = Phase.EARLY
                self._make_socket(now_us)
            case Wait.WELCOME | Wait.BUSY:
                self._say_hello(now_us)
            case Wait.HEARTBEAT:
                self._end(3001)

    def _waits(self) -> dict[Wait, int]:
        lost_us = self._lost_us() if self.phase is Phase.OPEN else None
        return self._due_us if lost_us is None else {**self._due_us, Wait.HEARTBEAT: lost_us}

    def _lost_us(self) -> int | None:
        """When the server has been silent for too long; None: it does not come to that."""
        if self._beats_from_us is None:
            return self._heard_us + self._silence_us
        if self._silence_us >= BEAT_US:
            return None
        beat_us = self._heard_us + BEAT_US - (self._heard_us - self._beats_from_us) % BEAT_US
        return (beat_us if beat_us <= self._heard_us + self._silence_us else self._heard_us) + self._silence_us

    def _make_socket(self, now_us: int) -> None:
        self._keeps_socket = True
        self._due_us = {Wait.OPENING: now_us + OPEN_TIMEOUT_US}
        self._fate = self._new_sockets
        if self._fate != NewSockets():
            self._due_us[Wait.FATE] = now_us + self._fate.after_us

    def _meet_fate(self, now_us: int) -> None:
        if self._fate.close_code is not None:
            self.close_socket(self._fate.close_code)
        elif self._fate.opens:
            self.open_socket(now_us)
            self.take(self._fate.answer, now_us)

    def _say_hello(self, now_us: int) -> None:
        self.phase = Phase.CONNECTING
        self._hellos_left -= 1
        self._due_us[Wait.WELCOME] = now_us + WELCOME_TIMEOUT_US

    def _be_welcomed(self, negotiated_ms: float, now_us: int) -> None:
        if self.phase is Phase.CONNECTING or (self.phase is Phase.WAITING and self._keeps_socket):
            self.phase = Phase.OPEN
            self._due_us.pop(Wait.WELCOME, None)
            self._due_us.pop(Wait.BUSY, None)
            self._silence_us = round(max(negotiated_ms * HEARTBEATS_MISSED_MAX, TIMER_LEAST_MS) * 1000)
            self._heard_us = now_us

    def _be_put_off(self, retry_ms: float, now_us: int, *, keeps_socket: bool) -> None:
        if self.phase is Phase.CONNECTING or (self.phase is Phase.WAITING and self._keeps_socket):
            if retry_ms < 0:
                self._end(3006)
                return
            self.phase = Phase.WAITING
            self._keeps_socket = keeps_socket
            self._hellos_left = HELLOS_MAX
            self._due_us.pop(Wait.WELCOME, None)
            if not keeps_socket:
                self._due_us.pop(Wait.FATE, None)
            self._due_us[Wait.BUSY] = now_us + round(max(retry_ms, TIMER_LEAST_MS) * 1000)

    def _end(self, code: int) -> None:
        self.phase = Phase.CLOSED
        self.closed = None if code == CLOSE_BUSY_WAIT else REASONS.get(code, Closed.REMOTE)
        self._due_us.clear()
