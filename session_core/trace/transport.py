"""The signaling transport of twilio-video.js, in simulated time: what becomes of its connections, as signals to a room.

It is connected, syncing (its connection is gone and it makes others) or closed. When to make the next attempt the room
says; a new connection says hello with `sync`, and only the server's `synced` brings signaling back.

Rules, as observed in twilio-video.js 2.35:
1. A connection that is lost is tried again, unless it was closed as if by ourselves (1000): that is a clean leave.
2. The server's `error` and `disconnected` end the session in every state; of an unknown message nothing comes.
3. Without a window (`session_timeout` 0) the first loss is the end: 53000, or 53006 if the server was busy. If the
   server sets none at all, the transport takes the first loss as the beginning and the end of its window: it makes
   one attempt, and if that fails, or at any later loss, gives up.
"""

from __future__ import annotations

from typing import Any, Final

from session_core.errors import SERVER_BUSY, SIGNALING_CONNECTION
from session_core.signals import (
    AttemptRefused,
    AttemptUnreached,
    Leave,
    ParticipantState,
    ParticipantsUpdated,
    Removed,
    Resynchronised,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingGivenUp,
    SignalingLost,
)
from session_core.trace.connection import Closed, Connection
from session_core.trace.policies import NEGOTIATED_MS, Heartbeats, NewSockets, Policy
from session_core.trace.scenario import Someone

WELCOME: Final = {"type": "welcome", "negotiatedTimeout": NEGOTIATED_MS}


class Transport:
    """Signaling from the moment when the room is connected.

    `session_timeout_s` is the server's; `keeps_window`: whether the transport minds it beside the room.
    `beats_from_us` is when the server begins to send heartbeats; None: it sends none. `has_told_of_us`: since signaling
    was lost, it has told how this side's own participant is.
    """

    def __init__(
        self, now_us: int, session_timeout_s: float | None, beats_from_us: int | None, *, keeps_window: bool
    ) -> None:
        self._window_s: float | None = session_timeout_s
        self._keeps_window = keeps_window
        self._beats_from_us = beats_from_us
        self._new_sockets = NewSockets()
        self._is_syncing = False
        self.has_told_of_us = False
        self.connection: Connection | None = Connection(now_us, NewSockets(), beats_from_us)
        self.connection.open_socket(now_us)
        self.connection.take(WELCOME, now_us)

    @property
    def next_us(self) -> int | None:
        """When something is due; None: nothing is."""
        return self.connection.next_us if self.connection is not None else None

    def close(self) -> None:
        """The room is over."""
        self.connection = None

    def attempt(self, now_us: int) -> None:
        """Makes a new connection."""
        self.connection = Connection(now_us, self._new_sockets, self._beats_from_us)

    def follow(self, policy: Policy, now_us: int) -> None:
        """The server behaves like this from now on."""
        if isinstance(policy, Heartbeats):
            if policy.sent != (self._beats_from_us is not None):
                self._beats_from_us = now_us if policy.sent else None
                if self.connection is not None:
                    self.connection.hear_heartbeats(now_us, self._beats_from_us)
        else:
            self._new_sockets = policy
            if self.connection is not None:
                self.connection.follow(policy)

    def do(self, kind: str, value: Any, now_us: int) -> list[Signal]:
        """What is done to the connection, where there is one, and what a room sees of it."""
        connection = self.connection
        if connection is None:
            return []
        body = None
        match kind:
            case "server_ws_close":
                connection.close_socket(value)
            case "network_change":
                connection.change_network()
            case "ws_open":
                connection.open_socket(now_us)
            case "ws_open_and_welcome":
                connection.open_socket(now_us)
                connection.take(value, now_us)
            case "server_msg":
                body = connection.take({"type": "msg", "body": value}, now_us)
            case "server_frame":
                body = connection.take(value, now_us)
        return self._hear(body) if body is not None else self._look_after()

    def come_due(self, now_us: int) -> list[Signal]:
        """Time has brought something."""
        if self.connection is not None:
            self.connection.come_due(now_us)
        return self._look_after()

    def _look_after(self) -> list[Signal]:
        """What it means that the connection is over, if it is."""
        if self.connection is None or self.connection.closed is None:
            return []
        why, self.connection = self.connection.closed, None
        if why is Closed.LOCAL:
            return [Leave()]
        if self._window_s == 0 and self._keeps_window:
            return [SignalingGivenUp(SERVER_BUSY if why is Closed.BUSY else SIGNALING_CONNECTION)]
        if self._window_s is None:
            self._window_s = 0
        if not self._is_syncing:
            self._is_syncing = True
            self.has_told_of_us = False
            return [SignalingLost(why)]
        return [AttemptUnreached() if why is Closed.TIMEOUT else AttemptRefused()]

    def _hear(self, body: dict[str, Any]) -> list[Signal]:
        if self._is_syncing and body["type"] in {"synced", "connected", "update"}:
            self.has_told_of_us |= bool(body.get("participant"))
        match body["type"]:
            case "error":
                return [_error(body)]
            case "disconnected":
                return [RoomCompleted() if body.get("status") == "completed" else Removed()]
            case "synced":
                self._is_syncing = False
                return [Resynchronised(_states(body))]
            case "connected" | "update":
                return [ParticipantsUpdated(_states(body))]
        return []


def states_of(people: tuple[Someone, ...]) -> tuple[ParticipantState, ...]:
    """Participants as a room is told of them."""
    return tuple(ParticipantState(one.sid, one.identity, one.state, one.revision) for one in people)


def _states(body: dict[str, Any]) -> tuple[ParticipantState, ...]:
    return states_of(body["participants"])


def _error(body: dict[str, Any]) -> ServerError:
    code, message = body.get("code"), body.get("message")
    is_code = isinstance(code, int) and not isinstance(code, bool)
    return ServerError(code if isinstance(code, int) and is_code else 0, message if isinstance(message, str) else "")
