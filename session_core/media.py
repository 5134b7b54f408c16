"""All peer connections of a session in one word.

The summary is the best of them: a call that still has one good peer connection has media. None at all counts as new.
Who asks learns whether media is ok, pending or failed; what that means for the room is for transitions.py to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from session_core.bounds import clip
from session_core.transitions import Media

PEERS_MAX: Final = 256
"""Peer connections that one session may have; a room of 50 in a mesh has 49. Closed ones make room for new ones."""

SUMMARY: Final = {
    # From worst to best. "closed" and "disconnected" alone are no outage: ICE recovers by itself, or says "failed".
    "closed": Media.OK,
    "failed": Media.FAILED,
    "disconnected": Media.OK,
    "new": Media.PENDING,
    "checking": Media.PENDING,
    "connected": Media.OK,
    "completed": Media.OK,
}
RANK: Final = {state: rank for rank, state in enumerate(SUMMARY)}
NO_PEER: Final = "new"
ICE_DOWN: Final = ("failed", "disconnected")


class Peers:
    """The ICE state of every peer connection; `summary` is what all of them together amount to.

    `ignore` is told of every word that means nothing to us.
    """

    __slots__ = ("_ignore", "_overruled", "_states", "summary")

    def __init__(self, ignore: Callable[[str], None]) -> None:
        self._ignore = ignore
        self._states: dict[str, str] = {}
        self._overruled: Media | None = None
        self._summarise()

    def take(self, peer: str, state: str) -> None:
        """Take a peer connection's state."""
        name = clip(peer)
        if state not in RANK:
            self._ignore(state)
            return
        self._overruled = None
        if name in self._states or self._has_room():
            self._states[name] = state
        else:
            self._ignore("one peer connection too many")
        self._summarise()

    def overrule(self, media: Media) -> None:
        """An SDK says how media is as a whole. That holds until it tells of a peer connection again."""
        self._overruled = media
        if media is Media.OK:
            self._states = {peer: state for peer, state in self._states.items() if SUMMARY[state] is Media.OK}
        self._summarise()

    def forget(self, peer: str) -> None:
        """A peer connection is no more."""
        self._overruled = None
        self._states.pop(clip(peer), None)
        self._summarise()

    def _summarise(self) -> None:
        # Kept, since it is asked for far more often than a state comes.
        told = SUMMARY[max(self._states.values(), key=RANK.__getitem__, default=NO_PEER)]
        self.summary = told if self._overruled is None else self._overruled

    def _has_room(self) -> bool:
        if len(self._states) >= PEERS_MAX:
            self._states = {peer: state for peer, state in self._states.items() if state != "closed"}
        return len(self._states) < PEERS_MAX

    def ice_is_down(self, peer: str) -> bool:
        """Whether this peer connection's own ICE has failed or is disconnected."""
        return self._states.get(clip(peer), NO_PEER) in ICE_DOWN
