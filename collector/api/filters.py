"""One filter language for all questions: field=value, repeated for "or"; ranges; times absolute or relative to now.

    ?region=ie1&region=us1&fate=dropped&reconnecting_ms=5000..&since=yesterday&tz=Europe/Berlin

An empty value asks for what was not told: `region=` is sessions whose client never said its region.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Discriminator, Field, JsonValue, StringConstraints, Tag

from collector.api import ranges
from collector.api.ranges import range_of, readable_range, readable_times, times_of
from collector.errors import BadFilter
from collector.store.questions import (
    Among,
    Beside,
    Dimension,
    Fate,
    OfIncident,
    Range,
    SessionFilters,
    SessionSort,
    Span,
    Who,
)
from collector.store.reading import FAR_US
from collector.times import DAY_US, SECOND_US, moment_us, zone_of

RANGE_MAX_US: Final = 31 * DAY_US
LIMIT_MAX: Final = 500
VALUES_MAX: Final = 20
BUCKETS_MAX: Final = 1_000

Bucket = Literal["1m", "5m", "15m", "1h", "6h", "1d"]
BUCKETS_US: Final[dict[str, int]] = {
    "1m": 60 * SECOND_US,
    "5m": 300 * SECOND_US,
    "15m": 900 * SECOND_US,
    "1h": 3600 * SECOND_US,
    "6h": 6 * 3600 * SECOND_US,
    "1d": DAY_US,
}


def storable(text: str) -> str:
    """Text that a database can look for. Raises ValueError."""
    if "\x00" in text:
        raise ValueError("holds a null character")
    return text


def readable_time(text: str) -> str:
    """Text that moment_us() understands where a zone is told. Raises ValueError."""
    moment_us(text, 0, UTC)
    return text


def readable_zone(text: str) -> str:
    """The name of a time zone. Raises ValueError."""
    zone_of(text)
    return text


STORABLE: Final[dict[str, JsonValue]] = {"pattern": r"^[^\u0000]*$"}
"""As the description says what storable() checks."""
Word = Annotated[str, StringConstraints(max_length=256), AfterValidator(storable), Field(json_schema_extra=STORABLE)]
Words = Annotated[list[Word], Field(max_length=VALUES_MAX)]
Time = Annotated[str, StringConstraints(max_length=40), AfterValidator(readable_time)]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(readable_zone)]
CauseWord = Literal["signaling", "media", ""]
_Code = Annotated[
    Annotated[int, Field(ge=0, le=2**31 - 1), Tag("number")] | Annotated[Literal[""], Tag("untold")],
    Discriminator(lambda value: "untold" if value == "" else "number"),
]
Codes = Annotated[list[_Code], Field(max_length=VALUES_MAX)]
"""Numbers of codes; the empty word: none was told."""
_Numbers = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(readable_range),
    Field(json_schema_extra={"pattern": ranges.NUMBERS}),
]
Numbers = Annotated[list[_Numbers], Field(max_length=VALUES_MAX)]
"""Numbers and ranges of them: 3, 3.., ..7, 3..7; both ends belong to the range."""
_Times = Annotated[
    str,
    StringConstraints(max_length=100),
    AfterValidator(readable_times),
    Field(json_schema_extra={"pattern": ranges.TIMES}),
]
Times = Annotated[list[_Times], Field(max_length=VALUES_MAX)]
"""Ranges of times: -1h.., ..yesterday; the end does not belong to the range."""
YesNo = Literal["yes", "no"]
INCIDENT_ID: Final = r"^[0-9a-f]{1,32}-[0-9]{1,16}$"
IncidentId = Annotated[str, StringConstraints(pattern=INCIDENT_ID)]
Cursor = Annotated[str, StringConstraints(max_length=240)]


class NoQuery(BaseModel):
    """A question without parameters."""


class WhoQuery(BaseModel):
    """Filters by what the client said it runs on."""

    region: Words = Field(default=[], description="Signaling region.", examples=[["ie1"]])
    sdk: Words = Field(default=[], examples=[["twilio-video.js"]])
    sdk_version: Words = Field(default=[], examples=[["2.35.0"]])
    app_version: Words = Field(default=[], examples=[["5.12.0"]])

    def who(self) -> Who:
        """As the store takes it."""
        return Who(
            region=tuple(self.region),
            sdk=tuple(self.sdk),
            sdk_version=tuple(self.sdk_version),
            app_version=tuple(self.app_version),
        )


class ZoneQuery(BaseModel):
    """By whose clocks days and times without a zone are meant."""

    tz: Zone | None = Field(
        default=None,
        description="The time zone of days, and of times that say none: a name of the IANA's.",
        examples=["Europe/Berlin"],
    )

    def zone(self) -> tzinfo | None:
        """The zone; None: days are UTC's, and times have to say theirs."""
        return None if self.tz is None else zone_of(self.tz)


