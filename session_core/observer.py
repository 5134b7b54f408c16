"""observe(): an application that has an RTC SDK of its own tells a room what it sees, and gets telemetry of it.

    room = observe(publisher=publisher, room_name="standup")
    sdk.on("joined", lambda: room.joined(sdk.room_id, sdk.my_id))
    sdk.on("reconnecting", lambda: room.reconnecting())
    ...

The SDK decides when to try, for how long, and when it is over: no window runs here, no attempt is made, and only what
is told ends the room. Signs of life and the warning before a token expires come by time, as in a room that is driven.

Rules:
1. Nothing told here raises or waits, whatever it is. What means nothing is ignored; what is no signal is logged.
2. All of it is told from the thread of the event loop that the room was made in:
   `loop.call_soon_threadsafe(room.feed, signal)` is the way there from other threads.
3. News of participants that an SDK numbers by no revision count in the order in which they are told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self
from uuid import UUID

from session_core.clock import Clock, SystemClock
from session_core.errors import Origin
from session_core.events import Client, Session
from session_core.leaving import OPEN_ROOMS
from session_core.live import LiveRoom, new_session_id, why_left
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.shapes import is_whole
from session_core.signals import (
    IceState,
    Joined,
    ParticipantState,
    ParticipantsUpdated,
    Removed,
    Resynchronised,
    SdkDisconnected,
    SdkReconnected,
    SdkReconnecting,
    SessionLearned,
    Signal,
    SignalingLost,
    TokenReplaced,
)
from session_core.token_source import AnyToken, token_facts

if TYPE_CHECKING:
    from session_core.publisher import Publisher

WHOLE_MEDIA: Final = "media"
"""The peer connection that stands for all of them where an application speaks of media only."""

logger = logging.getLogger(__name__)


def observe(
    *,
    publisher: Publisher | None = None,
    room_name: str | None = None,
    client: Client | None = None,
    token: AnyToken | None = None,
    previous_session_id: UUID | None = None,
    leave_on_signals: bool = False,
    clock: Clock | None = None,
    random_bits: Callable[[int], int] | None = None,
) -> ObservedRoom:
    """A room to tell what an SDK says. Call it when the SDK begins to connect, inside the event loop.

    `token` is the SDK's access token, for telemetry to tell when it expires; one that cannot be read is no fault.
    `previous_session_id` names the session that this one replaces after a rejoin. With `leave_on_signals` SIGTERM and
    SIGINT end the session; raises RuntimeError or ValueError then outside the main thread's loop. `clock` and
    `random_bits` are for tests and simulations. What comes of what is told is in docs/reconnection.md.
    """
    clock = clock if clock is not None else SystemClock()
    now = clock.now()
    facts = None if token is None else token_facts(token, now)
    session = Session(
        session_id=new_session_id(now, random_bits), previous_session_id=previous_session_id, room_name=room_name
    )
    room = Room(session, policy=ReconnectPolicy.observed(), client=client, token=facts)
    observed = ObservedRoom(room, clock=clock, publisher=publisher, token=facts)
    OPEN_ROOMS.add(observed, on_signals=leave_on_signals)
    observed.begin()
    return observed


class ObservedRoom(LiveRoom):
    """A room that an SDK drives and an application tells of. Made by observe(). Its `async with` leaves at the end."""

    _revision = 0

    def begin(self) -> None:
        """The SDK begins to connect; observe() has said so already."""
        self._take(self._room.begin(self._clock.now()))

    def feed(self, signal: Signal) -> None:
        """Takes any signal of session_core.signals. Never raises: what is none, or holds what it may not, is logged."""
        if not is_whole(signal):
            logger.error(
                "an observed room cannot take this %s: no signal, or one of a wrong shape", type(signal).__name__
            )
        try:
            self._receive(signal)
        except Exception:
            logger.exception("an observed room could not take %s", type(signal).__name__)

    # The join and the end

    def joined(
        self,
        room_sid: str | None,
        participant_sid: str,
        *,
        identity: str | None = None,
        room_name: str | None = None,
        participants: Iterable[tuple[str, str | None]] = (),
    ) -> None:
        """The server let us in. `participants` are the others who are there, by sid and identity: news to nobody."""
        others = self._all_of(participants) or ()
        self.feed(Joined(room_sid, participant_sid, others, identity=identity, room_name=room_name))

    def learned(self, *, room_sid: str | None = None, room_name: str | None = None) -> None:
        """What was not known of the room when we joined."""
        self.feed(SessionLearned(room_sid, room_name))

    def disconnected(
        self,
        code: int | None = None,
        message: str = "",
        *,
        origin: Origin = Origin.SERVER,
        vendor: str | None = None,
        vendor_code: int | None = None,
    ) -> None:
        """The SDK says that it is over, or that it could not connect. For `code` see docs/errors.md.

        Without a code: the server removed us, and gave no reason. When this side leaves, call disconnect().
        """
        if code is None:
            self.feed(Removed())
        else:
            self.feed(SdkDisconnected(code, message, origin, vendor, vendor_code))

    # The connection as a whole, for SDKs that do not tell its links apart

    def reconnecting(
        self,
        cause: Literal["signaling", "media"] = "signaling",
        *,
        vendor: str | None = None,
        vendor_code: int | None = None,
    ) -> None:
        """The SDK is reconnecting: 53001, or 53405 where it is known that media alone is the cause."""
        self.feed(SdkReconnecting(cause, vendor, vendor_code))

    def reconnected(self) -> None:
        """All is well again."""
        self.feed(SdkReconnected())

    # The links, for SDKs that do

    def signaling_lost(self) -> None:
        """The signaling connection is gone."""
        self.feed(SignalingLost())

    def signaling_back(self, participants: Iterable[tuple[str, str | None]] | None = None) -> None:
        """Signaling is back. `participants`, where given, is everybody else who is there: who is missing has left."""
        others = None if participants is None else self._all_of(participants)
        if others is None:
            known = self._room.participants.values()
            others = tuple(ParticipantState(one.sid, one.identity, one.state.value, one.revision) for one in known)
        self.feed(Resynchronised(others))

    def media_failed(self) -> None:
        """Media is gone. For more than one peer connection feed IceState of each: only all of them are an outage."""
        self.feed(IceState(WHOLE_MEDIA, "failed"))

    def media_back(self) -> None:
        """Media flows again."""
        self.feed(IceState(WHOLE_MEDIA, "connected"))

    # The others

    def participant_connected(self, sid: str, identity: str | None = None) -> None:
        """Somebody came."""
        self._tell_of(sid, identity, "connected")

    def participant_reconnecting(self, sid: str) -> None:
        """Somebody else's signaling is gone."""
        self._tell_of(sid, None, "reconnecting")

    def participant_reconnected(self, sid: str) -> None:
        """Somebody else's signaling is back."""
        self._tell_of(sid, None, "connected")

    def participant_disconnected(self, sid: str) -> None:
        """Somebody left."""
        self._tell_of(sid, None, "disconnected")

    def token_replaced(self, token: AnyToken) -> None:
        """The SDK has another access token now. One that cannot be read changes nothing."""
        facts = token_facts(token, self._clock.now())
        if facts is not None:
            self._token = facts
            self.feed(TokenReplaced(facts))

    def _tell_of(self, sid: str, identity: str | None, state: str) -> None:
        self.feed(ParticipantsUpdated((self._told(sid, identity, state),)))

    def _all_of(self, participants: Iterable[tuple[str, str | None]]) -> tuple[ParticipantState, ...] | None:
        try:
            return tuple(self._told(sid, identity, "connected") for sid, identity in participants)
        except Exception:
            logger.exception("participants are told as pairs of sid and identity; these were not")
            return None

    def _told(self, sid: str, identity: str | None, state: str) -> ParticipantState:
        self._revision += 1
        return ParticipantState(sid, identity, state, self._revision)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.disconnect(why_left(kind))
        await self.closed()
