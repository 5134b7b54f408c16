"""Plays a trace's stimuli with the product's own player, and tells what the room said as a trace would tell it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from session_core.events import Event, Moment
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.trace import player
from session_core.trace.scenario import read
from tests.real_input.traces import FILE, Said, Scenario


class Player(player.Player):
    """One session that lives through a scenario. `base` is the moment of its first stimulus, 0 ms."""

    def __init__(self, traced: Scenario, base: Moment, policy: ReconnectPolicy, session_id: UUID) -> None:
        (scenario,) = read(FILE.name, msgspec.json.encode(traced))
        super().__init__(scenario, policy, base=base, session_id=session_id)
        self.traced = traced
        self.base = base

    def news(self) -> list[Event]:
        """What it said since the first stimulus, signs of life left out."""
        since_us = self.base.steady_us
        return [event for event in self.events if event.type != "session.alive" and event.at.steady_us >= since_us]

    def said(self) -> list[Said]:
        """The same, as a trace would tell it."""
        return [said_of(event, self.base) for event in self.news()]


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
