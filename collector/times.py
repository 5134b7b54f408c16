"""Times as people write them, on the command line and in requests: ISO 8601, a day's name, or relative to now.

2026-11-24T12:00:00Z   2026-11-24T13:00+01:00   with a zone of its own
2026-11-24T12:00   2026-11-24   today   yesterday 16:00   by the clocks of a zone that is told beside it
now   -30m   now-1d   before now
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from session_core.instants import us_from_utc, utc_from_us

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 86_400 * SECOND_US

_RELATIVE: Final = re.compile(r"(?:now)?-(?P<count>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS_US: Final = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3600 * SECOND_US, "d": DAY_US, "w": 7 * DAY_US}
_DAY: Final = re.compile(r"(?P<day>today|yesterday)(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}))?")
# A plus sign that nobody escaped arrives as a space.
_LOST_PLUS: Final = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}$)")
_WITH_A_CLOCK: Final = len("2026-11-24T")
_TAKE: Final = "take ISO 8601 (2026-11-24T12:00:00Z), today, yesterday 16:00, -30m, -6h, -7d, or now"


def moment_us(text: str, now_us: int, zone: tzinfo | None = None) -> int:
    """A time that a caller wrote, as µs since 1970. Raises ValueError with what is allowed.

    `zone` is that of days and of times that say none; without one days are those of UTC, and a time has to say its own.
    An hour that the zone's clocks show twice is the first.
    """
    if text == "now":
        return now_us
    if relative := _RELATIVE.fullmatch(text):
        return now_us - int(relative["count"]) * _UNITS_US[relative["unit"]]
    if day := _DAY.fullmatch(text):
        today = utc_from_us(now_us).astimezone(zone or UTC).date()
        date = today - timedelta(days=day["day"] == "yesterday")
        return _by_clocks(_iso(f"{date}T{day['hour'] or '00'}:{day['minute'] or '00'}"), zone or UTC)
    at = _iso(_LOST_PLUS.sub("+", text) if _LOST_PLUS.search(text, _WITH_A_CLOCK) else text)
    if at.tzinfo is not None:
        return us_from_utc(at)
    if zone is None and len(text) >= _WITH_A_CLOCK:
        raise ValueError("says no time zone: end it with Z or +01:00, or tell the API tz=Europe/Berlin")
    return _by_clocks(at, zone or UTC)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name, as the IANA lists them. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone that is known here: take a name such as Europe/Berlin, or UTC") from None


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is not a time: {_TAKE}") from None


def _by_clocks(at: datetime, zone: tzinfo) -> int:
    try:
        there = at.replace(tzinfo=zone)
        back = there.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise ValueError(f"is not a time: {_TAKE}") from None
    if back.replace(tzinfo=None) != at:
        raise ValueError(f"was never shown by clocks in {zone}: they were put forward then")
    return us_from_utc(there)
