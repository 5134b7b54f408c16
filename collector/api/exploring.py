"""What is asked of outages by an address, and the addresses that ask something near it. Pure.

    /outages?region=br1&outcome=failed&since=-6h

The language is that of filters.py; `lasted=4000-5000` asks for outages that lasted from 4 to 5 s, `lasted=600000-` for
those that lasted 10 min or more, `ended_at=-1h..` for those that ended within the hour, whenever they began.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from collector.api.addresses import Address
from collector.api.filters import VALUES_MAX, CauseWord, RangeQuery, Times, Words, times
from collector.api.ranges import ENDS_FIRST
from collector.api.words import OUTCOMES, duration
from collector.errors import BadFilter
from collector.store.questions import Outcome, Span
from collector.store.questions_explore import EXPLORED_BY, ExploreFilters

PATH: Final = "/outages"
OFFERED: Final = (*EXPLORED_BY, "lasted")
"""Filters that the form offers; addresses may have all."""
FILTERS: Final = (*OFFERED, "ended_at")
LABELS: Final[dict[str, str]] = {
    "region": "Region",
    "app_version": "App version",
    "sdk": "SDK",
    "sdk_version": "SDK version",
    "platform": "Platform",
    "network_type": "Network",
    "cause": "Cause",
    "outcome": "Outcome",
    "code": "Code",
    "lasted": "Lasted",
    "ended_at": "Ended",
}
SINCE: Final = "-1h"
RANGES: Final[dict[str, str]] = {
    "-1h": "hour",
    "-6h": "6 hours",
    "-24h": "24 hours",
    "-7d": "7 days",
    "-30d": "30 days",
}
ENDLESS_MS: Final = 1 << 53
BARS_MAX: Final = 72
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_LASTED: Final = re.compile(r"([0-9]{1,9})-([0-9]{0,9})")

CodeWord = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,9}$")]
LastedWord = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}-[0-9]{0,9}$")]


class ExploreQuery(RangeQuery):
    """Which outages: when they began, whose they were, what became of them."""

    platform: Words = Field(default=[], examples=[["ios"]])
    network_type: Words = Field(default=[], examples=[["cellular"]])
    cause: Annotated[list[CauseWord], Field(max_length=VALUES_MAX)] = Field(default=[])
    outcome: Annotated[list[Outcome], Field(max_length=VALUES_MAX)] = Field(default=[], examples=[["failed"]])
    code: Annotated[list[CodeWord], Field(max_length=VALUES_MAX)] = Field(
        default=[], description="The code that the outage was closed with; empty: without one.", examples=[["53002"]]
    )
    lasted: Annotated[list[LastedWord], Field(max_length=VALUES_MAX)] = Field(
        default=[], description="From so many ms to so many, the last not included.", examples=[["4000-5000"]]
    )
    ended_at: Times = Field(
        default=[],
        description="When it ended; one that nothing closed: when it was last known to last.",
        examples=[["-1h.."]],
    )

    def explored(self, now_us: int) -> ExploreFilters:
        """As the store takes them. Raises BadFilter."""
        return ExploreFilters(
            region=tuple(self.region),
            sdk=tuple(self.sdk),
            sdk_version=tuple(self.sdk_version),
            app_version=tuple(self.app_version),
            platform=tuple(self.platform),
            network_type=tuple(self.network_type),
            cause=tuple(self.cause),
            outcome=tuple(self.outcome),
            code=tuple(self.code),
            lasted=tuple(map(lasted_between, self.lasted)),
            ended_at=times("ended_at", self.ended_at, now_us, self.zone()),
        )


def lasted_between(text: str) -> tuple[int, int]:
    """The stretch that a word of `lasted` means, in ms. Raises BadFilter."""
    found = _LASTED.fullmatch(text)
    if found is None:
        raise BadFilter("lasted", text, "is no stretch: take milliseconds as 4000-5000, or 600000- for that and more")
    if found[2] and int(found[1]) >= int(found[2]):
        raise BadFilter("lasted", text, ENDS_FIRST.format("smaller number"))
    return int(found[1]), int(found[2] or ENDLESS_MS)


def bucket_us_of(span: Span) -> int:
    """How long a bar of the trend is: the shortest round stretch of which there are not too many."""
    whole_s = (span.until_us - span.since_us) / 1_000_000
    return next((step for step in _STEPS_S if whole_s / step <= BARS_MAX), _STEPS_S[-1]) * 1_000_000


def widened(span: Span, bucket_us: int) -> Span:
    """The span as whole bars of the trend."""
    return Span(span.since_us - span.since_us % bucket_us, span.until_us + -span.until_us % bucket_us)


class Asked(Address):
    """The filters and the time of an address of outages."""

    path = PATH
    names = FILTERS
    usual = SINCE


def value_words(name: str, value: str | None) -> str:
    """A value of a dimension as people read it."""
    if not value:
        return "no code" if name == "code" else "not told"
    if name == "outcome":
        return OUTCOMES.get(value, value)
    if name == "lasted":
        least, beyond = lasted_between(value)
        return f"{duration(least)} and more" if beyond == ENDLESS_MS else f"{duration(least)} to {duration(beyond)}"
    return value
