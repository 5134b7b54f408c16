"""Every change of state, as rows: the only place where a state changes.

    LINKS          what signaling and media, taken together, mean for the room (rules R1 to R11 of the design; R2 is a
                   signaling state of twilio-video.js that no signal of ours can bring about)
    SDK            what the word of an observed SDK, which may not tell the links apart, says of them
    TRIGGERS       what begins or ends a room at once, whatever its links do
    PARTICIPANTS   what the server's word on a remote participant means
    LOCAL          how the local participant follows signaling

Each table is total and its rows do not overlap: every situation meets exactly one row, and what is ignored is a row
that says so. A test proves it, and compares the drawings below with docs/reconnection.md.

Nothing here holds a state, knows the time or makes an event: a row is a fact, the room acts on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, StrEnum
from functools import cache
from typing import Final, NamedTuple, TypeVar

from session_core.errors import (
    MEDIA_CONNECTION,
    MEDIA_DTLS,
    ROOM_COMPLETED,
    SIGNALING_CONNECTION,
    SIGNALING_DISCONNECTED,
    SIGNALING_TIMEOUT,
    Origin,
)
from session_core.events import EventType, RoomState


class Signaling(StrEnum):
    """The signaling connection. While it is brought back it is down."""

    UP = "up"
    DOWN = "down"


class Media(StrEnum):
    """All peer connections in one word (see media.py)."""

    OK = "ok"
    PENDING = "pending"
    FAILED = "failed"


class Window(StrEnum):
    """What becomes of the reconnection window."""

    STARTS = "starts"
    RUNS_ON = "runs on"
    STOPPED = "stopped"


class Trigger(StrEnum):
    """What begins or ends a room at once."""

    JOINED = "the server lets us in"
    CONNECT_REFUSED = "the server refuses the join"
    CONNECT_UNANSWERED = "nobody answers the join"
    CONNECT_CANCELLED = "the join is cancelled"
    LEAVE = "this side leaves"
    GIVEN_UP = "the transport gives signaling up"
    ATTEMPTS_USED_UP = "attempts are used up while signaling is down"
    WINDOW_OVER_SIGNALING = "the window is over while signaling is down"
    WINDOW_OVER_MEDIA = "the window is over while only media is down"
    WINDOW_OVER_CAUSE = "the window is over and the policy keeps the cause"
    SERVER_ERROR = "the server ends the session with a code"
    COMPLETED = "the server ends the room"
    REMOVED = "the server removes us without a reason"
    DTLS_FAILED = "a peer connection fails by DTLS"
    DTLS_AFTER_ICE = "a peer connection fails as its ICE did"
    SDK_DISCONNECTED = "the observed SDK says that it is over"


class SdkWord(StrEnum):
    """What an observed SDK says of its connection as a whole."""

    LOST_SIGNALING = "reconnecting"
    LOST_MEDIA = "reconnecting, because of media"
    BACK = "reconnected"


class Told(StrEnum):
    """The server's word on a participant."""

    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"
    MISSING = "missing from a resynchronisation"


class CodeFrom(Enum):
    """Where a code comes from that is no constant."""

    SERVER = "the server's"
    TRANSPORT = "the transport's"
    CAUSE = "the cause's"
    SDK = "the SDK's"


class LinkRow(NamedTuple):
    """What a room becomes that has these links and this past. `rule` is its number."""

    rule: str
    room: RoomState
    signaling: Signaling | None
    media: Media | None
    was_failed: bool | None
    becomes: RoomState
    emits: EventType | None
    code: int | None
    origin: Origin | None
    window: Window | None


class SdkRow(NamedTuple):
    """What the links of a room in one of these states are taken to be after the SDK's word; None: what they were."""

    word: SdkWord | None
    room: tuple[RoomState, ...]
    signaling: Signaling | None
    media: Media | None


class TriggerRow(NamedTuple):
    """What a room becomes to which this happens in one of these states; None: it stays as it is.

    A code and an origin that are no constants come with what happened.
    """

    trigger: Trigger
    room: tuple[RoomState, ...]
    becomes: RoomState | None
    emits: EventType | None
    code: int | CodeFrom | None
    origin: Origin | CodeFrom | None


