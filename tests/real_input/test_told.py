"""`roomwatch trace` against the timed traces of the real SDK: every public event, in its order, with state and code."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest

from session_core.policy import ReconnectPolicy
from session_core.trace.player import Player, final
from session_core.trace.scenario import read
from tests.real_input.traces import FILE, SCENARIOS, Scenario, Traced

UNDOCUMENTED: Final = "connected"
"""A participant's own event, which comes with its `reconnected` and says no more."""

NAMES: Final = {
    "participantReconnecting": "participant_reconnecting",
    "participantReconnected": "participant_reconnected",
    "participantDisconnected": "participant_disconnected",
}


class Told(NamedTuple):
    """One public event, as the trace and as a line tell it."""

    t: int
    who: str
    event: str
    participant: str | None
    code: int | None
    state: str


def by_the_sdk(scenario: Scenario) -> list[Told]:
    public = [step for step in scenario.trace if step.src in {"ROOM", "LOCAL"} or step.src.startswith("RP:")]
    return [told(step) for step in public if step.event != UNDOCUMENTED]


def told(step: Traced) -> Told:
    who = {"ROOM": "room", "LOCAL": "local"}.get(step.src) or step.src.replace("RP:", "participant:")
    state = next(part.partition("=")[2] for part in map(str, step.detail) if "state=" in part)
    if step.event in NAMES:
        return Told(step.t, who, NAMES[step.event], str(step.detail[0]).partition(",")[0], None, state)
    return Told(step.t, who, step.event, None, step.detail[0] if who == "room" else None, state)


@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=[scenario.id for scenario in SCENARIOS])
def test_what_is_told_is_what_the_real_sdk_told(number: int) -> None:
    traced, scenario = SCENARIOS[number], read(FILE.name, FILE.read_bytes())[number]
    player = Player(scenario, ReconnectPolicy.twilio_js())
    player.play()
    ours = [Told(line.t, line.who, line.event, line.participant, line.code, line.state) for line in player.lines]
    assert ours == by_the_sdk(traced)
    assert final(player.room) == {
        "room": traced.final.room,
        "local": traced.final.local,
        "participants": traced.final.participants,
    }
