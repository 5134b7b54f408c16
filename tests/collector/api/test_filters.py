"""The filter language: times as people write them, and what is refused."""

from datetime import UTC, datetime

import pytest

from collector.api.filters import RangeQuery, SessionsQuery
from collector.errors import BadFilter
from collector.times import moment_us
from session_core.events import us_from_utc

NOW_US = us_from_utc(datetime(2026, 11, 24, 12, tzinfo=UTC))
SECOND_US = 1_000_000


@pytest.mark.parametrize(
    ("text", "seconds_ago"),
    [
        ("now", 0),
        ("-90s", 90),
        ("-15m", 900),
        ("-6h", 21_600),
        ("-2d", 172_800),
        ("-1w", 604_800),
        ("2026-11-24T11:00:00Z", 3600),
        ("2026-11-24T12:00:00+01:00", 3600),
        ("2026-11-24T12:00:00 01:00", 3600),  # a plus sign that nobody escaped
        ("2026-11-24", 43_200),
    ],
)
def test_times_are_absolute_or_relative(text: str, seconds_ago: int) -> None:
    assert moment_us(text, NOW_US) == NOW_US - seconds_ago * SECOND_US


@pytest.mark.parametrize("text", ["", "6h", "-6", "-6y", "tomorrow", "2026-13-01", "-1234567s", "2026-11-24T12:00"])
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"take ISO 8601|end it with Z"):
        moment_us(text, NOW_US)


def test_a_range_ends_now_and_began_an_hour_ago_unless_told_otherwise() -> None:
    span = RangeQuery().span(NOW_US)
    assert (span.since_us, span.until_us) == (NOW_US - 3600 * SECOND_US, NOW_US)


def test_a_range_has_a_longest_length() -> None:
    assert RangeQuery(since="-31d").span(NOW_US).until_us == NOW_US
    with pytest.raises(BadFilter, match="31 days"):
        RangeQuery(since="-31d", until="2026-11-24T12:00:01Z").span(NOW_US)


def test_the_list_of_sessions_is_of_any_time_unless_told_otherwise() -> None:
    span = SessionsQuery().span(NOW_US)
    assert (span.since_us, span.until_us > NOW_US) == (0, True)
