"""What somebody means who writes into the search box: a name, and a time where one was written after it. Pure.

    alice@example.org yesterday 16:00      ana 14:05      daily standup monday 9am      RM77… -2h      53002

Times without a zone are those of the zone that is told beside them. A day alone means the whole of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from collector.times import DAY_US, HOUR_US, SECOND_US, zone_of
from session_core.instants import us_from_utc, utc_from_us

_UNITS_US: Final = {"s": SECOND_US, "m": 60 * SECOND_US, "h": HOUR_US, "d": DAY_US, "w": 7 * DAY_US}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AGO: Final = re.compile(
    r"(?:-(?P<count>[0-9]{1,6})(?P<unit>[smhdw])"
    r"|(?P<number>[0-9]{1,6}) ?(?P<word>s|m|h|d|w)[a-z]* ago)$",
    re.IGNORECASE,
)
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9.]+)?(?:Z|[+ -][0-9]{2}:?[0-9]{2})?$")
_TIME: Final = re.compile(
    r"(?:(?P<hour>[0-2]?[0-9])[:.](?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))? ?(?P<half>am|pm)?"
    r"|(?P<only>1?[0-9]) ?(?P<only_half>am|pm))$",
    re.IGNORECASE,
)
_DAY: Final = re.compile(
    r"(?:(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2})|(?P<word>today|yesterday|"
    + "|".join(f"{day[:3]}(?:{day[3:]})?" for day in _WEEKDAYS)
    + r")|(?P<day>[0-3]?[0-9])\.? (?P<month>"
    + "|".join(_MONTHS)
    + r")[a-z]*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A name, and the stretch of time that was meant; None where no time was written."""

    name: str
    since_us: int | None = None
    until_us: int | None = None

    @property
    def at_us(self) -> int:
        """The middle of the stretch."""
        return ((self.since_us or 0) + (self.until_us or 0)) // 2


def zone_or_utc(name: str) -> tuple[str, tzinfo]:
    """The zone of this name, and its name; UTC where there is none such on this machine."""
    try:
        return (name, zone_of(name)) if name else ("UTC", UTC)
    except ValueError:
        return "UTC", UTC


def asked(text: str, now_us: int, zone: tzinfo) -> Asked:
    """What is meant by a text. One without a time, or of a time alone, is a name as it stands."""
    text = " ".join(text.split())
    now = utc_from_us(now_us).astimezone(zone)
    for read in (_ago, _moment, _day_and_time):
        found = read(text, now)
        if found is not None:
            rest, at, half_us = found
            name = re.sub(r"(?:,| at| on| around| about)+$", "", rest.rstrip(), flags=re.IGNORECASE).strip()
            if name:
                try:
                    at_us = us_from_utc(at.astimezone(UTC))
                except (OverflowError, ValueError):
                    break
                return Asked(name, at_us - half_us, at_us + half_us)
    return Asked(text)


_Found = tuple[str, datetime, int]


def _ago(text: str, now: datetime) -> _Found | None:
    found = _AGO.search(text)
    if found is None or not _apart(text, found.start()):
        return None
    length_us = int(found["count"] or found["number"]) * _UNITS_US[(found["unit"] or found["word"]).lower()]
    try:
        return text[: found.start()], now - timedelta(microseconds=length_us), max(HOUR_US, length_us // 24)
    except OverflowError:
        return None


def _moment(text: str, now: datetime) -> _Found | None:
    found = _ISO.search(text)
    if found is None or not _apart(text, found.start()):
        return None
    try:
        # A plus sign that nobody escaped arrives as a space.
        at = datetime.fromisoformat(found[0].replace(" ", "+"))
    except ValueError:
        return None
    return text[: found.start()], at if at.tzinfo else at.replace(tzinfo=now.tzinfo), HOUR_US


def _day_and_time(text: str, now: datetime) -> _Found | None:
    """`yesterday 16:00`, `16:00 yesterday`, `24 Nov`, `9am`."""
    rest, at, day = text, None, None
    for _ in range(2):
        rest = re.sub(r"(?: at| on|,)$", "", rest.rstrip(), flags=re.IGNORECASE)
        if at is None and (found := _TIME.search(rest)) and _apart(rest, found.start()):
            at = _clock(found)
            rest = rest[: found.start()] if at is not None else rest
        elif day is None and (found := _DAY.search(rest)) and _apart(rest, found.start()):
            day = _date(found, now.date())
            rest = rest[: found.start()] if day is not None else rest
    if at is None and day is None:
        return None
    if at is None:
        return rest, datetime.combine(day or now.date(), time(12), now.tzinfo), DAY_US // 2
    meant = datetime.combine(day or now.date(), at, now.tzinfo)
    # Who writes a time of day alone means the last time that clocks showed it.
    return rest, meant - timedelta(days=1) if day is None and meant > now else meant, HOUR_US


def _apart(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] in " ,"


def _clock(found: re.Match[str]) -> time | None:
    hour = int(found["hour"] or found["only"])
    half = (found["half"] or found["only_half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, int(found["minute"] or 0), int(found["second"] or 0)) if hour < 24 else None


def _date(found: re.Match[str], today: date) -> date | None:
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        if found["word"]:
            word = found["word"].lower()
            if word in {"today", "yesterday"}:
                return today - timedelta(days=word == "yesterday")
            weekday = next(place for place, name in enumerate(_WEEKDAYS) if name.startswith(word))
            return today - timedelta(days=(today.weekday() - weekday) % 7)
        day = date(today.year, _MONTHS.index(found["month"].lower()) + 1, int(found["day"]))
        return day if day <= today else day.replace(year=day.year - 1)
    except ValueError:
        return None
