"""Plays a trace's stimuli to a room, at their times, on a clock that nobody waits for.

It does what drives a room: it asks for the deadline and for the next attempt, makes the attempts, and tells what
became of them. How attempts fare is for the stimuli to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from session_core.events import Event, Moment, Session
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import AttemptRefused, AttemptStarted, IceState, Joined, Signal
from tests.real_input.stimuli import PEER, participants, refused_after_ms, signals_of
from tests.real_input.traces import Said, Scenario

CONNECTING_MS: Final = -1_500
JOINED_MS: Final = -1_000
"""Every trace begins in a room that is connected, with media that is well."""

IDENTITY: Final = "alice"


class Player:
    """One session that lives through a scenario. `base` is the moment of its first stimulus, 0 ms."""

    def __init__(self, scenario: Scenario, base: Moment, policy: ReconnectPolicy, session_id: UUID) -> None:
        self.scenario = scenario
        self.session_id = session_id
        self.room_sid = f"RM-{session_id}"
        self.room = Room(Session(session_id=session_id, room_name=scenario.id, identity=IDENTITY), policy=policy)
        self.events: list[Event] = []
        self._base = base
        self._refused_after_ms: int | None = None
        self._refusal_at_us: int | None = None

    def at(self, ms: float) -> Moment:
        """The moment so many ms after the first stimulus."""
        return self._base.later(round(ms * 1000))

    def play(self) -> list[Event]:
        """Lives through it all, and returns everything that the room said."""
        self.events += self.room.begin(self.at(CONNECTING_MS))
        self._tell(IceState(PEER, "connected"), self.at(JOINED_MS))
        self._tell(self._joined(), self.at(JOINED_MS))
        for ms, kind, value in self.scenario.done():
            self._pass(self.at(ms))
            self._refused_after_ms = refused_after_ms(kind, value) or self._refused_after_ms
            for signal in signals_of(kind, value):
                self._tell(signal, self.at(ms))
            if kind == "advance_ms":
                self._pass(self.at(ms + value))
        return self.events

    def news(self) -> list[Event]:
        """What it said since the first stimulus, signs of life left out."""
        since_us = self._base.steady_us
        return [event for event in self.events if event.type != "session.alive" and event.at.steady_us >= since_us]

    def said(self) -> list[Said]:
        """The same, as a trace would tell it."""
        return [said_of(event, self._base) for event in self.news()]

    def _joined(self) -> Joined:
        return Joined(
            room_sid=self.room_sid,
            participant_sid=f"PA-{self.session_id}",
            participants=participants(self.scenario.initial_participants),
            session_timeout_ms=self.scenario.session_timeout_s * 1000,
        )

    def _tell(self, signal: Signal, at: Moment) -> None:
        self.events += self.room.receive(signal, at)

    def _pass(self, until: Moment) -> None:
        """Lets everything happen that is due by then, each at its own time."""
        while (due_us := self._next_us()) is not None and due_us <= until.steady_us:
            now = until.later(due_us - until.steady_us)
            if due_us == self.room.deadline_us:
                self.events += self.room.advance(now)
            elif due_us == self._refusal_at_us:
                self._refusal_at_us = None
                self._tell(AttemptRefused(), now)
            else:
                self._tell(AttemptStarted(), now)
                if self._refused_after_ms is not None:
                    self._refusal_at_us = due_us + self._refused_after_ms * 1000
        self.events += self.room.advance(until)

    def _next_us(self) -> int | None:
        due = (self.room.deadline_us, self._refusal_at_us, self.room.attempt_at_us)
        return min((us for us in due if us is not None), default=None)


def said_of(event: Event, base: Moment) -> Said:
    """An event as a trace would tell it."""
    return Said(
        (event.at.steady_us - base.steady_us) / 1000,
        event.type,
        event.participant.identity if event.participant and event.type.startswith("participant.") else None,
        event.error.code if event.error else None,
    )


def present(room: Room) -> Sequence[tuple[str, str]]:
    """Who is in the room, and in which state."""
    return [(someone.identity or "", str(someone.state)) for someone in room.participants.values()]
