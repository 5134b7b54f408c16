"""Scenarios that tests write: what is done, and what the application is told."""

from __future__ import annotations

from typing import Any

import msgspec

from session_core.trace.player import Player, final
from session_core.trace.printing import POLICIES
from session_core.trace.scenario import read
from session_core.trace.timeline import Line

LOST = [0, "server_ws_close", 1006]
SYNCED = {"type": "synced", "participants": []}
GOES_DOWN = ["0 local reconnecting", "0 room reconnecting 53001"]


def person(identity: str, state: str = "connected", revision: int = 1) -> dict[str, Any]:
    return {"sid": f"PA-{identity}", "identity": identity, "state": state, "revision": revision, "tracks": []}


def news(kind: str, *people: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "participants": list(people)}


def back(ms: int, *people: dict[str, Any]) -> list[list[Any]]:
    """Signaling comes back."""
    return [[ms, "ws_open_and_welcome"], [ms, "server_msg", news("synced", *people)]]


def lived(*stimuli: list[Any], policy: str = "twilio-js", **scenario: Any) -> Player:
    (found,) = read("test.json", msgspec.json.encode({"id": "S", "stimuli": stimuli, **scenario}))
    player = Player(found, POLICIES[policy]())
    player.play()
    return player


def told(*stimuli: list[Any], policy: str = "twilio-js", **scenario: Any) -> list[str]:
    """What is told: `ms who event [about whom] [code]`, and the state where it is not the event's own."""
    return [shown(line) for line in lived(*stimuli, policy=policy, **scenario).lines]


def shown(line: Line) -> str:
    parts = [line.t, line.who, line.event, line.participant, line.code]
    state = str(line.state)
    own = line.event.removeprefix("participant_").replace("reconnected", "connected") == state
    return " ".join(str(part) for part in [*parts, None if own else f"({state})"] if part is not None)


def at_last(player: Player) -> dict[str, Any]:
    return final(player.room)
