"""What is summed up while it is written says the same as the sessions themselves. On both stores.

A filter that rollups do not keep is answered by the sessions; here it leaves everybody.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from sqlalchemy import Engine

from collector.store.questions import Clients, Span, Who
from collector.store.reader import Reader
from collector.store.retention import DAY_US
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import CLIENTS, MINUTE_US, START_US, YEAR_US, Life, fleet, session_id

NOW_US: Final = START_US + 4 * MINUTE_US
WHOLE: Final = Span(START_US - MINUTE_US, NOW_US)
SPANS: Final = (
    WHOLE,
    Span(START_US, START_US + 3 * MINUTE_US),
    Span(START_US + 2 * MINUTE_US, NOW_US),
)
EVERYBODY: Final = tuple({one.network_type or "" for one in CLIENTS})


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    lives = fleet(200)
    for life in lives[::3]:
        del life.sent[1:2]
    fill(store_engine, [*lives, *_of_wrong_clocks(), *_of_long_tokens()], now_us=NOW_US)
    return Reader(store_engine)


def _of_wrong_clocks() -> list[Life]:
    lives = []
    for number, skew_us in enumerate((YEAR_US, -YEAR_US), start=1_000):
        life = Life(session_id(number, START_US + skew_us), skew_us=skew_us).connecting().later(300).connected()
        life.later(9_000).reconnecting().later(500).attempted().reconnected().later(9_000)
        lives.append(life.disconnected(53000, Origin.ATTEMPTS))
    return lives


def _of_long_tokens() -> list[Life]:
    begun = (START_US + 3 * MINUTE_US + number for number in (0, 1))
    lives = [
        Life(session_id(2_000 + at_us % 2, at_us), at_us).connecting().later(300).connected(90_000) for at_us in begun
    ]
    lives[0].later(5_000).disconnected(reason="leave")
    return lives


@pytest.mark.parametrize("span", SPANS)
def test_figures_and_completeness_are_those_of_the_sessions(reader: Reader, span: Span) -> None:
    summed, counted = (_told(reader, span, who) for who in (Who(), Clients(network_type=EVERYBODY)))
    assert summed == counted


def test_so_they_are_of_a_region(reader: Reader) -> None:
    summed = _told(reader, WHOLE, Who(region=("de1",)))
    assert summed == _told(reader, WHOLE, Clients(region=("de1",), network_type=EVERYBODY))
    assert 0 < summed["completeness"]["sessions"] < 100


def test_who_never_came_in_was_in_no_room(store_engine: Engine) -> None:
    later_us = START_US + 300 * MINUTE_US
    came = [Life(session_id(n)).connecting().later(300).connected().later(9_000) for n in range(5)]
    never = [Life(session_id(n, later_us), later_us).connecting() for n in range(10, 17)]
    early = Life(session_id(20)).connecting()
    fill(store_engine, [*(one.disconnected(reason="leave") for one in came), *never, early], now_us=later_us + DAY_US)
    span = Span(START_US, START_US + MINUTE_US)
    told = Reader(store_engine).kpis(span, now_us=later_us + DAY_US).kpis["sessions_affected"]
    assert told.denominator == 5


def test_there_is_something_of_everything(reader: Reader) -> None:
    told = _told(reader, WHOLE, Who())
    assert [name for name, (numerator, _) in told["ratios"].items() if not numerator] == []
    complete = told["completeness"]
    assert complete["sessions"] == 204
    assert complete["events_received"] < complete["events_expected"]
    assert min(complete[name] for name in ("sessions_with_gaps", "events_dropped_by_clients", "silent_sessions")) > 0


def _told(reader: Reader, span: Span, who: Who) -> dict[str, Any]:
    told = reader.kpis(span, who, now_us=NOW_US)
    return {
        "ratios": {name: (one.numerator, one.denominator) for name, one in told.kpis.items()},
        "distributions": told.distributions,
        "completeness": told.completeness.model_dump(exclude={"newest_append_at", "age_s"}),
    }
