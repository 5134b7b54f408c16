"""Peer connections of aiortc, observed: what becomes of a call's media, told to its room as signals.

    watching = watch(room, peer_connection, name="to bob")
    watching.replace(fresh_peer_connection)    # after a failure, for the same media
    watching.stop()                            # the media is no longer part of the call

Needs the extra `roomwatch[aiortc]`. Not here: signaling, which the room's transport brings, and making a fresh peer
connection, which is an offer and an answer over that signaling. docs/aiortc.md says what aiortc reports and when.

Rules:
1. What has failed counts as failed until it is replaced or no longer watched: aiortc closes a peer connection whose ICE
   was lost, and closing is not recovering.
2. A peer connection that either side closes in order is no more, and no failure.
3. Nothing is raised out of a handler: it would be raised into aiortc, in the middle of its own change of state.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from session_core.errors import ExtraMissingError
from session_core.signals import DtlsFailed, IceState, MediaSignal, PeerClosed

if TYPE_CHECKING:
    from aiortc import RTCDtlsTransport, RTCPeerConnection

_NUMBERS: Final = count(1)

logger = logging.getLogger(__name__)


class Feedable(Protocol):
    """A room that takes signals of media, as DrivenRoom does."""

    def feed(self, signal: MediaSignal, /) -> None:
        """Take what became of a peer connection."""


def watch(
    room: Feedable | Callable[[MediaSignal], None], peer_connection: RTCPeerConnection, *, name: str | None = None
) -> Watch:
    """Tells a room of a peer connection's ICE and DTLS: how it is now, and each change from now on.

    `room` may also be a function that takes the signals. `name` is what the room knows this media by, one for each peer
    connection that it has at a time; unless given, one that no other has. Watching ends by itself when the peer
    connection is closed. To be called in the event loop of both.

    Raises ExtraMissingError without aiortc, and TypeError for what is no RTCPeerConnection.
    """
    watching = Watch(room if callable(room) else room.feed, name if name is not None else f"aiortc-{next(_NUMBERS)}")
    watching.replace(peer_connection)
    return watching


class Watch:
    """One peer connection at a time, watched under one name. Made by watch()."""

    def __init__(self, deliver: Callable[[MediaSignal], None], name: str) -> None:
        self.name = name
        self._deliver = deliver
        self._peer_connection: RTCPeerConnection | None = None
        self._told: str | None = None
        self._handlers: Final = {
            "signalingstatechange": partial(self._hear, self._hear_signaling),
            "iceconnectionstatechange": partial(self._hear, self._hear_ice),
            "connectionstatechange": partial(self._hear, self._hear_connection),
        }

    def replace(self, peer_connection: RTCPeerConnection) -> None:
        """Watches this one instead, under the same name: the outage is over when its ICE is completed.

        The one before it is heard no more; closing it is the application's. Raises as watch() does.
        """
        _check(peer_connection)
        self._let_go()
        self._peer_connection = peer_connection
        for event, handler in self._handlers.items():
            peer_connection.on(event, handler)
        if peer_connection.signalingState == "closed":
            self._end(has_failed=False)
        else:
            self._hear(self._hear_ice)
            self._hear(self._hear_connection)

    def stop(self) -> None:
        """Watches no more, whatever state it is in: for the room this media is no longer part of the call."""
        self._let_go()
        self._tell_closed()

    # What aiortc emits

    def _hear(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:
            logger.exception("a peer connection could not be asked how it is")

    def _hear_signaling(self) -> None:
        """It closes: heard before aiortc takes the transports apart, so that they still show why."""
        peer_connection = self._peer_connection
        if peer_connection is not None and peer_connection.signalingState == "closed":
            self._end(has_failed=_has_lost_ice(peer_connection))

    def _hear_ice(self) -> None:
        if self._peer_connection is not None:
            self._tell_ice(self._peer_connection.iceConnectionState)

    def _hear_connection(self) -> None:
        peer_connection = self._peer_connection
        if peer_connection is None or peer_connection.connectionState != "failed":
            return
        if peer_connection.iceConnectionState == "failed" or _has_lost_ice(peer_connection):
            self._tell_ice("failed")
        else:
            self._tell(DtlsFailed(self.name))

    def _end(self, *, has_failed: bool) -> None:
        # Before anybody is told: who is told may call replace().
        self._let_go()
        if has_failed:
            self._tell_ice("failed")
        elif self._told != "failed":
            self._tell_closed()

    def _tell_ice(self, state: str) -> None:
        if state != self._told:
            self._told = state
            self._tell(IceState(self.name, state))

    def _tell_closed(self) -> None:
        self._told = None
        self._tell(PeerClosed(self.name))

    def _tell(self, signal: MediaSignal) -> None:
        try:
            self._deliver(signal)
        except Exception:
            logger.exception("a room could not be told of a peer connection")

    def _let_go(self) -> None:
        peer_connection, self._peer_connection = self._peer_connection, None
        if peer_connection is not None:
            for event, handler in self._handlers.items():
                if handler in peer_connection.listeners(event):
                    peer_connection.remove_listener(event, handler)


def _check(peer_connection: object) -> None:
    try:
        from aiortc import RTCPeerConnection  # noqa: PLC0415 - an extra: not every application has its media here
    except ImportError:
        raise ExtraMissingError("aiortc", "aiortc") from None
    if not isinstance(peer_connection, RTCPeerConnection):
        raise TypeError(f"watch() takes an aiortc.RTCPeerConnection, not {type(peer_connection).__name__}")


def _transports(peer_connection: RTCPeerConnection) -> Iterator[RTCDtlsTransport]:
    for transceiver in peer_connection.getTransceivers():
        yield transceiver.receiver.transport
    if peer_connection.sctp is not None:
        yield peer_connection.sctp.transport


def _has_lost_ice(peer_connection: RTCPeerConnection) -> bool:
    """Whether ICE itself is gone beneath DTLS, which hears of it first and makes aiortc close or fail.

    ICE that was lost has given up its candidates by then; ICE that the application or the other side ends has them.
    """
    for dtls in _transports(peer_connection):
        gatherer = dtls.transport.iceGatherer
        if dtls.state in {"closed", "failed"} and gatherer.state == "completed" and not gatherer.getLocalCandidates():
            return True
    return False
