"""Silence is measured in stream time."""

from __future__ import annotations

import pytest

from collector.ingest.derive import SILENCE_US
from collector.ingest.watchdog import mark_lost, next_sweep_s, silent, silent_before_us, stream_time_us
from collector.store.changes import Session
from tests.histories import START_US, session_id


def session(fate: str, last_append_at: int) -> Session:
    one = Session(session_id(1))
    one.fate, one.last_append_at = fate, last_append_at
    return one


def test_stream_time_is_now_when_caught_up_else_the_newest_append_time_read() -> None:
    assert stream_time_us(5, 9, caught_up=True) == 9
    assert stream_time_us(5, 9, caught_up=False) == 5
    assert stream_time_us(None, 9, caught_up=False) is None


@pytest.mark.parametrize(
    ("fate", "silent_us", "found"),
    [
        ("live", SILENCE_US, True),
        ("connecting", SILENCE_US, True),
        ("live", SILENCE_US - 1, False),
        ("lost", SILENCE_US, False),
        ("left", SILENCE_US, False),
        ("not_joined", SILENCE_US, False),
    ],
)
def test_a_session_that_should_speak_is_silent_after_ninety_seconds(fate: str, silent_us: int, *, found: bool) -> None:
    one = session(fate, START_US)
    assert list(silent([one], START_US + silent_us)) == ([one] if found else [])
    assert silent_before_us(START_US + SILENCE_US) == START_US


def test_a_session_is_marked_with_the_latest_stream_time_at_which_it_was_silent() -> None:
    one = session("live", START_US)
    mark_lost(one, START_US + 5)
    mark_lost(one, START_US + 3)
    assert one.lost_at == START_US + 5


@pytest.mark.parametrize(("took_s", "then_s"), [(0.01, 10), (0.2, 10), (0.5, 25), (3, 60)])
def test_a_sweep_that_takes_long_makes_the_next_one_wait_within_a_bound(took_s: float, then_s: float) -> None:
    assert next_sweep_s(took_s) == then_s
