"""How breakdowns are asked for: by what, how finely, of whom."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from collector.api.filters import BUCKETS_MAX, BUCKETS_US, Bucket, RangeQuery, Words
from collector.errors import BadFilter
from collector.store.facts import TABLES_RANGE_US_MAX, Kind, in_rollups
from collector.store.questions import By, Clients, Phase, Span, Spread
from collector.store.reader_breakdowns import VALUES_MAX

OfClient = Literal["region", "sdk", "sdk_version", "app_version", "platform", "network_type"]
OfOutage = Literal["region", "sdk", "sdk_version", "app_version", "platform", "network_type", "code"]

UNLIKE: Final[dict[str, JsonValue]] = {"uniqueItems": True}
"""As the description says what two() checks."""


class ClientsQuery(RangeQuery):
    """A range, and all filters by what the client runs on."""

    platform: Words = Field(default=[], description="At most 7 days.", examples=[["ios"]])
    network_type: Words = Field(default=[], description="At most 7 days.", examples=[["cellular"]])

    def clients(self) -> Clients:
        """As the store takes them."""
        return Clients(
            region=tuple(self.region),
            sdk=tuple(self.sdk),
            sdk_version=tuple(self.sdk_version),
            app_version=tuple(self.app_version),
            platform=tuple(self.platform),
            network_type=tuple(self.network_type),
        )

    def short_enough(self, span: Span, kind: Kind, by: tuple[By, ...] = ()) -> Span:
        """The span. Raises BadFilter where sums do not tell what is asked for and the range is too long to count."""
        if span.until_us - span.since_us > TABLES_RANGE_US_MAX and not in_rollups(kind, by, self.clients()):
            why = (
                "by platform or network type, or causes by code, sessions are counted one by one: "
                "take at most 7 days, or leave that out"
            )
            raise BadFilter("since", self.since, why)
        return span


class BlastRadiusQuery(ClientsQuery):
    """Within what trouble spread."""

    by: Spread = Field(default="region", examples=["room_sid"])


class BreakdownQuery(ClientsQuery):
    """By time, and how many values to tell apart."""

    bucket: Bucket | None = Field(default=None, description="Count by stretches of time too.", examples=["5m"])
    limit: int = Field(default=20, ge=1, le=VALUES_MAX, description="Values told apart; the others are the rest.")

    def bucket_us(self, span: Span) -> int | None:
        """The length of a bucket. Raises BadFilter where it would make too many."""
        if self.bucket is None:
            return None
        length_us = BUCKETS_US[self.bucket]
        if (span.until_us - span.since_us) // length_us > BUCKETS_MAX:
            raise BadFilter("bucket", self.bucket, f"makes more than {BUCKETS_MAX} buckets; take a longer one")
        return length_us


class FailureCodesQuery(BreakdownQuery):
    """How to count failures; phase and code are told anyway."""

    by: Annotated[list[OfClient], Field(max_length=2, json_schema_extra=UNLIKE)] = Field(
        default=[], description="Split by this; two at most.", examples=[["region"]]
    )
    phase: Phase | None = Field(default=None, description="join: never joined; session: ended after it had joined.")


class OutagesByQuery(BreakdownQuery):
    """How to count outages; all of them are of sessions that had joined."""

    by: Annotated[list[OfOutage], Field(max_length=2, json_schema_extra=UNLIKE)] = Field(
        default=[], description="Split by this; two at most.", examples=[["region", "platform"]]
    )


class FatesQuery(BreakdownQuery):
    """How to count the ends of sessions."""

    by: Annotated[list[By], Field(max_length=2, json_schema_extra=UNLIKE)] = Field(
        default=[], description="Split by this; two at most.", examples=[["code", "region"]]
    )
    phase: Phase | None = Field(default=None, description="join: never joined; session: ended after it had joined.")


def two(by: list[OfClient] | list[OfOutage] | list[By]) -> tuple[By, ...]:
    """What to split by. Raises BadFilter for the same twice."""
    if len(set(by)) < len(by):
        raise BadFilter("by", by[0], "is given twice; take two different ones")
    return tuple(by)
