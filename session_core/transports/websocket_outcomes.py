"""What it means to a room that a websocket connection, or an attempt at one, came to its end.

    an end             while joining            while resuming     while up
    Refused            ConnectUnanswered        AttemptRefused     SignalingLost
    Unreached          ConnectUnanswered        AttemptUnreached   SignalingLost
    Busy               ConnectRefused 53006     AttemptRefused     SignalingLost
    WrongShape         ConnectRefused 53003     AttemptRefused     SignalingLost
    ErrorFrame 53006   ConnectRefused 53006     AttemptRefused     ServerError
    ErrorFrame         ConnectRefused           ServerError        ServerError
    EndedFrame         ConnectRefused 53118     RoomCompleted      RoomCompleted
    RemovedFrame       ConnectUnanswered        Removed            Removed

Somebody who answers and will not have us has refused: a reset, a TLS or HTTP refusal, a close before the session is
there. All else reached nobody: no route, no name, no answer in time, a proxy that does not let us through. A close code
is never a verdict on a session: only frames are.
"""

from __future__ import annotations

import errno
import ssl
from enum import Enum
from typing import Final

from msgspec import Struct

from session_core.errors import ROOM_COMPLETED, SERVER_BUSY, SIGNALING_INCOMING_INVALID
from session_core.signals import (
    AttemptRefused,
    AttemptUnreached,
    ConnectRefused,
    ConnectUnanswered,
    Removed,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingLost,
)
from session_core.transports.websocket_frames import EndedFrame, ErrorFrame, RemovedFrame, WrongShape

CLOSE_BUSY: Final = 1013
HTTP_BUSY: Final = frozenset({429, 503})

_RESET: Final = (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


class Stage(Enum):
    """How far a connection has come."""

    JOINING = "joining"
    RESUMING = "resuming"
    UP = "up"


class Refused(Struct, frozen=True):
    """Somebody answered and would not have us. `reason` is for logs."""

    reason: str


class Unreached(Struct, frozen=True):
    """Nobody answered."""

    reason: str


class Busy(Struct, frozen=True):
    """The server says that it has too much to do: HTTP 429 or 503, or close code 1013."""

    reason: str


Verdict = ErrorFrame | EndedFrame | RemovedFrame
Fault = Refused | Unreached | Busy | WrongShape
End = Verdict | Fault


def signal_of(end: End, stage: Stage) -> Signal:
    """What a room is told; the table above."""
    if stage is Stage.JOINING:
        return _while_joining(end)
    if stage is Stage.RESUMING:
        return _while_resuming(end)
    return _verdict(end) or SignalingLost(reason_of(end))


def fault_of(error: Exception) -> Fault:
    """What an exception of the client says about who answered."""
    from websockets import exceptions  # noqa: PLC0415 - an extra: only those who use this transport have it

    name = type(error).__name__
    if isinstance(error, exceptions.ConnectionClosed):
        told = f"closed with {error.rcvd.code}" if error.rcvd is not None else "closed without a close frame"
        return Busy(told) if error.rcvd is not None and error.rcvd.code == CLOSE_BUSY else Refused(told)
    if isinstance(error, exceptions.InvalidStatus):
        status = error.response.status_code
        return Busy(f"HTTP {status}") if status in HTTP_BUSY else Refused(f"HTTP {status}")
    if isinstance(error, exceptions.ProxyError):
        return Unreached(name)
    if isinstance(error, (exceptions.InvalidHandshake, ssl.SSLError, *_RESET)) or _one_address_refused(error):
        return Refused(name)
    return Unreached(name)


def reason_of(end: End) -> str:
    """Why a connection is gone, for logs; nothing that a server said in its own words."""
    if isinstance(end, WrongShape):
        return f"a frame of the wrong shape: {end.detail}"
    return end.reason if isinstance(end, Refused | Unreached | Busy) else type(end).__name__


def _while_joining(end: End) -> Signal:
    if isinstance(end, ErrorFrame):
        return ConnectRefused(end.code, end.message)
    if isinstance(end, EndedFrame):
        return ConnectRefused(ROOM_COMPLETED)
    if isinstance(end, Busy):
        return ConnectRefused(SERVER_BUSY)
    if isinstance(end, WrongShape):
        return ConnectRefused(SIGNALING_INCOMING_INVALID)
    return ConnectUnanswered()


def _while_resuming(end: End) -> Signal:
    if isinstance(end, ErrorFrame) and end.code == SERVER_BUSY:
        return AttemptRefused()
    return _verdict(end) or (AttemptUnreached() if isinstance(end, Unreached) else AttemptRefused())


def _verdict(end: End) -> Signal | None:
    if isinstance(end, ErrorFrame):
        return ServerError(end.code, end.message)
    if isinstance(end, EndedFrame):
        return RoomCompleted()
    return Removed() if isinstance(end, RemovedFrame) else None


def _one_address_refused(error: Exception) -> bool:
    """A name with several addresses: asyncio then tells their errors in one text only."""
    return type(error) is OSError and f"[Errno {errno.ECONNREFUSED}]" in str(error)
