"""Times as people write them, on the command line and in requests: ISO 8601, or relative to now."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from session_core.events import us_from_utc

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US

_RELATIVE: Final = re.compile(r"-(?P<count>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS_US: Final = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3600 * SECOND_US, "d": DAY_US, "w": 7 * DAY_US}
# A plus sign that nobody escaped arrives as a space.
_LOST_PLUS: Final = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}$)")


def moment_us(text: str, now_us: int) -> int:
    """A time that a caller wrote, as µs since 1970. Raises ValueError with what is allowed."""
    if text == "now":
        return now_us
    if relative := _RELATIVE.fullmatch(text):
        return now_us - int(relative["count"]) * _UNITS_US[relative["unit"]]
    try:
        at = datetime.fromisoformat(_LOST_PLUS.sub("+", text))
    except ValueError:
        raise ValueError("is not a time: take ISO 8601 (2026-11-24T12:00:00Z), or -30m, -6h, -7d, or now") from None
    if at.tzinfo is None and len(text) > len("2026-11-24"):
        raise ValueError("says no time zone: end it with Z or +01:00")
    return us_from_utc(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
