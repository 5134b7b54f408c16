"""observe_livekit(): telemetry of a LiveKit room, in one line.

    seen = observe_livekit(room, publisher=publisher)

before `room.connect()` or after it. LiveKit reconnects by itself and does not say which link it lost, so that its
`reconnecting` is 53001. Why it gave up is said in livekit_reasons.py. Needs the extra `roomwatch[livekit]`.

Rules:
1. The room is listened to, never told anything: whatever happens here, it does not notice.
2. A session is one life in one room: after `disconnected` a Room that connects again is to be observed again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import wraps
from typing import Final, TypeVar, cast
from uuid import UUID

from session_core.adapters.livekit_reasons import VENDOR, ending
from session_core.clock import Clock
from session_core.errors import ExtraMissingError
from session_core.events import Client
from session_core.observer import ObservedRoom, observe
from session_core.publisher import Publisher
from session_core.token_source import AnyToken

try:
    from livekit import rtc
except ImportError:
    raise ExtraMissingError("livekit", "livekit") from None

H = TypeVar("H", bound=Callable[..., None])

RECONNECTING: Final = rtc.ConnectionState.CONN_RECONNECTING
CONNECTED: Final = rtc.ConnectionState.CONN_CONNECTED

logger = logging.getLogger(__name__)


def observe_livekit(
    room: rtc.Room,
    *,
    publisher: Publisher | None = None,
    client: Client | None = None,
    token: AnyToken | None = None,
    previous_session_id: UUID | None = None,
    leave_on_signals: bool = False,
    clock: Clock | None = None,
) -> ObservedRoom:
    """Tells of a LiveKit room from now on. What is not named here is as in observe().

    Call it in the event loop of the room, before it connects or while it is connected. When `room.connect()` raises,
    nobody but the application hears of it: call `disconnected(53000)` on what this returns. `client` is LiveKit and its
    version unless given.
    """
    seen = observe(
        publisher=publisher,
        client=client if client is not None else Client(sdk=VENDOR, sdk_version=rtc.__version__),
        token=token,
        previous_session_id=previous_session_id,
        leave_on_signals=leave_on_signals,
        clock=clock,
    )
    _Listener(room, seen).listen()
    return seen


def _unnoticed(handler: H) -> H:
    """LiveKit stops calling a room's other handlers when one raises a TypeError: nothing may come out of ours."""

    @wraps(handler)
    def call(*args: object) -> None:
        try:
            handler(*args)
        except Exception:
            logger.exception("an event of a LiveKit room could not be taken")

    return cast("H", call)


class _Listener:
    """Hands on what one LiveKit room says."""

    def __init__(self, room: rtc.Room, seen: ObservedRoom) -> None:
        self._room = room
        self._seen = seen
        self._has_joined = False
        self._asking: asyncio.Task[None] | None = None

    def listen(self) -> None:
        self._room.on("connection_state_changed", self._on_state)
        self._room.on("reconnecting", self._on_reconnecting)
        self._room.on("reconnected", self._on_reconnected)
        self._room.on("disconnected", self._on_disconnected)
        self._room.on("participant_connected", self._on_participant_connected)
        self._room.on("participant_disconnected", self._on_participant_disconnected)
        self._room.on("room_updated", self._on_room_updated)
        self._room.on("moved", self._on_room_updated)
        self._on_room_updated()

    @_unnoticed
    def _on_state(self, state: int) -> None:
        if state == RECONNECTING:
            self._on_reconnecting()
        elif state == CONNECTED and self._has_joined:
            self._seen.reconnected()
        self._join_if_connected()

    @_unnoticed
    def _on_reconnecting(self) -> None:
        self._join_if_connected()
        self._seen.reconnecting(vendor=VENDOR)

    @_unnoticed
    def _on_reconnected(self) -> None:
        self._seen.reconnected()

    @_unnoticed
    def _on_disconnected(self, reason: int) -> None:
        self._seen.feed(ending(reason))
        if self._asking is not None:
            self._asking.cancel()

    @_unnoticed
    def _on_participant_connected(self, participant: rtc.RemoteParticipant) -> None:
        self._join_if_connected()
        self._seen.participant_connected(participant.sid, participant.identity)

    @_unnoticed
    def _on_participant_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self._join_if_connected()
        self._seen.participant_disconnected(participant.sid)

    @_unnoticed
    def _on_room_updated(self) -> None:
        if self._has_joined:
            self._seen.learned(room_name=self._room.name or None)
        self._join_if_connected()

    def _join_if_connected(self) -> None:
        if self._has_joined or not self._room.isconnected():
            return
        self._has_joined = True
        sid, local = _known_sid(self._room), self._room.local_participant
        self._seen.joined(
            sid,
            local.sid,
            identity=local.identity,
            room_name=self._room.name or None,
            participants=[(other.sid, other.identity) for other in self._room.remote_participants.values()],
        )
        if sid is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_for_the_sid())
        if self._room.connection_state == RECONNECTING:
            self._seen.reconnecting(vendor=VENDOR)

    async def _ask_for_the_sid(self) -> None:
        try:
            self._seen.learned(room_sid=await self._room.sid)
        except Exception as error:  # noqa: BLE001 - a room that ends before its sid was told has none
            logger.debug("a LiveKit room told no sid: %s", error)


def _known_sid(room: rtc.Room) -> str | None:
    """The room's sid, if LiveKit has it already: it answers at once then, and waits for the server else."""
    asking = room.sid
    try:
        asking.send(None)
    except StopIteration as answered:
        return str(answered.value)
    finally:
        asking.close()
    return None
