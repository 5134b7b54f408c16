"""What was done to the real SDK, as signals to a room. The whole map; everything else is time passing.

`policy` and `advance_ms` are no signals: the first says how attempts fare, the second that nothing else happens for so
long. Opening a WebSocket is none either: signaling is back when the server's `synced` says so.
"""

from __future__ import annotations

import re
from typing import Any, Final

from session_core.signals import (
    DtlsFailed,
    IceState,
    Leave,
    ParticipantState,
    ParticipantsUpdated,
    Removed,
    Resynchronised,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingLost,
)

PEER: Final = "the one peer connection"

REFUSALS: Final = re.compile(r"every new client WebSocket is closed with 1006 (\d+) ms after creation")


def signals_of(kind: str, value: Any) -> tuple[Signal, ...]:
    """The signals that a stimulus is."""
    match kind:
        case "server_ws_close":
            return (SignalingLost(f"the server closed the WebSocket with {value}"),)
        case "ice":
            return (IceState(PEER, value),)
        case "pc_connection_state":
            return (DtlsFailed(PEER),) if value == "failed" else ()
        case "app_room_disconnect":
            return (Leave(),)
        case "server_msg":
            return (_message(value),)
        case "ws_open_and_welcome" | "policy" | "advance_ms":
            return ()
    raise ValueError(f"no such stimulus: {kind}")


def refused_after_ms(kind: str, value: Any) -> int | None:
    """How long after its start every attempt is refused from now on; None where this stimulus says nothing of it."""
    found = REFUSALS.fullmatch(value) if kind == "policy" else None
    return int(found.group(1)) if found else None


def participants(states: list[dict[str, Any]]) -> tuple[ParticipantState, ...]:
    """Participants as the server tells of them."""
    return tuple(ParticipantState(s["sid"], s["identity"], s["state"], s["revision"]) for s in states)


def _message(message: dict[str, Any]) -> Signal:
    match message["type"]:
        case "synced":
            return Resynchronised(participants(message.get("participants", [])))
        case "update":
            return ParticipantsUpdated(participants(message["participants"]))
        case "error":
            return ServerError(message["code"], message["message"])
        case "disconnected":
            return RoomCompleted() if message.get("status") == "completed" else Removed()
    raise ValueError(f"no such message: {message['type']}")
