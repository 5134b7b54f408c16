"""A policy's values, the delays they make, and the values it refuses."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core.errors import PolicyError
from session_core.events import Policy
from session_core.policy import ReconnectPolicy, WindowCode


def plain() -> float:
    return 0.5


def test_the_documented_policy_has_the_values_that_the_page_promises() -> None:
    assert ReconnectPolicy.documented().facts() == Policy(
        name="documented",
        window_ms=30_000,
        attempts_max=12,
        delay_first_ms=80,
        delay_factor=1.5,
        delay_max_ms=10_000,
        jitter=0.2,
    )


def test_delays_grow_by_half_up_to_ten_seconds() -> None:
    delays_ms = [us / 1000 for us in islice(ReconnectPolicy.documented().delays(plain), 15)]
    assert delays_ms == [80, 120, 180, 270, 405, 607, 911, 1366, 2050, 3075, 4613, 6919, 10_000, 10_000, 10_000]


@given(st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_jitter_makes_a_delay_a_fifth_shorter_or_longer_and_never_longer_than_the_longest(given: list[float]) -> None:
    policy = ReconnectPolicy.documented()
    jittered = list(islice(policy.delays(iter(given).__next__), 20))
    plain_us = list(islice(policy.delays(plain), 20))
    # Delays are cut to whole milliseconds: the plain one that is varied, and what comes of it.
    bounds = [(0.8 * us - 1_000, min(1.2 * (us + 1_000), 10_000_000)) for us in plain_us]
    assert [us for us, (low, high) in zip(jittered, bounds, strict=True) if not low <= us <= high] == []


def test_twelve_refusals_come_before_the_window_is_over_whatever_the_jitter() -> None:
    delays = islice(ReconnectPolicy.documented().delays(lambda: 1.0), 12)
    assert sum(delays) < 30_000_000


def test_delays_go_on_for_ever() -> None:
    delays = ReconnectPolicy.documented(delay_factor=1000).delays(plain)
    assert next(islice(delays, 5000, None)) == 10_000_000


def test_the_policy_of_twilio_video_js_gives_up_by_time_alone_and_keeps_the_cause() -> None:
    policy = ReconnectPolicy.twilio_js()
    assert (policy.window_code, policy.remembers_hidden_failure, policy.drives) == (WindowCode.CAUSE, False, True)
    assert (policy.sdk_participants, ReconnectPolicy.documented().sdk_participants) == (True, False)
    assert policy.facts() == Policy(
        name="twilio_js", window_ms=30_000, delay_first_ms=80, delay_factor=1.5, delay_max_ms=10_000, jitter=1.0
    )


def test_the_delays_of_twilio_video_js_are_the_documented_ones_with_jitter_as_long_as_the_delay() -> None:
    policy = ReconnectPolicy.twilio_js()
    assert list(islice(policy.delays(plain), 20)) == list(islice(ReconnectPolicy.documented().delays(plain), 20))
    assert list(islice(policy.delays(lambda: 0.0), 2)) == [0, 0]
    assert list(islice(policy.delays(lambda: 1.0), 14))[-3:] == [10_000_000, 10_000_000, 10_000_000]


def test_an_observed_room_has_no_window_no_attempts_and_no_values_to_tell() -> None:
    policy = ReconnectPolicy.observed()
    assert (policy.window_ms, policy.attempts_max, policy.drives) == (None, None, False)
    assert policy.facts() == Policy(name="observed")


def test_another_profile_is_other_values_of_the_same_code() -> None:
    policy = ReconnectPolicy(
        name="kept",
        window_code=WindowCode.CAUSE,
        attempts_max=None,
        jitter=1.0,
        remembers_hidden_failure=False,
    )
    assert list(islice(policy.delays(lambda: 0.0), 2)) == [0, 0]
    assert list(islice(policy.delays(lambda: 1.0), 2)) == [160_000, 240_000]
    assert policy.facts() == Policy(
        name="kept", window_ms=30_000, delay_first_ms=80, delay_factor=1.5, delay_max_ms=10_000, jitter=1.0
    )


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("window_ms", 0, "is 0; it must be from 1 to 86400000"),
        ("window_ms", 86_400_001, "is 86400001; it must be from 1 to 86400000"),
        ("attempts_max", 0, "is 0; it must be from 1 to 2147483647"),
        ("delay_first_ms", 0, "is 0; it must be from 1 to 86400000"),
        ("delay_factor", 0.99, "is 0.99; it must be from 1 to 1000"),
        ("delay_factor", math.nan, "is nan; it must be from 1 to 1000"),
        ("delay_factor", math.inf, "is inf; it must be from 1 to 1000"),
        ("delay_max_ms", 79, "is 79; it must be from 80 to 86400000"),
        ("jitter", -0.1, "is -0.1; it must be from 0 to 1"),
        ("jitter", 1.1, "is 1.1; it must be from 0 to 1"),
        ("window_ms", 1500.0, "is 1500.0; it must be a whole number"),
        ("attempts_max", 2.5, "is 2.5; it must be a whole number"),
    ],
)
def test_a_policy_that_could_not_work_is_refused_by_the_name_of_the_value(field: str, value: Any, says: str) -> None:
    with pytest.raises(PolicyError) as refused:
        ReconnectPolicy.documented(**{field: value})
    assert (refused.value.field, str(refused.value)) == (field, f"reconnect policy: {field} {says}")


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_a_policy_has_a_name_that_a_reader_of_telemetry_can_take(name: str) -> None:
    with pytest.raises(PolicyError, match=r"name is (0|65); it must be from 1 to 64 characters"):
        ReconnectPolicy(name=name)


@pytest.mark.parametrize("name", ["two\nlines", "\ud800"])
def test_a_policy_has_a_name_that_a_store_can_hold(name: str) -> None:
    with pytest.raises(PolicyError, match="name holds a control character or half a surrogate pair"):
        ReconnectPolicy(name=name)