class ParticipantRow(NamedTuple):
    """What a participant becomes of whom this is told; None: stays as it was. `newer`: its revision is above the known.

    Whoever is not in the room, or not yet, is disconnected.
    """

    before: tuple[RoomState, ...]
    told: Told | None
    newer: bool | None
    becomes: RoomState | None
    emits: EventType | None


class LocalRow(NamedTuple):
    """What the local participant becomes, with the room over or not, and signaling so."""

    before: RoomState
    room_over: bool
    signaling: Signaling | None
    becomes: RoomState
    emits: EventType | None


# Names of the module: Python 3.11 takes ten times as long to find one of an enumeration, and a room asks at every signal.
CONNECTING, CONNECTED = RoomState.CONNECTING, RoomState.CONNECTED
RECONNECTING, DISCONNECTED = RoomState.RECONNECTING, RoomState.DISCONNECTED
UP, DOWN = Signaling.UP, Signaling.DOWN
OK, PENDING, FAILED = Media.OK, Media.PENDING, Media.FAILED
STARTS, RUNS_ON, STOPPED = Window.STARTS, Window.RUNS_ON, Window.STOPPED
ANY: Final = None
SAME: Final = None
LIVE: Final = (CONNECTED, RECONNECTING)
NOT_LIVE: Final = (CONNECTING, DISCONNECTED)

# fmt: off
LINKS: Final = (
    #       rule   room          S     M        failed  becomes       emits                code                    origin            window
    LinkRow("R0",  CONNECTING,   ANY,  ANY,     ANY,    CONNECTING,   None,                None,                   None,             None),
    LinkRow("R1",  DISCONNECTED, ANY,  ANY,     ANY,    DISCONNECTED, None,                None,                   None,             STOPPED),
    LinkRow("R3",  CONNECTED,    DOWN, ANY,     ANY,    RECONNECTING, "room.reconnecting", SIGNALING_DISCONNECTED, Origin.TRANSPORT, STARTS),
    LinkRow("R4",  RECONNECTING, DOWN, ANY,     ANY,    RECONNECTING, None,                None,                   None,             RUNS_ON),
    LinkRow("R5",  CONNECTED,    UP,   FAILED,  ANY,    RECONNECTING, "room.reconnecting", MEDIA_CONNECTION,       Origin.MEDIA,     STARTS),
    LinkRow("R6",  RECONNECTING, UP,   FAILED,  ANY,    RECONNECTING, None,                None,                   None,             RUNS_ON),
    LinkRow("R7",  RECONNECTING, UP,   PENDING, True,   RECONNECTING, None,                None,                   None,             RUNS_ON),
    LinkRow("R8",  RECONNECTING, UP,   PENDING, False,  CONNECTED,    "room.reconnected",  None,                   None,             STOPPED),
    LinkRow("R9",  CONNECTED,    UP,   PENDING, ANY,    CONNECTED,    None,                None,                   None,             None),
    LinkRow("R10", RECONNECTING, UP,   OK,      ANY,    CONNECTED,    "room.reconnected",  None,                   None,             STOPPED),
    LinkRow("R11", CONNECTED,    UP,   OK,      ANY,    CONNECTED,    None,                None,                   None,             None),
)

SDK: Final = (
    #      word                    in        S     M
    SdkRow(SdkWord.LOST_SIGNALING, LIVE,     DOWN, SAME),
    SdkRow(SdkWord.LOST_MEDIA,     LIVE,     SAME, FAILED),
    SdkRow(SdkWord.BACK,           LIVE,     UP,   OK),
    SdkRow(ANY,                    NOT_LIVE, SAME, SAME),
)

