"""What is meant by what people write into the search box."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from collector.api.meant import Asked, asked, zone_or_utc
from collector.times import DAY_US, HOUR_US
from session_core.instants import us_from_utc

ZONE: Final = ZoneInfo("Europe/Berlin")
NOW: Final = datetime(2026, 11, 26, 14, 30, tzinfo=ZONE)
"""A Thursday."""


def _around(name: str, text: str, half_us: int = HOUR_US) -> Asked:
    at_us = us_from_utc(datetime.fromisoformat(text).astimezone(UTC))
    return Asked(name, at_us - half_us, at_us + half_us)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("alice@example.org yesterday 16:00", _around("alice@example.org", "2026-11-25T16:00+01:00")),
        ("alice@example.org, yesterday at 16:00", _around("alice@example.org", "2026-11-25T16:00+01:00")),
        ("alice 4pm yesterday", _around("alice", "2026-11-25T16:00+01:00")),
        ("ana 14:05", _around("ana", "2026-11-26T14:05+01:00")),
        ("ana 15:00", _around("ana", "2026-11-25T15:00+01:00")),
        ("ana at 12am", _around("ana", "2026-11-26T00:00+01:00")),
        ("daily standup monday 9:30am", _around("daily standup", "2026-11-23T09:30+01:00")),
        ("ana thu 9:00", _around("ana", "2026-11-26T09:00+01:00")),
        ("ana 24 Nov 9:00", _around("ana", "2026-11-24T09:00+01:00")),
        ("ana 24 December", _around("ana", "2025-12-24T12:00+01:00", DAY_US // 2)),
        ("ana 2026-11-20 09:00:30", _around("ana", "2026-11-20T09:00:30+01:00")),
        ("ana 2026-11-20T09:00Z", _around("ana", "2026-11-20T09:00+00:00")),
        ("ana 2026-11-20T09:00", _around("ana", "2026-11-20T09:00+01:00")),
        ("  ana   -2h ", _around("ana", "2026-11-26T12:30+01:00")),
        ("ana 2 hours ago", _around("ana", "2026-11-26T12:30+01:00")),
        ("ana 3 days ago", _around("ana", "2026-11-23T14:30+01:00", 3 * HOUR_US)),
        ("ana yesterday", _around("ana", "2026-11-25T12:00+01:00", DAY_US // 2)),
    ],
)
def test_a_name_with_a_time_means_both(text: str, meant: Asked) -> None:
    assert asked(text, us_from_utc(NOW.astimezone(UTC)), ZONE) == meant


@pytest.mark.parametrize(
    "text",
    ["alice", "room-2h", "lesson14:05", "yesterday 16:00", "ana 25:00", "ana 31 feb", "biology-101", "52", "-2h",
     "ana 2026-13-40T09:00Z", "ana -999999w", "ana 13pm"],
)  # fmt: skip
def test_what_is_no_name_with_a_time_is_a_name_as_it_stands(text: str) -> None:
    assert asked(text, us_from_utc(NOW.astimezone(UTC)), ZONE) == Asked(text)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "Europe/\x00"])
def test_a_zone_that_nobody_knows_is_utc(name: str) -> None:
    assert zone_or_utc(name) == ("UTC", UTC)


def test_a_zone_that_is_known_is_that() -> None:
    assert zone_or_utc("Europe/Berlin") == ("Europe/Berlin", ZONE)
