"""Times as calendars tell them and as microseconds since 1970. Asked for every event that is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def utc_from_us(at_us: int) -> datetime:
    """Microseconds since 1970 as an aware datetime. Raises OverflowError beyond the year 9999."""
    return EPOCH + timedelta(microseconds=at_us)


def us_from_utc(at: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
