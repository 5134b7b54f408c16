"""Why a LiveKit room was disconnected, in our codes: one row for each member of LiveKit's DisconnectReason.

It needs no LiveKit package. What a reason means was read in three places: the comments of the enum in the package
`livekit` (rtc/_proto/participant_pb2.pyi, 1.2.1), the server (livekit-server, pkg/rtc/types/interfaces.go,
ToDisconnectReason), and the Rust SDK inside the package (livekit/src/rtc_engine/mod.rs).

The wire has an error only where there is a code: for an end without one, the reason's number is not kept.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from session_core.bounds import clip
from session_core.errors import EndsAs, Origin, ends_as
from session_core.signals import Leave, Removed, SdkDisconnected

VENDOR: Final = "livekit"


class ReasonRow(NamedTuple):
    """A reason of LiveKit's, the code that says the same here, who decided, and how we know."""

    number: int
    reason: str
    code: int | None
    origin: Origin
    source: str


LOCAL, SERVER, ATTEMPTS, TRANSPORT, MEDIA = Origin.LOCAL, Origin.SERVER, Origin.ATTEMPTS, Origin.TRANSPORT, Origin.MEDIA

ROWS: Final = (
    ReasonRow(0, "UNKNOWN_REASON", 53000, ATTEMPTS, "Rust SDK: what it closes with when its attempts are used up"),
    ReasonRow(1, "CLIENT_INITIATED", None, LOCAL, "package: the client initiated the disconnect"),
    ReasonRow(2, "DUPLICATE_IDENTITY", 53205, SERVER, "package: another participant with the same identity joined"),
    ReasonRow(3, "SERVER_SHUTDOWN", 53001, SERVER, "package: the server instance is shutting down"),
    ReasonRow(4, "PARTICIPANT_REMOVED", None, SERVER, "package: RoomService.RemoveParticipant was called"),
    ReasonRow(5, "ROOM_DELETED", 53118, SERVER, "package: RoomService.DeleteRoom was called"),
    ReasonRow(6, "STATE_MISMATCH", 53204, SERVER, "package: resumes a session that the server does not know"),
    ReasonRow(7, "JOIN_FAILURE", 53104, SERVER, "package: unable to connect fully; server: the join timed out"),
    ReasonRow(8, "MIGRATION", 53001, SERVER, "package: the cloud wants the connection elsewhere"),
    ReasonRow(9, "SIGNAL_CLOSE", 53001, TRANSPORT, "package: the signal websocket was closed unexpectedly"),
    ReasonRow(10, "ROOM_CLOSED", 53118, SERVER, "package: closed, since all standard participants had left"),
    ReasonRow(11, "USER_UNAVAILABLE", 53104, SERVER, "package: the SIP callee did not respond in time"),
    ReasonRow(12, "USER_REJECTED", 53104, SERVER, "package: the SIP callee rejected the call"),
    ReasonRow(13, "SIP_TRUNK_FAILURE", 53104, SERVER, "package: SIP failed"),
    ReasonRow(14, "CONNECTION_TIMEOUT", 53002, SERVER, "server: it lost the peer connection and timed the session out"),
    ReasonRow(15, "MEDIA_FAILURE", 53405, MEDIA, "protocol: media stream failure or media timeout"),
    ReasonRow(16, "AGENT_ERROR", 53001, SERVER, "protocol: an agent met an error; no code of ours says so"),
)

_BY_NUMBER: Final = {row.number: row for row in ROWS}


def fate(row: ReasonRow) -> EndsAs:
    """How a session ends that was well until then."""
    return ends_as(row.code, row.origin, outage_open=False)


def ending(number: int) -> SdkDisconnected | Leave | Removed:
    """What to tell a room that LiveKit ended for this reason. A reason newer than the table counts as unknown."""
    row = _BY_NUMBER.get(number, ROWS[0])
    if row.code is not None:
        word = row.reason if number in _BY_NUMBER else f"reason {number}"
        return SdkDisconnected(row.code, clip(word), row.origin, VENDOR, number)
    return Leave() if row.origin is Origin.LOCAL else Removed()


def table() -> str:
    """The rows as a Markdown table, for docs/observing.md."""
    lines = ["| | LiveKit's reason | our code | origin | the session has | source |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        ours = f"{row.code or 'none'} | {row.origin.value} | {fate(row).value}"
        lines.append(f"| {row.number} | `{row.reason}` | {ours} | {row.source} |")
    return "\n".join(lines)