TRIGGERS: Final = (
    #          trigger                        in                        becomes       emits                  code                  origin
    TriggerRow(Trigger.JOINED,                (CONNECTING,),            CONNECTED,    "room.connected",      None,                 None),
    TriggerRow(Trigger.CONNECT_REFUSED,       (CONNECTING,),            DISCONNECTED, "room.connect_failed", CodeFrom.SERVER,      Origin.SERVER),
    TriggerRow(Trigger.CONNECT_UNANSWERED,    (CONNECTING,),            DISCONNECTED, "room.connect_failed", SIGNALING_CONNECTION, Origin.TRANSPORT),
    TriggerRow(Trigger.CONNECT_CANCELLED,     (CONNECTING,),            DISCONNECTED, "room.connect_failed", None,                 Origin.LOCAL),
    TriggerRow(Trigger.LEAVE,                 (CONNECTING,),            DISCONNECTED, "room.connect_failed", None,                 Origin.LOCAL),
    TriggerRow(Trigger.SERVER_ERROR,          (CONNECTING,),            DISCONNECTED, "room.connect_failed", CodeFrom.SERVER,      Origin.SERVER),
    TriggerRow(Trigger.COMPLETED,             (CONNECTING,),            DISCONNECTED, "room.connect_failed", ROOM_COMPLETED,       Origin.SERVER),
    TriggerRow(Trigger.REMOVED,               (CONNECTING,),            DISCONNECTED, "room.connect_failed", SIGNALING_DISCONNECTED, Origin.SERVER),
    TriggerRow(Trigger.LEAVE,                 LIVE,                     DISCONNECTED, "room.disconnected",   None,                 Origin.LOCAL),
    TriggerRow(Trigger.GIVEN_UP,              (CONNECTING,),            DISCONNECTED, "room.connect_failed", CodeFrom.TRANSPORT,   Origin.TRANSPORT),
    TriggerRow(Trigger.GIVEN_UP,              LIVE,                     DISCONNECTED, "room.disconnected",   CodeFrom.TRANSPORT,   Origin.TRANSPORT),
    TriggerRow(Trigger.ATTEMPTS_USED_UP,      (RECONNECTING,),          DISCONNECTED, "room.disconnected",   SIGNALING_CONNECTION, Origin.ATTEMPTS),
    TriggerRow(Trigger.WINDOW_OVER_SIGNALING, (RECONNECTING,),          DISCONNECTED, "room.disconnected",   SIGNALING_TIMEOUT,    Origin.WINDOW),
    TriggerRow(Trigger.WINDOW_OVER_MEDIA,     (RECONNECTING,),          DISCONNECTED, "room.disconnected",   MEDIA_CONNECTION,     Origin.WINDOW),
    TriggerRow(Trigger.WINDOW_OVER_CAUSE,     (RECONNECTING,),          DISCONNECTED, "room.disconnected",   CodeFrom.CAUSE,       Origin.WINDOW),
    TriggerRow(Trigger.SERVER_ERROR,          LIVE,                     DISCONNECTED, "room.disconnected",   CodeFrom.SERVER,      Origin.SERVER),
    TriggerRow(Trigger.COMPLETED,             LIVE,                     DISCONNECTED, "room.disconnected",   ROOM_COMPLETED,       Origin.SERVER),
    TriggerRow(Trigger.REMOVED,               LIVE,                     DISCONNECTED, "room.disconnected",   None,                 Origin.SERVER),
    TriggerRow(Trigger.DTLS_FAILED,           LIVE,                     DISCONNECTED, "room.disconnected",   MEDIA_DTLS,           Origin.MEDIA),
    TriggerRow(Trigger.SDK_DISCONNECTED,      (CONNECTING,),            DISCONNECTED, "room.connect_failed", CodeFrom.SDK,         CodeFrom.SDK),
    TriggerRow(Trigger.SDK_DISCONNECTED,      LIVE,                     DISCONNECTED, "room.disconnected",   CodeFrom.SDK,         CodeFrom.SDK),
    # What means nothing where it comes: a late answer, a repetition, a word about a room that is over.
    TriggerRow(Trigger.JOINED,                (*LIVE, DISCONNECTED),    SAME, None, None, None),
    TriggerRow(Trigger.CONNECT_REFUSED,       (*LIVE, DISCONNECTED),    SAME, None, None, None),
    TriggerRow(Trigger.CONNECT_UNANSWERED,    (*LIVE, DISCONNECTED),    SAME, None, None, None),
    TriggerRow(Trigger.CONNECT_CANCELLED,     (*LIVE, DISCONNECTED),    SAME, None, None, None),
    TriggerRow(Trigger.LEAVE,                 (DISCONNECTED,),          SAME, None, None, None),
    TriggerRow(Trigger.GIVEN_UP,              (DISCONNECTED,),          SAME, None, None, None),
    TriggerRow(Trigger.ATTEMPTS_USED_UP,      (*NOT_LIVE, CONNECTED),   SAME, None, None, None),
    TriggerRow(Trigger.WINDOW_OVER_SIGNALING, (*NOT_LIVE, CONNECTED),   SAME, None, None, None),
    TriggerRow(Trigger.WINDOW_OVER_MEDIA,     (*NOT_LIVE, CONNECTED),   SAME, None, None, None),
    TriggerRow(Trigger.WINDOW_OVER_CAUSE,     (*NOT_LIVE, CONNECTED),   SAME, None, None, None),
    TriggerRow(Trigger.SERVER_ERROR,          (DISCONNECTED,),          SAME, None, None, None),
    TriggerRow(Trigger.COMPLETED,             (DISCONNECTED,),          SAME, None, None, None),
    TriggerRow(Trigger.REMOVED,               (DISCONNECTED,),          SAME, None, None, None),
    TriggerRow(Trigger.DTLS_FAILED,           NOT_LIVE,                 SAME, None, None, None),
    TriggerRow(Trigger.SDK_DISCONNECTED,      (DISCONNECTED,),          SAME, None, None, None),
    TriggerRow(Trigger.DTLS_AFTER_ICE,        (*NOT_LIVE, *LIVE),       SAME, None, None, None),
)

