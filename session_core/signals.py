"""What an application or a transport can tell a room.

A signal is a frozen value that says what was seen, never what to make of it: that is for the room to decide. When it
was seen is told beside it (`room.receive(signal, at)`). A signal that means nothing in the room's present state is
ignored, by a row of transitions.py that says so; so whoever tells signals need not know the state.

Not here: what the room says in answer (events.py).
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from session_core.errors import SIGNALING_CONNECTION, Origin
from session_core.events import Reason, Token


class ParticipantState(Struct, frozen=True):
    """A remote participant as the server sees it.

    `state` is the server's word: connected, reconnecting or disconnected; others are ignored and counted. `revision`
    only grows: what comes with one that is not above the last known is old and ignored.
    """

    sid: str
    identity: str | None
    state: str
    revision: int


# The join


class Joined(Struct, frozen=True):
    """The server let us in. `session_timeout_ms` replaces the policy's window, where the server sets one.

    `room_sid` may be None where an SDK learns it later (see SessionLearned).
    """

    room_sid: str | None
    participant_sid: str
    participants: tuple[ParticipantState, ...] = ()
    session_timeout_ms: int | None = None
    identity: str | None = None
    room_name: str | None = None


class ConnectRefused(Struct, frozen=True):
    """The server would not have us, and said why."""

    code: int
    message: str = ""


class ConnectUnanswered(Struct, frozen=True):
    """Nobody answered, or the connection closed before the server let us in."""


class ConnectCancelled(Struct, frozen=True):
    """This side no longer wants in."""

    reason: Reason = "cancelled"


# The signaling connection


class SignalingLost(Struct, frozen=True):
    """The signaling connection is gone. `reason` is the transport's word, for its own logs."""

    reason: str = ""


class SignalingGivenUp(Struct, frozen=True):
    """The connection is gone, and its transport will not bring it back: 53000, or the code that it says."""

    code: int = SIGNALING_CONNECTION
    message: str = ""


class AttemptStarted(Struct, frozen=True):
    """An attempt to bring signaling back has begun."""


class AttemptRefused(Struct, frozen=True):
    """Somebody answered the attempt and refused: a reset, a TLS or HTTP refusal, a close before the session is back."""


class AttemptUnreached(Struct, frozen=True):
    """The attempt reached nobody: no route, no name, no answer in time. It does not count towards the limit."""


class Resynchronised(Struct, frozen=True):
    """Signaling is back. `participants` is everybody who is in the room: who is missing has left."""

    participants: tuple[ParticipantState, ...]
    session_timeout_ms: int | None = None


class ParticipantsUpdated(Struct, frozen=True):
    """News of some participants. Who is not mentioned stays."""

    participants: tuple[ParticipantState, ...]


# Media


class IceState(Struct, frozen=True):
    """A peer connection's ICE state: new, checking, connected, completed, disconnected, failed or closed."""

    peer: str
    state: str


class PeerClosed(Struct, frozen=True):
    """A peer connection is no more: it counts no longer."""

    peer: str


class DtlsFailed(Struct, frozen=True):
    """A peer connection failed. If its ICE did not, it was DTLS, which does not come back."""

    peer: str


MediaSignal = IceState | PeerClosed | DtlsFailed
"""What whoever has the peer connections can tell a room (`DrivenRoom.feed`)."""


# The end


class ServerError(Struct, frozen=True):
    """The server ended our session with a code."""

    code: int
    message: str = ""


class RoomCompleted(Struct, frozen=True):
    """The server ended the room for all."""


class Removed(Struct, frozen=True):
    """The server ended our session and gave no reason."""


class Leave(Struct, frozen=True):
    """This side leaves."""

    reason: Reason = "leave"


# An SDK that is observed


class SdkReconnecting(Struct, frozen=True):
    """The SDK says that it is reconnecting. One that does not say which link it lost is taken to mean signaling.

    `vendor` and `vendor_code` are its own words, kept for telemetry.
    """

    cause: Literal["signaling", "media"] = "signaling"
    vendor: str | None = None
    vendor_code: int | None = None


class SdkReconnected(Struct, frozen=True):
    """The SDK says that all is well again, whatever was told of its links."""


class SdkDisconnected(Struct, frozen=True):
    """The SDK says that it is over, before the join or after it. For an end without a code there is Removed, or Leave.

    `code` is the code of ours that says the same, `origin` who decided. `vendor` and `vendor_code` are the SDK's own
    words, kept for telemetry.
    """

    code: int
    message: str = ""
    origin: Origin = Origin.SERVER
    vendor: str | None = None
    vendor_code: int | None = None


# What the session runs on


class SessionLearned(Struct, frozen=True):
    """What was not known of the room when we joined, or is called otherwise by now. None: as it was."""

    room_sid: str | None = None
    room_name: str | None = None


class TokenReplaced(Struct, frozen=True):
    """The next attempt uses another access token."""

    token: Token


Signal = (
    Joined
    | ConnectRefused
    | ConnectUnanswered
    | ConnectCancelled
    | SignalingLost
    | SignalingGivenUp
    | AttemptStarted
    | AttemptRefused
    | AttemptUnreached
    | Resynchronised
    | ParticipantsUpdated
    | IceState
    | PeerClosed
    | DtlsFailed
    | ServerError
    | RoomCompleted
    | Removed
    | Leave
    | SdkReconnecting
    | SdkReconnected
    | SdkDisconnected
    | SessionLearned
    | TokenReplaced
)

SIGNALS: tuple[type[Signal], ...] = get_args(Signal)
