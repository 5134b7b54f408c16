"""One filter language for all questions: field=value, repeated for "or"; times as ISO 8601 or relative to now.

    ?region=ie1&region=us1&fate=dropped&since=-6h

An empty value asks for what was not told: `region=` is sessions whose client never said its region.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from collector.errors import BadFilter
from collector.store.questions import Dimension, Fate, Phase, SessionFilters, Span, Spread, Who
from collector.times import DAY_US, SECOND_US, moment_us

RANGE_MAX_US: Final = 31 * DAY_US
LIMIT_MAX: Final = 500
VALUES_MAX: Final = 20
BUCKETS_MAX: Final = 1_000
FAR_US: Final = 253_402_300_799 * SECOND_US  # the end of the year 9999

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
    """Text that moment_us() understands. Raises ValueError."""
    moment_us(text, 0)
    return text


Word = Annotated[str, StringConstraints(max_length=256), AfterValidator(storable)]
Words = Annotated[list[Word], Field(max_length=VALUES_MAX)]
Time = Annotated[str, StringConstraints(max_length=40), AfterValidator(readable_time)]
CodeNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]


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


class RangeQuery(WhoQuery):
    """A stretch of time, and filters."""

    since: Time = Field(default="-1h", description="ISO 8601, or relative: -30m, -6h, -7d.", examples=["-6h"])
    until: Time = Field(default="now", description="Not included.", examples=["now"])

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        span = span_of(self.since, self.until, now_us)
        if span.until_us - span.since_us > RANGE_MAX_US:
            raise BadFilter("since", self.since, "the range is longer than 31 days; ask for less at once")
        return span


class FailureCodesQuery(RangeQuery):
    """How to count failures."""

    phase: Phase | None = Field(default=None, description="join: never joined; session: ended after it had joined.")
    by: Dimension | None = Field(default=None, description="Split by this.", examples=["region"])
    bucket: Bucket | None = Field(default=None, description="Count by stretches of time too.", examples=["5m"])

    def bucket_us(self, span: Span) -> int | None:
        """The length of a bucket. Raises BadFilter where it would make too many."""
        if self.bucket is None:
            return None
        length_us = BUCKETS_US[self.bucket]
        if (span.until_us - span.since_us) // length_us > BUCKETS_MAX:
            raise BadFilter("bucket", self.bucket, f"makes more than {BUCKETS_MAX} buckets; take a longer one")
        return length_us


class AffectedQuery(RangeQuery):
    """Who is hit, by what."""

    by: Dimension = Field(examples=["region"])


class BlastRadiusQuery(RangeQuery):
    """Within what trouble spread."""

    by: Spread = Field(default="region", examples=["room_sid"])


class SessionsQuery(WhoQuery):
    """Filters of the list of sessions, and which page of it."""

    platform: Words = Field(default=[], examples=[["ios"]])
    network_type: Words = Field(default=[], examples=[["cellular"]])
    fate: Annotated[list[Fate], Field(max_length=VALUES_MAX)] = Field(default=[], examples=[["dropped"]])
    code: Annotated[list[CodeNumber], Field(max_length=VALUES_MAX)] = Field(
        default=[], description="The code that the session ended with.", examples=[[53002]]
    )
    room_sid: Words = Field(default=[])
    room_name: Words = Field(default=[])
    participant_sid: Words = Field(default=[])
    identity: Words = Field(default=[], examples=[["alice"]])
    since: Time | None = Field(default=None, description="Sessions that began then or later.", examples=["-6h"])
    until: Time | None = Field(default=None, description="Sessions that began before.")
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="`next` of the page before. It keeps that page's since and until."
    )

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        since = "1970-01-01" if self.since is None else self.since
        return span_of(since, self.until, now_us, until_us=FAR_US if self.until is None else None)

    def filters(self) -> SessionFilters:
        """As the store takes them."""
        return SessionFilters(
            region=tuple(self.region),
            sdk=tuple(self.sdk),
            sdk_version=tuple(self.sdk_version),
            app_version=tuple(self.app_version),
            platform=tuple(self.platform),
            network_type=tuple(self.network_type),
            fate=tuple(self.fate),
            room_sid=tuple(self.room_sid),
            room_name=tuple(self.room_name),
            participant_sid=tuple(self.participant_sid),
            identity=tuple(self.identity),
            code=tuple(self.code),
        )


class StoryQuery(BaseModel):
    """Which of a session's events."""

    after_seq: int | None = Field(default=None, ge=0, le=2**31 - 1, description="`next` of the page before.")
    limit: int = Field(default=LIMIT_MAX, ge=1, le=LIMIT_MAX, description="Events that the answer may hold.")


def span_of(since: str, until: str | None, now_us: int, until_us: int | None = None) -> Span:
    """The stretch between two times as they are asked for; `until_us` where none is named. Raises BadFilter."""
    begin = moment_us(since, now_us)
    end = moment_us(until, now_us) if until is not None else until_us if until_us is not None else now_us
    if begin >= end:
        raise BadFilter("since", since, f"is not before until ({until or 'now'})")
    return Span(begin, end)
