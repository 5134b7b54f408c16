"""The peer connections of a scenario: what their states mean to a room, as signals.

A scenario begins with one peer connection that is well; another one comes into being when it is first spoken of, and is
new then. Whether a failure is one of DTLS twilio-video.js asks of all of them taken together, by the best of them and
only when that changes; the page asks it of each.
"""

from __future__ import annotations

from typing import Final

from session_core.media import ICE_DOWN, RANK
from session_core.signals import DtlsFailed, IceState, Signal
from session_core.trace.policies import ONE_PEER

BEST_LAST: Final = ("closed", "failed", "disconnected", "new", "connecting", "connected")
"""What a peer connection may be, from worst to best."""

NEW: Final = "new"


class PeerConnections:
    """Every peer connection's ICE state and its own. `as_the_sdk`: taken together, as twilio-video.js takes them."""

    def __init__(self, *, as_the_sdk: bool) -> None:
        self._as_the_sdk = as_the_sdk
        self._ice = {ONE_PEER: "connected"}
        self._own = {ONE_PEER: "connected"}
        self._all = "connected"

    def hear_ice(self, peer: str, state: str) -> list[Signal]:
        """The state of a peer connection's ICE."""
        signals = self._meet(peer)
        self._ice[peer] = state
        return [*signals, IceState(peer, state)]

    def hear(self, peer: str, state: str) -> list[Signal]:
        """A peer connection's own state. Said again, it is no news."""
        signals = self._meet(peer)
        if state != self._own[peer]:
            self._own[peer] = state
            if self._as_the_sdk:
                signals += self._look_at_all()
            elif state == "failed":
                signals.append(DtlsFailed(peer))
        return signals

    def _meet(self, peer: str) -> list[Signal]:
        if peer in self._ice:
            return []
        self._ice[peer] = self._own[peer] = NEW
        return [IceState(peer, NEW)]

    def _look_at_all(self) -> list[Signal]:
        """A failure of all is one of DTLS if the best ICE has not failed: it is told of the one that has that."""
        before = self._all
        own = ["failed" if self._ice[peer] == "failed" else state for peer, state in self._own.items()]
        self._all = max(own, key=BEST_LAST.index)
        best = max(self._ice, key=lambda peer: RANK[self._ice[peer]])
        is_dtls = before != self._all == "failed" and RANK[self._ice[best]] not in ICE_DOWN
        return [DtlsFailed(best)] if is_dtls else []