PARTICIPANTS: Final = (
    #              before                    told               newer  becomes       emits
    ParticipantRow((DISCONNECTED,),          Told.CONNECTED,    True,  CONNECTED,    "participant.connected"),
    ParticipantRow((DISCONNECTED,),          Told.RECONNECTING, True,  RECONNECTING, "participant.connected"),
    ParticipantRow((CONNECTED,),             Told.RECONNECTING, True,  RECONNECTING, "participant.reconnecting"),
    ParticipantRow((RECONNECTING,),          Told.CONNECTED,    True,  CONNECTED,    "participant.reconnected"),
    ParticipantRow(LIVE,                     Told.DISCONNECTED, True,  DISCONNECTED, "participant.disconnected"),
    ParticipantRow(LIVE,                     Told.MISSING,      ANY,   DISCONNECTED, "participant.disconnected"),
    # No news, old news, and news of somebody who is not here.
    ParticipantRow((CONNECTED,),             Told.CONNECTED,    True,  SAME,         None),
    ParticipantRow((RECONNECTING,),          Told.RECONNECTING, True,  SAME,         None),
    ParticipantRow((DISCONNECTED,),          Told.DISCONNECTED, True,  SAME,         None),
    ParticipantRow((DISCONNECTED,),          Told.MISSING,      ANY,   SAME,         None),
    ParticipantRow((*LIVE, DISCONNECTED),    Told.CONNECTED,    False, SAME,         None),
    ParticipantRow((*LIVE, DISCONNECTED),    Told.RECONNECTING, False, SAME,         None),
    ParticipantRow((*LIVE, DISCONNECTED),    Told.DISCONNECTED, False, SAME,         None),
)

LOCAL: Final = (
    #        before        over   S     becomes       emits
    LocalRow(CONNECTING,   False, UP,   CONNECTED,    None),
    LocalRow(CONNECTING,   False, DOWN, CONNECTING,   None),
    LocalRow(CONNECTING,   True,  ANY,  DISCONNECTED, None),
    LocalRow(CONNECTED,    False, UP,   CONNECTED,    None),
    LocalRow(CONNECTED,    False, DOWN, RECONNECTING, "local.reconnecting"),
    LocalRow(CONNECTED,    True,  ANY,  DISCONNECTED, "local.disconnected"),
    LocalRow(RECONNECTING, False, UP,   CONNECTED,    "local.reconnected"),
    LocalRow(RECONNECTING, False, DOWN, RECONNECTING, None),
    LocalRow(RECONNECTING, True,  ANY,  DISCONNECTED, "local.disconnected"),
    LocalRow(DISCONNECTED, False, ANY,  DISCONNECTED, None),
    LocalRow(DISCONNECTED, True,  ANY,  DISCONNECTED, None),
)
# fmt: on


