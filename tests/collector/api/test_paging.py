"""Cursors come back as they went, and nothing else passes for one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api.paging import (
    cursor_of,
    number_cursor_of,
    outage_cursor_of,
    read_cursor,
    read_number_cursor,
    read_outage_cursor,
)
from collector.errors import BadFilter
from collector.store.questions import Span
from collector.store.reader_outage_list import OutagePlace
from collector.store.reader_sessions import Place

times = st.integers(-(1 << 61), 1 << 61)


@given(times, st.uuids(), times, times)
def test_a_cursor_says_what_it_was_made_of(at_us: int, session_id: UUID, since_us: int, until_us: int) -> None:
    place, span = Place(at_us, session_id), Span(since_us, until_us)
    assert read_cursor(cursor_of(place, span)) == (place, span)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(BadFilter):
        read_cursor(text)


@given(times, st.uuids(), st.integers(0, (1 << 31) - 1), times, times)
def test_a_cursor_of_outages_says_what_it_was_made_of(
    at: int, session_id: UUID, number: int, since_us: int, until_us: int
) -> None:
    place, span = OutagePlace(at, session_id, number), Span(since_us, until_us)
    assert read_outage_cursor(outage_cursor_of(place, span, "-downtime_ms"), "-downtime_ms") == (place, span)


@given(st.integers(0, (1 << 31) - 1))
def test_a_cursor_of_a_session_s_events_says_what_it_was_made_of(number: int) -> None:
    assert read_number_cursor(number_cursor_of(number, "events"), "events") == number


@given(st.text(max_size=200))
def test_any_other_text_is_no_cursor_of_outages_or_events_either(text: str) -> None:
    with pytest.raises(BadFilter):
        read_outage_cursor(text, "-started_at")
    with pytest.raises(BadFilter):
        read_number_cursor(text, "events")
