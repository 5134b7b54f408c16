"""Six hours of a fleet, planned from a seed and played through the session core."""

from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest

from collector.demo.history import SPAN_US, Story, plans, story
from collector.demo.life import Plan, play
from collector.demo.population import BAD_RELEASE
from session_core.events import Event
from session_core.policy import ReconnectPolicy

NOW_US = 1_795_480_000_000_000


@pytest.fixture(scope="module")
def told() -> Story:
    return story(NOW_US)


@pytest.fixture(scope="module")
def lives(told: Story) -> list[tuple[Plan, list[Event]]]:
    rng = Random(1)
    return [(plan, list(play(plan, ReconnectPolicy.documented(), rng))) for plan in plans(told, rng)]


def codes(lives: Iterable[tuple[Plan, list[Event]]]) -> Counter[int | None]:
    """What the sessions ended with."""
    return Counter(events[-1].error.code if events[-1].error else None for _, events in lives)


def test_a_seed_is_a_fleet(told: Story) -> None:
    assert list(plans(told, Random(7), 50)) == list(plans(told, Random(7), 50))


def test_there_are_two_thousand_sessions(lives: list[tuple[Plan, list[Event]]]) -> None:
    assert 2_000 <= len(lives) <= 2_006


def test_every_session_ends_before_now_and_within_six_hours(lives: list[tuple[Plan, list[Event]]]) -> None:
    ends = {events[-1].type for _, events in lives}
    times = [event.at.utc_us for _, events in lives for event in events]
    assert ends == {"room.disconnected", "room.connect_failed"}
    assert min(times) >= NOW_US - SPAN_US
    assert max(times) <= NOW_US


def test_the_outage_of_a_region_hits_nearly_all_who_are_in_it_and_nobody_else(
    told: Story, lives: list[tuple[Plan, list[Event]]]
) -> None:
    def opened(events: list[Event]) -> bool:
        times = [event.at.utc_us for event in events if event.type == "room.reconnecting"]
        return any(told.outage.from_us <= at < told.outage.from_us + 30_000_000 for at in times)

    there = [
        (plan, events)
        for plan, events in lives
        if plan.joins_us < told.outage.from_us < plan.ends_us and plan.join_code is None
    ]
    in_region = [opened(events) for plan, events in there if plan.client.region == told.region]
    elsewhere = [opened(events) for plan, events in there if plan.client.region != told.region]
    assert len(in_region) > 20
    assert sum(in_region) / len(in_region) > 0.9
    assert sum(elsewhere) / len(elsewhere) < 0.05


def test_the_outage_ends_sessions_with_attempts_used_up_and_with_time_over(
    told: Story, lives: list[tuple[Plan, list[Event]]]
) -> None:
    hit = [life for life in lives if life[0].client.region == told.region]
    assert codes(hit)[53000] > 10
    assert codes(hit)[53002] > 2


def test_the_bad_release_drops_sessions_by_media_and_hardly_any_other_release_does(
    lives: list[tuple[Plan, list[Event]]],
) -> None:
    def share(some: list[tuple[Plan, list[Event]]]) -> float:
        return codes(some)[53405] / len(some)

    bad = [life for life in lives if life[0].client.app_version == BAD_RELEASE]
    others = [life for life in lives if life[0].client.app_version != BAD_RELEASE]
    assert share(bad) > 0.1
    assert share(others) < 0.02


def test_expired_tokens_end_sessions_too(lives: list[tuple[Plan, list[Event]]]) -> None:
    assert codes(lives)[20104] > 0
