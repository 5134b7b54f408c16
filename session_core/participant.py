"""Who is in the room: remote participants as the server tells of them, and the local one.

State follows signaling only; a media outage changes nobody's state. What a word of the server means is said by the rows
of transitions.py; this file keeps who is where.

Rules:
1. A participant's revision only grows. What comes with one that is not above the last known is old, also after the
   participant has left; a greater one after that makes a new participant.
2. A resynchronisation names everybody: who is missing has left. An update names some: who is missing stays.
3. What is told while signaling is down waits for the resynchronisation and counts after it, word by word in the order
   in which it came. Of more words than can wait, those with the greatest revision of each participant are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from session_core import transitions
from session_core.bounds import clip
from session_core.events import EventType, ParticipantView, RoomState
from session_core.signals import ParticipantState
from session_core.transitions import CONNECTING, DISCONNECTED, Signaling, Told

PARTICIPANTS_MAX: Final = 10_000
"""Participants, present and departed, that one session remembers; the oldest departed are forgotten first."""

ONE_TOO_MANY: Final = "one participant too many"

_WORDS: Final = {told.value: told for told in (Told.CONNECTED, Told.RECONNECTING, Told.DISCONNECTED)}


class RemoteParticipant:
    """Somebody else in the room. `sid` and `identity` never change."""

    __slots__ = ("identity", "revision", "sid", "state")

    def __init__(self, sid: str, identity: str | None) -> None:
        self.sid = sid
        self.identity = identity
        self.state = DISCONNECTED
        self.revision = -1

    def view(self) -> ParticipantView:
        """The participant as it is now."""
        return ParticipantView(sid=self.sid, identity=self.identity, state=self.state)


class LocalParticipant:
    """This side of the session. `sid` is empty before the join."""

    __slots__ = ("identity", "sid", "state")

    def __init__(self, identity: str | None) -> None:
        self.sid = ""
        self.identity = identity
        self.state = CONNECTING

    def view(self) -> ParticipantView:
        """The participant as it is now."""
        return ParticipantView(sid=self.sid, identity=self.identity, state=self.state)

    def follow(self, signaling: Signaling, *, room_over: bool) -> Change | None:
        """Take the state that signaling gives. What changed, if anybody is to hear of it."""
        before = self.state
        row = transitions.local(before, signaling, room_over)
        self.state = row.becomes
        return Change(row.emits, before, self.view()) if row.emits else None


class Change(NamedTuple):
    """What happened to a participant: it was `before`, and is now as `participant` says."""

    emits: EventType
    before: RoomState
    participant: ParticipantView


class Roster:
    """The remote participants of a room. `present` holds who is in it, by sid.

    `ignore` is told of every word that means nothing to us.
    """

    __slots__ = ("_departed", "_ignore", "_waiting", "own_sid", "present")

    def __init__(self, ignore: Callable[[str], None]) -> None:
        self.present: dict[str, RemoteParticipant] = {}
        self.own_sid = ""
        self._ignore = ignore
        self._departed: dict[str, int] = {}
        self._waiting: list[ParticipantState] | None = None  # only while signaling is down

    def fill(self, states: Iterable[ParticipantState]) -> None:
        """Take who was there before us: no news to anybody."""
        for _ in self.update(states):
            pass

    def update(self, states: Iterable[ParticipantState]) -> Iterator[Change]:
        """Take news of some. The changes are made one by one, as they are read."""
        for state in states:
            change = self._take(state) if self._means_something(state) else None
            if change:
                yield change

    def resynchronise(self, states: Iterable[ParticipantState]) -> Iterator[Change]:
        """Take news of all, then what was waiting. The changes are made one by one, as they are read."""
        everybody = tuple(states)
        yield from self.update(everybody)
        named = {clip(state.sid) for state in everybody}
        gone = [someone for sid, someone in self.present.items() if sid not in named]
        yield from filter(None, (self._move(someone, Told.MISSING, newer=False) for someone in gone))
        yield from self.release()

    def hold(self, states: Iterable[ParticipantState]) -> None:
        """Keep news until signaling is up."""
        for state in states:
            if not self._means_something(state):
                continue
            self._waiting = self._waiting or []
            self._waiting.append(state)
            if len(self._waiting) > PARTICIPANTS_MAX:
                self._waiting = self._newest_of(self._waiting)

    def _newest_of(self, waiting: list[ParticipantState]) -> list[ParticipantState]:
        newest: dict[str, ParticipantState] = {}
        for state in waiting:
            held = newest.get(state.sid)
            if held is None or held.revision < state.revision:
                newest[state.sid] = state
        kept = list(newest.values())
        if len(kept) > PARTICIPANTS_MAX:
            kept.pop()
            self._ignore(ONE_TOO_MANY)
        return kept

    def release(self) -> Iterator[Change]:
        """Take what was waiting."""
        waiting, self._waiting = self._waiting, None
        if waiting:
            yield from self.update(waiting)

    def _means_something(self, state: ParticipantState) -> bool:
        if state.state not in _WORDS:
            self._ignore(state.state)
            return False
        # Some servers list us among the others; our own state is signaling's to say.
        return clip(state.sid) != self.own_sid

    def _take(self, state: ParticipantState) -> Change | None:
        sid = clip(state.sid)
        someone = self.present.get(sid) or self._absent(sid, state.identity)
        if someone.state is DISCONNECTED and len(self.present) >= PARTICIPANTS_MAX:
            self._ignore(ONE_TOO_MANY)
            return None
        newer = state.revision > someone.revision
        if newer:
            someone.revision = state.revision
        return self._move(someone, _WORDS[state.state], newer=newer)

    def _absent(self, sid: str, identity: str | None) -> RemoteParticipant:
        """Somebody who is not here: unknown, or departed, of whom only the last revision is remembered."""
        someone = RemoteParticipant(sid, None if identity is None else clip(identity))
        someone.revision = self._departed.get(sid, -1)
        return someone

    def _move(self, someone: RemoteParticipant, told: Told, *, newer: bool) -> Change | None:
        before = someone.state
        row = transitions.participant(before, told, newer)
        someone.state = row.becomes or before
        if someone.state is DISCONNECTED:
            self.present.pop(someone.sid, None)
            self._departed[someone.sid] = someone.revision
        else:
            self.present[someone.sid] = someone
            self._departed.pop(someone.sid, None)
        while len(self.present) + len(self._departed) > PARTICIPANTS_MAX:
            del self._departed[next(iter(self._departed))]
        return Change(row.emits, before, someone.view()) if row.emits else None
