"""All peer connections of a session in one word.

The summary is the best of them: a call that still has one good peer connection has media. None at all counts as new.
Who asks learns whether media is ok, pending or failed; what that means for the room is for transitions.py to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from session_core.bounds import clip
from session_core.transitions import FAILED, OK, PENDING, Media

PEERS_MAX: Final = 256
"""Peer connections that one session may have; a room of 50 in a mesh has 49. Closed ones make room for new ones."""

SUMMARY: Final = {
    # From worst to best. "closed" and "disconnected" alone are no outage: ICE recovers by itself, or says "failed".
    "closed": OK,
    "failed": FAILED,
    "disconnected": OK,
    "new": PENDING,
    "checking": PENDING,
    "connected": OK,
    "completed": OK,
}
RANK: Final = {state: rank for rank, state in enumerate(SUMMARY)}
BY_RANK: Final = tuple(SUMMARY.values())
NO_PEER: Final = RANK["new"]
CLOSED: Final = RANK["closed"]
ICE_DOWN: Final = (RANK["failed"], RANK["disconnected"])


class Peers:
    """The ICE state of every peer connection, as its rank; `summary` is what all of them together amount to.

    `ignore` is told of every word that means nothing to us.
    """

    __slots__ = ("_ignore", "_overruled", "_ranks", "summary")

    def __init__(self, ignore: Callable[[str], None]) -> None:
        self._ignore = ignore
        self._ranks: dict[str, int] = {}
        self._overruled: Media | None = None
        self._summarise()

    def take(self, peer: str, state: str) -> None:
        """Take a peer connection's state."""
        name = clip(peer)
        rank = RANK.get(state)
        if rank is None:
            self._ignore(state)
            return
        self._overruled = None
        if name in self._ranks or self._has_room():
            self._ranks[name] = rank
        else:
            self._ignore("one peer connection too many")
        self._summarise()

    def overrule(self, media: Media) -> None:
        """An SDK says how media is as a whole. That holds until it tells of a peer connection again."""
        self._overruled = media
        if media is OK:
            self._ranks = {peer: rank for peer, rank in self._ranks.items() if BY_RANK[rank] is OK}
        self._summarise()

    def forget(self, peer: str) -> None:
        """A peer connection is no more."""
        self._overruled = None
        self._ranks.pop(clip(peer), None)
        self._summarise()

    def _summarise(self) -> None:
        # Kept, since it is asked for far more often than a state comes.
        best = max(self._ranks.values()) if self._ranks else NO_PEER
        self.summary = BY_RANK[best] if self._overruled is None else self._overruled

    def _has_room(self) -> bool:
        if len(self._ranks) >= PEERS_MAX:
            self._ranks = {peer: rank for peer, rank in self._ranks.items() if rank != CLOSED}
        return len(self._ranks) < PEERS_MAX

    def ice_is_down(self, peer: str) -> bool:
        """Whether this peer connection's own ICE has failed or is disconnected."""
        return self._ranks.get(clip(peer), NO_PEER) in ICE_DOWN
