"""Cursors come back as they went, and nothing else passes for one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api.paging import cursor_of, read_cursor
from collector.errors import BadFilter
from collector.store.questions import Span
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