@cache
def link(room: RoomState, signaling: Signaling, media: Media, was_failed: bool) -> LinkRow:
    """What both links, taken together, mean for a room in this state."""
    return _only(LINKS, (room, signaling, media, was_failed), start=1)


@cache
def sdk(room: RoomState, word: SdkWord) -> SdkRow:
    """What this word of an observed SDK means for the links of a room in this state."""
    return _only(SDK, (word, room))


@cache
def trigger(room: RoomState, happened: Trigger) -> TriggerRow:
    """What this trigger means for a room in this state."""
    return _only(TRIGGERS, (happened, room))


@cache
def participant(before: RoomState, told: Told, newer: bool) -> ParticipantRow:
    """What the server's word means for a participant in this state."""
    return _only(PARTICIPANTS, (before, told, newer))


@cache
def local(before: RoomState, signaling: Signaling, room_over: bool) -> LocalRow:
    """What becomes of the local participant."""
    return _only(LOCAL, (before, room_over, signaling))


Row = TypeVar("Row", LinkRow, SdkRow, TriggerRow, ParticipantRow, LocalRow)


def matching(rows: Iterable[Row], situation: tuple[object, ...], start: int) -> list[Row]:
    """The rows whose conditions, the fields from `start` on, are met. In a table of ours it is always one."""
    return [row for row in rows if all(map(_meets, tuple[object, ...](row)[start:], situation))]


def _only(rows: Iterable[Row], situation: tuple[object, ...], start: int = 0) -> Row:
    (row,) = matching(rows, situation, start)
    return row


def _meets(condition: object, actual: object) -> bool:
    if isinstance(condition, tuple):
        return actual in condition
    return condition is ANY or condition == actual


# The drawings


def mermaid() -> str:
    """The room's states as a Mermaid diagram: what every arrow stands for are rows of LINKS and TRIGGERS."""
    arrows: dict[tuple[RoomState, RoomState], list[str]] = {}
    for step in TRIGGERS:
        for room in step.room if step.becomes else ():
            arrows.setdefault((room, step.becomes or room), []).append(_arrow(step.emits, step.code))
    for row in LINKS:
        if row.room is not row.becomes:
            arrows.setdefault((row.room, row.becomes), []).append(f"{row.rule} {_cell(row.code, '')}".rstrip())
    lines = [
        f"    {before} --> {after} : {', '.join(dict.fromkeys(labels))}" for (before, after), labels in arrows.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {CONNECTING}", *lines, f"    {DISCONNECTED} --> [*]"])


def table(rows: Sequence[Row]) -> str:
    """These rows as a Markdown table, one column a field."""
    fields = rows[0]._fields
    lines = [[name.replace("_", " ") for name in fields], ["---"] * len(fields)]
    lines += [[_cell(value, _BLANKS.get(name, "-")) for name, value in row._asdict().items()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def drawings() -> dict[str, str]:
    """The generated parts of docs/reconnection.md, by the names of their markers. Rows that ignore are left out."""
    return {
        "diagram": f"```mermaid\n{mermaid()}\n```",
        "links": table(LINKS),
        "sdk": table(SDK[:-1]),
        "triggers": table([row for row in TRIGGERS if row.becomes]),
        "participants": table([row for row in PARTICIPANTS if row.becomes]),
        "local": table([row for row in LOCAL if row.emits]),
    }


# What an empty field means, by its name.
_BLANKS: Final = dict.fromkeys(("signaling", "media", "was_failed", "told", "newer"), "any") | {"becomes": "as it was"}


def _cell(value: object, blank: str) -> str:
    if value is None:
        return blank
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value.value) if isinstance(value, Enum) else str(value)


def _arrow(emits: EventType | None, code: int | CodeFrom | None) -> str:
    return "joined" if emits == "room.connected" else _cell(code, "no error")
