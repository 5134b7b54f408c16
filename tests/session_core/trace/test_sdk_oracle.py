"""Scenarios against what the real SDK told of them: who, what, about whom, with which code, in which state and order.

The SDK's timers of 0 ms fall due in the same ms or in the next, so times may differ by one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from session_core.policy import ReconnectPolicy
from session_core.trace.player import Player, final
from session_core.trace.scenario import Scenario, read

FILE: Final = Path(__file__).parents[2] / "data" / "sdk_oracle.json"
TURN_MS: Final = 1

Told = tuple[int, str, str, str | None, int | None, str]


class Recorded(msgspec.Struct, frozen=True):
    """What the SDK told of a scenario."""

    told: list[Told]
    final: dict[str, Any]


class File(msgspec.Struct, frozen=True):
    """The file."""

    scenarios: list[Recorded]


TEXT: Final = FILE.read_bytes()
PAIRS: Final = list(zip(read(FILE.name, TEXT), msgspec.json.decode(TEXT, type=File).scenarios, strict=True))


def id_of(value: Scenario | Recorded) -> str:
    return value.id if isinstance(value, Scenario) else ""


@pytest.mark.parametrize(("scenario", "recorded"), PAIRS, ids=id_of)
def test_a_room_tells_what_the_real_sdk_told(scenario: Scenario, recorded: Recorded) -> None:
    player = Player(scenario, ReconnectPolicy.twilio_js())
    player.play()
    told = [(line.t, line.who, line.event, line.participant, line.code, str(line.state)) for line in player.lines]
    assert [line[1:] for line in told] == [line[1:] for line in recorded.told]
    assert [line[0] for line in told] == [pytest.approx(line[0], abs=TURN_MS) for line in recorded.told]
    assert msgspec.json.decode(msgspec.json.encode(final(player.room))) == recorded.final
