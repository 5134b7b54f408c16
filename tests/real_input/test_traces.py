"""The room against the timed traces of the real SDK: what it says, and when, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from session_core.errors import SIGNALING_CONNECTION
from session_core.events import Moment, Outage
from session_core.instants import us_from_utc
from session_core.policy import ATTEMPTS_MAX, ReconnectPolicy
from tests.real_input.player import Player, present
from tests.real_input.traces import SCENARIOS, OutageTold, Said, Scenario

BASE: Final = Moment(us_from_utc(datetime(2026, 11, 24, 12, 0, tzinfo=UTC)), 5_000_000)
SESSION_ID: Final = UUID("019ab5cb-1c00-7000-8000-000000000001")

REFUSED: Final = [scenario for scenario in SCENARIOS if len(scenario.refused()) >= ATTEMPTS_MAX]
OTHERS: Final = [scenario for scenario in SCENARIOS if scenario not in REFUSED]


def id_of(scenario: Scenario) -> str:
    return scenario.id


def played(scenario: Scenario, policy: ReconnectPolicy) -> Player:
    player = Player(scenario, BASE, policy, SESSION_ID)
    player.play()
    return player


def outages(player: Player) -> list[OutageTold]:
    """What the events say of outages, each as the last of them said it."""
    last: dict[int, tuple[Outage, Said]] = {}
    for event, said in zip(player.news(), player.said(), strict=True):
        if event.outage is not None:
            last[event.outage.number] = (event.outage, said)
    return [
        OutageTold(
            number=outage.number,
            started_ms=round((outage.started_at - player.at(0).utc).total_seconds() * 1000),
            cause=outage.cause,
            end=said if said.type in {"room.reconnected", "room.disconnected"} else None,
            attempts=outage.attempts,
            signaling_down_ms=outage.signaling_down_ms,
            media_down_ms=outage.media_down_ms,
            downtime_ms=outage.downtime_ms,
            since_previous_ms=outage.since_previous_ms,
        )
        for outage, said in last.values()
    ]


def check_agrees(player: Player, scenario: Scenario) -> None:
    assert player.said() == scenario.said()
    assert outages(player) == scenario.outages()
    assert player.room.state == scenario.final.room
    assert player.room.local_participant.state == scenario.final.local
    assert present(player.room) == scenario.final.participants


def test_there_are_thirteen_traces_and_in_one_of_them_the_server_refuses_twelve_times() -> None:
    assert (len(SCENARIOS), [scenario.id for scenario in REFUSED]) == (13, ["A6b"])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=id_of)
def test_a_room_with_the_policy_of_twilio_video_js_says_all_that_the_real_sdk_says_and_when(scenario: Scenario) -> None:
    check_agrees(played(scenario, ReconnectPolicy.twilio_js()), scenario)


@pytest.mark.parametrize("scenario", OTHERS, ids=id_of)
def test_a_room_with_the_documented_policy_says_the_same_unless_its_attempts_are_used_up(scenario: Scenario) -> None:
    check_agrees(played(scenario, ReconnectPolicy.documented()), scenario)


@pytest.mark.parametrize("scenario", REFUSED, ids=id_of)
def test_a_documented_room_that_is_refused_twelve_times_gives_up_with_53000_where_the_sdk_goes_on_to_the_window(
    scenario: Scenario,
) -> None:
    player = played(scenario, ReconnectPolicy.documented())
    ours, sdk = player.said(), scenario.said()
    assert ours[:-2] == sdk[:-2]
    twelfth_ms = scenario.refused()[ATTEMPTS_MAX - 1]
    assert ours[-2:] == [
        Said(twelfth_ms, "local.disconnected"),
        Said(twelfth_ms, "room.disconnected", code=SIGNALING_CONNECTION),
    ]
    assert [outage.attempts for outage in outages(player)] == [ATTEMPTS_MAX]
