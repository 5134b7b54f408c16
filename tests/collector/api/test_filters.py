"""The filter language: times as people write them, and what is refused."""

from datetime import UTC, datetime

import pytest

from collector.api.filters import RangeQuery, SessionsQuery
from collector.api.ranges import range_of, times_of
from collector.errors import BadFilter
from collector.store.questions import Range
from collector.times import moment_us, zone_of
from session_core.instants import us_from_utc

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
        ("2026-11-24T12:00:00+0100", 3600),
        ("2026-11-24", 43_200),
        ("now-2d", 172_800),
        ("today", 43_200),
        ("yesterday", 129_600),
        ("yesterday 16:00", 72_000),
        ("todayT11:30", 1800),
    ],
)
def test_times_are_absolute_or_relative(text: str, seconds_ago: int) -> None:
    assert moment_us(text, NOW_US) == NOW_US - seconds_ago * SECOND_US


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-24T12:00", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("2026-11-24 12:00", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-11-24T12:00Z", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("today", datetime(2026, 11, 23, 23, tzinfo=UTC)),
        ("yesterday 16:00", datetime(2026, 11, 23, 15, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # shown twice: the first
        ("-1h", datetime(2026, 11, 24, 11, tzinfo=UTC)),
    ],
)
def test_days_and_times_without_a_zone_are_those_of_the_zone_that_is_named(text: str, at: datetime) -> None:
    assert moment_us(text, NOW_US, zone_of("Europe/Berlin")) == us_from_utc(at)


@pytest.mark.parametrize(
    "text",
    [
        "", "6h", "-6", "-6y", "tomorrow", "today 25:00", "now+1h", "2026-13-01", "-1234567s", "2026-11-24T12:00",
        "2026-11-24 12:00",
    ],
)  # fmt: skip
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"take ISO 8601|end it with Z"):
        moment_us(text, NOW_US)


@pytest.mark.parametrize(
    ("text", "zone", "why"),
    [
        ("0001-01-01", "Europe/Berlin", "is not a time"),
        ("9999-12-31T23:59", "America/New_York", "is not a time"),
        ("2026-03-29T02:30", "Europe/Berlin", "was never shown by clocks in Europe/Berlin"),
    ],
)
def test_a_time_that_no_clock_of_the_zone_shows_is_none(text: str, zone: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        moment_us(text, NOW_US, zone_of(zone))


@pytest.mark.parametrize("name", ["", "Berlin", "../UTC", "/etc/localtime", "Europe", "x\x00"])
def test_what_is_no_zone_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone that is known here"):
        zone_of(name)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("3", Range(3, 3)),
        ("3..", Range(3)),
        ("..7", Range(None, 7)),
        ("3..7", Range(3, 7)),
        ("0..0", Range(0, 0)),
    ],
)
def test_a_range_of_numbers_holds_both_ends(text: str, span: Range) -> None:
    assert range_of(text) == span


@pytest.mark.parametrize("text", ["", "..", "-3", "3...7", "3..7..9", "1.5", "3-7", ">3", "9..3", "٣", "9" * 19])
def test_what_is_no_range_of_numbers_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"take 3, 3\.\., \.\.7 or 3\.\.7|the smaller number comes first"):
        range_of(text)


def test_a_range_of_times_does_not_hold_its_end() -> None:
    hour_us = 3600 * SECOND_US
    assert times_of("-2h..-1h", NOW_US, None) == Range(NOW_US - 2 * hour_us, NOW_US - hour_us - 1)
    assert times_of("..now", NOW_US, None) == Range(None, NOW_US - 1)
    assert times_of("today..", NOW_US, zone_of("Europe/Berlin")) == Range(NOW_US - 13 * hour_us)


@pytest.mark.parametrize("text", ["", "..", "-1h", "now..-1h", "-1h..soon"])
def test_what_is_no_range_of_times_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"take |the earlier time comes first"):
        times_of(text, NOW_US, None)


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


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"among": "room"}, "among = 'room': needs beside"), ({"hit": "yes"}, "hit = 'yes': needs beside or incident")],
)
def test_some_of_the_others_need_whom_they_are_beside(asked: dict[str, str], said: str) -> None:
    with pytest.raises(BadFilter, match=said):
        SessionsQuery.model_validate(asked).filters(NOW_US)
