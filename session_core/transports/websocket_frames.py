"""The frames of the websocket protocol, version 1 (docs/websocket.md): what is written and what is read.

Reading never raises: what cannot be used is `Unknown` or `WrongShape`, and whoever reads decides what follows.

Not here: sockets, time, and what a frame means to a room (websocket_outcomes.py, websocket.py).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from session_core.bounds import INT_MAX, WORD_MAX, clip
from session_core.signals import ParticipantState

VERSION: Final = 1

HEARTBEAT_MS_MIN: Final = 100
HEARTBEAT_MS_MAX: Final = 60_000

FRAME_BYTES_MAX: Final = 1_048_576
"""The longest frame that is taken: the list of the 10 000 participants that a session remembers fits."""

Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Small = Annotated[int, Meta(ge=0, le=INT_MAX)]
Name = Annotated[str, Meta(min_length=1)]
Interval = Annotated[int, Meta(ge=HEARTBEAT_MS_MIN, le=HEARTBEAT_MS_MAX)]


class Person(Struct, frozen=True):
    """A participant as the server tells of it."""

    sid: Name
    state: str
    revision: Whole
    identity: str | None = None


class JoinedFrame(Struct, frozen=True):
    """The answer to `join`. `session` is what resumes the session: as secret as a token."""

    session: Name
    room_sid: Name
    participant_sid: Name
    participants: tuple[Person, ...]
    identity: str | None = None
    room_name: str | None = None
    heartbeat_ms: Interval | None = None
    session_timeout_ms: Small | None = None

    def __repr__(self) -> str:
        return f"JoinedFrame(room_sid={self.room_sid!r}, participant_sid={self.participant_sid!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        """What pretty printers show, which do not ask `__repr__`."""
        return [("room_sid", self.room_sid), ("participant_sid", self.participant_sid)]


class SyncedFrame(Struct, frozen=True):
    """The answer to `sync`: who is missing from `participants` has left."""

    participants: tuple[Person, ...]
    heartbeat_ms: Interval | None = None
    session_timeout_ms: Small | None = None


class ParticipantsFrame(Struct, frozen=True):
    """News of some participants."""

    participants: tuple[Person, ...]


class HeartbeatFrame(Struct, frozen=True):
    """The answer to a heartbeat."""


class ErrorFrame(Struct, frozen=True):
    """The server does not let us in, or ends our session, with a code."""

    code: Small
    message: str = ""


class EndedFrame(Struct, frozen=True):
    """The server ended the room for all."""


class RemovedFrame(Struct, frozen=True):
    """The server ended our session and gives no reason."""


class Unknown(Struct, frozen=True):
    """A frame that this version does not know: ignored and counted by its word."""

    word: str


class WrongShape(Struct, frozen=True):
    """What is no frame, or a frame that lacks what its kind has to hold. `detail` holds nothing of its content."""

    detail: str


Frame = (
    JoinedFrame | SyncedFrame | ParticipantsFrame | HeartbeatFrame | ErrorFrame | EndedFrame | RemovedFrame | Unknown
)

_KINDS: Final[dict[str, type[Frame]]] = {
    "joined": JoinedFrame,
    "synced": SyncedFrame,
    "participants": ParticipantsFrame,
    "heartbeat": HeartbeatFrame,
    "error": ErrorFrame,
    "ended": EndedFrame,
    "removed": RemovedFrame,
}


class _Head(Struct):
    type: str


def read(data: str | bytes) -> Frame | WrongShape:
    """What a message of the server says."""
    if isinstance(data, bytes):
        return Unknown("binary")
    try:
        word = msgspec.json.decode(data, type=_Head).type
        kind = _KINDS.get(word)
        return Unknown(clip(word, WORD_MAX)) if kind is None else msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        return WrongShape(clip(str(error)))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return WrongShape("no JSON object")


def join(token: str, room: str | None, heartbeat_ms: int) -> str:
    """The first frame of a session."""
    return _text({"type": "join", "version": VERSION, "token": token, "room": room, "heartbeat_ms": heartbeat_ms})


def sync(token: str, session: str, heartbeat_ms: int) -> str:
    """The first frame of a connection that resumes a session."""
    return _text({"type": "sync", "version": VERSION, "token": token, "session": session, "heartbeat_ms": heartbeat_ms})


def states(people: tuple[Person, ...]) -> tuple[ParticipantState, ...]:
    """The participants as a room takes them."""
    return tuple(ParticipantState(it.sid, it.identity, it.state, it.revision) for it in people)


HEARTBEAT: Final = '{"type":"heartbeat"}'
LEAVE: Final = '{"type":"leave"}'


def _text(frame: dict[str, object]) -> str:
    return msgspec.json.encode(frame).decode()