class NamedQuery(WhoQuery):
    """Filters by what a session runs on, by its names and by its fate."""

    platform: Words = Field(default=[], examples=[["ios"]])
    network_type: Words = Field(default=[], examples=[["cellular"]])
    not_region: Words = Field(
        default=[], description="None of these, or nothing told; empty: one was told.", examples=[["us1"]]
    )
    not_sdk: Words = Field(default=[], examples=[["livekit"]])
    not_sdk_version: Words = Field(default=[], examples=[["2.34.1"]])
    not_app_version: Words = Field(default=[], examples=[["5.13.0"]])
    media_region: Words = Field(default=[], examples=[["ie1"]])
    fate: Annotated[list[Fate], Field(max_length=VALUES_MAX)] = Field(default=[], examples=[["dropped"]])
    room_sid: Words = Field(default=[])
    room_name: Words = Field(default=[])
    participant_sid: Words = Field(default=[])
    identity: Words = Field(
        default=[],
        description="As people know it; where clients hash it, and the collector has the key, its hash is found too.",
        examples=[["alice"]],
    )


class PageQuery(BaseModel):
    """Which page of a list."""

    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    cursor: Cursor | None = Field(
        default=None, description="`next` of the page before. It keeps that page's since and until."
    )


class RangeQuery(WhoQuery, ZoneQuery):
    """A stretch of time, and filters."""

    since: Time = Field(default="-1h", description="ISO 8601, or relative: -30m, -6h, -7d.", examples=["-6h"])
    until: Time = Field(default="now", description="Not included.", examples=["now"])

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        span = span_of(self.since, self.until, now_us, zone=self.zone())
        if span.until_us - span.since_us > RANGE_MAX_US:
            raise BadFilter("since", self.since, "the range is longer than 31 days; ask for less at once")
        return span


class AffectedQuery(RangeQuery):
    """Who is hit, by what."""

    by: Dimension = Field(examples=["region"])


