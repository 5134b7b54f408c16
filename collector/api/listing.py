"""What lists and nouns beside sessions can be asked for: rooms, outages, a session's events, completeness."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from collector.api.filters import (
    LIMIT_MAX,
    RANGE_MAX_US,
    VALUES_MAX,
    CauseWord,
    Codes,
    Cursor,
    NamedQuery,
    Numbers,
    PageQuery,
    SessionsQuery,
    Time,
    Times,
    Words,
    ZoneQuery,
    any_span,
    named,
    numbers,
    span_of,
    times,
)
from collector.errors import BadFilter
from collector.store.questions import NamedFilters, OutageFilters, OutageSort, Outcome, RoomSort, Span


class RoomsQuery(SessionsQuery):
    """Filters of the list of rooms: a room is in it where one of its sessions passes all of them."""

    since: Time | None = Field(default=None, description="Rooms that began then or later.", examples=["-6h"])
    until: Time | None = Field(default=None, description="Rooms that began before.")
    sort: RoomSort = Field(default="-started_at", description="By the broker's clock; `-`: newest first.")


class OutagesQuery(NamedQuery, ZoneQuery, PageQuery):
    """Filters of the list of outages, its order, and which page of it."""

    cause: Annotated[list[CauseWord], Field(max_length=VALUES_MAX)] = Field(
        default=[], description="What was lost first; empty: nobody told.", examples=[["signaling"]]
    )
    outcome: Annotated[list[Outcome], Field(max_length=VALUES_MAX)] = Field(default=[], examples=[["failed"]])
    code: Codes = Field(
        default=[], description="The code that it was closed with; empty: none was told.", examples=[[53002]]
    )
    origin: Words = Field(default=[], description="Who closed it.", examples=[["window"]])
    attempts: Numbers = Field(default=[], description="How often signaling was tried.", examples=[["6.."]])
    downtime_ms: Numbers = Field(default=[], description="How long it took.", examples=[["5000.."]])
    signaling_down_ms: Numbers = Field(default=[], examples=[["1000.."]])
    media_down_ms: Numbers = Field(default=[], examples=[["1000.."]])
    ended_at: Times = Field(
        default=[],
        description="When it ended; one that nothing closed: when it was last known to last.",
        examples=[["-1h.."]],
    )
    since: Time | None = Field(default="-24h", description="Outages that opened then or later.", examples=["-6h"])
    until: Time | None = Field(default=None, description="Outages that opened before.")
    sort: OutageSort = Field(default="-started_at", description="`-`: the newest, or the longest, first.")

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        return any_span(self.since, self.until, now_us, self.zone())

    def filters(self, now_us: int) -> OutageFilters:
        """As the store takes them."""
        return OutageFilters(
            **named(self),
            cause=tuple(self.cause),
            outcome=tuple(self.outcome),
            code=tuple(self.code),
            origin=tuple(self.origin),
            attempts=numbers(self.attempts),
            downtime_ms=numbers(self.downtime_ms),
            signaling_down_ms=numbers(self.signaling_down_ms),
            media_down_ms=numbers(self.media_down_ms),
            ended_at=times("ended_at", self.ended_at, now_us, self.zone()),
        )


class CompletenessQuery(NamedQuery, ZoneQuery):
    """A stretch of time, and whose telemetry."""

    since: Time = Field(default="-1h", description="Sessions that were heard of then or later.", examples=["-6h"])
    until: Time = Field(default="now", description="Sessions that were heard of before.", examples=["now"])

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        span = span_of(self.since, self.until, now_us, zone=self.zone())
        if span.until_us - span.since_us > RANGE_MAX_US:
            raise BadFilter("since", self.since, "the range is longer than 31 days; ask for less at once")
        return span

    def filters(self) -> NamedFilters:
        """As the store takes them."""
        return NamedFilters(**named(self))


class PartQuery(PageQuery):
    """Which page of a session's events, or outages."""

    limit: int = Field(default=100, ge=1, le=LIMIT_MAX)
    cursor: Cursor | None = Field(default=None, description="`next` of the page before.")


class StoryQuery(PartQuery):
    """Which of a session's events its story tells."""

    limit: int = Field(default=LIMIT_MAX, ge=1, le=LIMIT_MAX, description="Events that the answer may hold.")
