"""Moments, times of the wire, and what the vocabulary is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from session_core.events import LEAVE_REASONS, PUBLISHED_TYPES, SEQLESS_TYPES, Event, Moment, RoomState, Session, Totals
from session_core.instants import EPOCH, us_from_utc, utc_from_us
from tests.session_core.telling import session_id

NOON = datetime(2026, 11, 24, 12, 0, 0, 1, tzinfo=UTC)
NOON_US = 1_795_521_600_000_001


@pytest.mark.parametrize(
    ("at", "us"),
    [
        (EPOCH, 0),
        (EPOCH - timedelta(microseconds=1), -1),
        (NOON, NOON_US),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), NOON_US),
    ],
)
def test_microseconds_since_1970_and_aware_datetimes_are_the_same(at: datetime, us: int) -> None:
    assert (us_from_utc(at), utc_from_us(us)) == (us, at)


def test_there_is_no_day_after_the_year_9999() -> None:
    with pytest.raises(OverflowError):
        utc_from_us(10**18)


def test_a_moment_later_is_later_by_both_clocks() -> None:
    assert Moment(NOON_US, 7).later(1_000) == Moment(NOON_US + 1_000, 1_007)
    assert Moment(NOON_US, 7).utc == NOON


def test_an_event_is_frozen_and_of_little_unless_it_is_told_more() -> None:
    event = Event(
        type="session.alive", at=Moment(0, 0), session=Session(session_id=session_id()), state=RoomState("connected")
    )
    assert (event.participants, event.totals, event.outage, event.error) == (1, Totals(), None, None)
    with pytest.raises(AttributeError, match="immutable"):
        event.participants = 2  # type: ignore[misc]
    assert msgspec.structs.replace(event, participants=2) != event


def test_what_is_published_is_listed() -> None:
    kinds = {kind.partition(".")[0] for kind in PUBLISHED_TYPES}
    assert (len(PUBLISHED_TYPES), kinds) == (13, {"room", "participant", "token", "session"})
    assert PUBLISHED_TYPES > SEQLESS_TYPES == {"session.alive", "session.events_lost"}
    assert {"leave", "cancelled", "signal", "exit", "exception"} == LEAVE_REASONS
