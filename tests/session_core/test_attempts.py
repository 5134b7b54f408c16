"""When the next attempt is wanted, and how many were refused."""

from __future__ import annotations

from session_core.attempts import Attempts
from session_core.policy import ReconnectPolicy


def attempts(policy: ReconnectPolicy) -> Attempts:
    return Attempts(policy, lambda: 0.5)


def test_the_next_attempt_is_wanted_after_a_delay_that_grows() -> None:
    made = attempts(ReconnectPolicy.documented())
    made.schedule(0)
    assert (made.wanted_at_us, made.in_flight) == (80_000, False)
    made.start()
    assert (made.wanted_at_us, made.in_flight) == (None, True)
    made.refuse(1_000_000)
    assert (made.wanted_at_us, made.in_flight, made.refused) == (1_120_000, False, 1)
    made.schedule(2_000_000)
    assert (made.wanted_at_us, made.refused) == (2_180_000, 1)


def test_success_begins_count_and_delays_anew() -> None:
    made = attempts(ReconnectPolicy.documented(attempts_max=2))
    for _ in range(2):
        assert not made.used_up
        made.refuse(0)
    assert made.used_up
    made.succeed()
    assert (made.used_up, made.wanted_at_us, made.in_flight) == (False, None, False)
    made.schedule(0)
    assert made.wanted_at_us == 80_000


def test_where_an_sdk_drives_nothing_is_wanted_and_nothing_used_up() -> None:
    made = attempts(ReconnectPolicy.observed())
    for _ in range(100):
        made.refuse(0)
    assert (made.wanted_at_us, made.used_up) == (None, False)


def test_when_the_room_is_over_nothing_is_wanted() -> None:
    made = attempts(ReconnectPolicy.documented())
    made.schedule(0)
    made.stop()
    assert (made.wanted_at_us, made.in_flight) == (None, False)
