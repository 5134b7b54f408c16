"""Who failed with a code last: alike whether clocks are right, and whether sums were made. On both stores."""

from __future__ import annotations

from typing import Final

import pytest
from sqlalchemy import Engine

from collector.store.questions import SessionFilters, Span
from collector.store.reader import Reader
from collector.store.stretches import Stretches
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import MINUTE_US, START_US, YEAR_US, Life, fleet, session_id

HOUR_US: Final = 60 * MINUTE_US
NOW_US: Final = START_US + 6 * HOUR_US
CODE: Final = 53002
SPANS: Final = (
    Span(START_US - HOUR_US, NOW_US),
    Span(START_US + 3 * MINUTE_US, START_US + 50 * MINUTE_US),
    Span(START_US + 4 * HOUR_US, NOW_US),
)


def dropped(number: int, at_us: int, skew_us: int) -> Life:
    life = Life(session_id(number, at_us + skew_us), at_us, skew_us=skew_us).connecting().later(300).connected()
    return life.later(20_000).reconnecting().later(30_000).disconnected(CODE, Origin.WINDOW)


@pytest.fixture
def engine(store_engine: Engine) -> Engine:
    skews = (0, 0, YEAR_US, -YEAR_US, 1_900_000, 0)
    failed = [dropped(9_000 + n, START_US + 7 * n * MINUTE_US, skews[n % len(skews)]) for n in range(20)]
    fill(store_engine, [*fleet(80, every_us=60_000_000), *failed], now_us=NOW_US)
    return store_engine


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_they_are_the_last_of_all_who_failed_so(engine: Engine, span: Span, limit: int) -> None:
    reader = Reader(engine)
    asked = SessionFilters(fate=("dropped", "not_joined"), code=(CODE,))
    everybody = reader.sessions(Span(0, NOW_US + YEAR_US), asked, limit=500, now_us=NOW_US)[0].items
    ends = {one.session_id: int(one.ended_at.timestamp() * 1_000_000) for one in everybody if one.ended_at is not None}
    theirs = [one for one, at_us in ends.items() if span.since_us <= at_us < span.until_us]
    expected = sorted(theirs, key=lambda one: (ends[one], one.int), reverse=True)[:limit]
    found = [[one.session_id for one in reader.failed_with(CODE, span, limit=limit)]]
    assert Stretches(engine).sum_up(NOW_US + HOUR_US) > 5
    found.append([one.session_id for one in reader.failed_with(CODE, span, limit=limit)])
    assert found == [expected, expected]
    assert len(expected) == (0 if span is SPANS[2] else limit if limit < 5 else len(theirs))
