"""The sessions behind what is said of telemetry, on SQLite and on PostgreSQL: as many as are counted."""

from typing import Final

import pytest
from sqlalchemy import Engine

from collector.store.questions import SessionFilters, Span
from collector.store.reader import Reader
from collector.store.reader_heard import Heard
from tests import trouble
from tests.filling import fill
from tests.histories import MINUTE_US
from tests.pages.scene import NOW_US

HOUR: Final = Span(NOW_US - 60 * MINUTE_US, NOW_US + MINUTE_US)
EVER: Final = Span(0, NOW_US + MINUTE_US)


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """Six sessions, of which one is as it should be."""
    fill(store_engine, trouble.lives(), now_us=NOW_US)
    return Reader(store_engine)


def _who(reader: Reader, heard: Heard, filters: SessionFilters = SessionFilters(), began: Span = EVER) -> list[str]:  # noqa: B008 - frozen
    page, following = reader.heard(began, heard, filters, now_us=NOW_US)
    assert following is None
    return [one.identity or "" for one in page.items]


def test_those_that_were_heard_of_are_listed_newest_first_as_many_as_are_counted(reader: Reader) -> None:
    found = _who(reader, Heard(HOUR))
    assert found == ["outbox", "clock", "whole-1", "whole-6", "silent", "gaps"]
    assert len(found) == reader.telemetry(HOUR, bucket_us=MINUTE_US, now_us=NOW_US).completeness.sessions
    assert _who(reader, Heard(Span(0, NOW_US - 60 * MINUTE_US))) == []


def test_they_are_narrowed_to_what_is_missing_to_a_wrong_clock_and_by_any_filter(reader: Reader) -> None:
    assert _who(reader, Heard(HOUR, untold="yes")) == ["outbox", "gaps"]
    gaps = reader.telemetry(HOUR, bucket_us=MINUTE_US, now_us=NOW_US).completeness.sessions_with_gaps
    assert len(_who(reader, Heard(HOUR, untold="gaps"))) == gaps == 2
    assert _who(reader, Heard(HOUR, off_s=(3_600, None))) == ["clock"]
    assert len(_who(reader, Heard(HOUR, off_s=(None, 2)))) == 5
    assert _who(reader, Heard(HOUR), SessionFilters(fate=("lost",))) == ["silent"]
    since = Span(NOW_US - 16 * MINUTE_US, NOW_US)
    assert _who(reader, Heard(HOUR), began=since) == ["outbox", "clock"]


def test_they_go_on_page_by_page(reader: Reader) -> None:
    seen, after = [], None
    while True:
        page, after = reader.heard(EVER, Heard(HOUR), after=after, limit=2, now_us=NOW_US)
        seen += [one.identity for one in page.items]
        if after is None:
            break
    assert seen == _who(reader, Heard(HOUR))
