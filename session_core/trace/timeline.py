"""The public events of a room, one a line, in the order in which its application would be told of them.

Two orders:
- ours: every event as of its transition, twins one after the other, the room's first;
- that of twilio-video.js: `reconnecting` and `reconnected` of the room and `reconnected` of participants are told when
  the step is over, everything else at once. So an event may be told when the state has moved on; the state on its line
  is then the one that a handler would read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from session_core.events import Event, RoomState
from session_core.room import Room

LATER: Final = {"room.reconnecting", "room.reconnected", "local.reconnected", "participant.reconnected"}
"""What twilio-video.js tells in a later turn of its loop."""

ROOM_EVENTS: Final = {"room.reconnecting", "room.reconnected", "room.disconnected"}


class Line(Struct, frozen=True):
    """One event of one emitter, `t` milliseconds after the beginning.

    `who` is room, local or participant:<identity>. `participant` is the identity that a room's event is about.
    """

    scenario: str
    t: int
    who: str
    event: str
    participant: str | None
    code: int | None
    state: RoomState


class Timeline:
    """Takes a room's events step by step. `lines` are those that are told."""

    def __init__(self, scenario: str, room: Room, base_us: int, *, as_the_sdk: bool) -> None:
        self.lines: list[Line] = []
        self._scenario = scenario
        self._room = room
        self._base_us = base_us
        self._as_the_sdk = as_the_sdk
        self._waiting: list[tuple[Event, int]] = []
        self._departures: Counter[str] = Counter()

    def take(self, events: Iterable[Event]) -> None:
        """What the room said just now."""
        for event in events:
            if self._as_the_sdk and event.type in LATER:
                self._waiting.append((event, self._departures[_about(event)]))
            else:
                self._departures[_about(event)] += event.type == "participant.disconnected"
                self._tell(event, event.state)

    def end_step(self, *, local_first: bool) -> None:
        """The loop turns: what waits is told. `local_first`: that this side's participant is back, before the room."""
        waiting, self._waiting = self._waiting, []
        if local_first:
            waiting.sort(key=lambda waits: waits[0].type == "room.reconnected")
        for event, departures in waiting:
            has_left = self._departures[_about(event)] > departures
            self._tell(event, RoomState.DISCONNECTED if has_left else self._state_now(event))
        self._departures.clear()

    def _state_now(self, event: Event) -> RoomState:
        if event.participant is None:
            return self._room.state
        if event.type.startswith("local."):
            return self._room.local_participant.state
        someone = self._room.participants.get(event.participant.sid)
        return RoomState.DISCONNECTED if someone is None else someone.state

    def _tell(self, event: Event, state: RoomState) -> None:
        _, _, name = event.type.partition(".")
        if event.type in ROOM_EVENTS:
            self._add(event, "room", name, state, code=event.error.code if event.error else None)
        elif event.type.startswith("local."):
            self._add(event, "local", name, state)
        elif event.type.startswith("participant.") and event.participant is not None:
            identity = event.participant.identity or event.participant.sid
            has_left = event.type in LATER and state is RoomState.DISCONNECTED
            if not has_left:  # who has left is told of by nobody but himself
                self._add(event, "room", f"participant_{name}", state, identity=identity)
            if name != "connected":
                self._add(event, f"participant:{identity}", name, state)

    def _add(
        self,
        event: Event,
        who: str,
        name: str,
        state: RoomState,
        *,
        identity: str | None = None,
        code: int | None = None,
    ) -> None:
        t = (event.at.steady_us - self._base_us) // 1000
        self.lines.append(Line(self._scenario, t, who, name, identity, code, state))


def _about(event: Event) -> str:
    return event.participant.sid if event.participant is not None else ""