class SessionFiltersQuery(NamedQuery, ZoneQuery):
    """Filters of sessions."""

    code: Codes = Field(
        default=[], description="The code that the session ended with; empty: none was told.", examples=[[53002]]
    )
    origin: Words = Field(default=[], description="Who ended the session.", examples=[["window"]])
    outages: Numbers = Field(default=[], description="How many outages it had.", examples=[["3.."]])
    reconnecting_ms: Numbers = Field(default=[], description="For how long in all.", examples=[["5000.."]])
    connected_ms: Numbers = Field(default=[], description="For how long it was connected.", examples=[["..60000"]])
    joined_at: Times = Field(default=[], description="When it joined.", examples=[["-2h..-1h"]])
    ended_at: Times = Field(default=[], description="When it ended.", examples=[["-1h.."]])
    cancelled: Annotated[list[YesNo], Field(max_length=VALUES_MAX)] = Field(
        default=[],
        description="Whether whoever began to join gave up: it never joined, and has no code.",
        examples=[["no"]],
    )
    beside: UUID | None = Field(
        default=None,
        description="Others whom the verdict on this session compares it with.",
        examples=["019ab69b-2420-72e9-ae7b-2423ab9891e1"],
    )
    among: Among | None = Field(
        default=None,
        description="Which of those: of its room, of its region in other rooms, of other regions; within an hour of "
        "its app version, or of others.",
        examples=["region"],
    )
    incident: IncidentId | None = Field(
        default=None,
        description="Whom this incident could have hit.",
        examples=["4f8a2c91d03be657-1764000000000000"],
    )
    hit: Literal["yes"] | None = Field(
        default=None, description="Of those beside a session, or of an incident: only who was hit.", examples=["yes"]
    )
    since: Time | None = Field(default=None, description="Sessions that began then or later.", examples=["-6h"])
    until: Time | None = Field(default=None, description="Sessions that began before.")

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        return any_span(self.since, self.until, now_us, self.zone())

    def filters(self, now_us: int) -> SessionFilters:
        """As the store takes them. Raises BadFilter."""
        return SessionFilters(
            **named(self),
            code=tuple(self.code),
            origin=tuple(self.origin),
            outages=numbers(self.outages),
            reconnecting_ms=numbers(self.reconnecting_ms),
            connected_ms=numbers(self.connected_ms),
            joined_at=times("joined_at", self.joined_at, now_us, self.zone()),
            ended_at=times("ended_at", self.ended_at, now_us, self.zone()),
            cancelled=tuple(self.cancelled),
            beside=self._beside(),
            incident=self._incident(now_us),
        )

    def _beside(self) -> Beside | None:
        if self.beside is not None:
            return Beside(self.beside, self.among, self.hit is not None)
        if self.among is not None:
            raise BadFilter("among", self.among, "needs beside: the session that they are compared with")
        if self.hit is not None and self.incident is None:
            raise BadFilter("hit", self.hit, "needs beside or incident: whom who was hit is one of")
        return None

    def _incident(self, now_us: int) -> OfIncident | None:
        if self.incident is None:
            return None
        fingerprint, _, started_at = self.incident.partition("-")
        return OfIncident(fingerprint, int(started_at), now_us, self.hit is not None)


class SessionsQuery(SessionFiltersQuery, PageQuery):
    """Filters of the list of sessions, its order, and which page of it."""

    sort: SessionSort = Field(default="-started_at", description="By the broker's clock; `-`: newest first.")


def named(query: NamedQuery) -> dict[str, tuple[str, ...]]:
    """The filters of NamedQuery, by name, as the store takes them."""
    return {name: tuple(getattr(query, name)) for name in NamedQuery.model_fields}


def numbers(texts: Sequence[str]) -> tuple[Range, ...]:
    """Ranges of numbers as the store takes them. They were readable when they came in."""
    return tuple(range_of(text) for text in texts)


def times(name: str, texts: Sequence[str], now_us: int, zone: tzinfo | None) -> tuple[Range, ...]:
    """Ranges of times as the store takes them. Raises BadFilter, which names the parameter."""
    found = []
    for text in texts:
        try:
            found.append(times_of(text, now_us, zone))
        except ValueError as error:
            raise BadFilter(name, text, str(error)) from None
    return tuple(found)


def any_span(since: str | None, until: str | None, now_us: int, zone: tzinfo | None) -> Span:
    """The stretch of time of a list, which has no end where none is named. Raises BadFilter."""
    begin = "1970-01-01" if since is None else since
    return span_of(begin, until, now_us, until_us=FAR_US if until is None else None, zone=zone)


def span_of(
    since: str,
    until: str | None,
    now_us: int,
    until_us: int | None = None,
    zone: tzinfo | None = None,
    names: tuple[str, str] = ("since", "until"),
) -> Span:
    """The stretch between two times as they are asked for; `until_us` where none is named. Raises BadFilter.

    `names` are those of the two parameters.
    """
    first, last = names
    begin = moment_of(first, since, now_us, zone)
    end = moment_of(last, until, now_us, zone) if until is not None else until_us if until_us is not None else now_us
    if begin >= end:
        raise BadFilter(first, since, f"is not before {last} ({until or 'now'})")
    return Span(begin, end)


def moment_of(name: str, text: str, now_us: int, zone: tzinfo | None) -> int:
    """A time as it is asked for, in µs since 1970. Raises BadFilter, which names the parameter."""
    try:
        return moment_us(text, now_us, zone)
    except ValueError as error:
        raise BadFilter(name, text, str(error)) from None
