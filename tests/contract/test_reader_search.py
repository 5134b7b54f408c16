"""Whom a word of the search box names, and when: on SQLite and on PostgreSQL."""

from typing import Final

import pytest
from sqlalchemy import Engine

from collector.store.questions import Span
from collector.store.reader import Reader
from collector.store.views import SessionView
from tests.filling import fill
from tests.histories import MINUTE_US, START_US, Life, session_id
from tests.pages.scene import NOW_US

HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """Alice for twenty minutes a day, at the same time, in a room of the same name; somebody else beside her."""
    daily = [_stay(number, "alice@example.org", START_US - number * DAY_US) for number in range(5)]
    fill(store_engine, [*daily, _stay(9, "alina", START_US - DAY_US)], now_us=NOW_US)
    return Reader(store_engine)


def _stay(number: int, identity: str, at_us: int) -> Life:
    life = Life(session_id(number, at_us), at_us, room_name="standup", identity=identity)
    life.room_sid, life.participant_sid = f"RM{number:032x}", f"PA{number:032x}"
    return life.connecting().later(500).connected().later(20 * 60_000).disconnected(reason="leave")


def _days(found: tuple[SessionView, ...]) -> list[int]:
    """Before how many days each began."""
    return [round((START_US / 1_000_000 - one.started_at.timestamp()) / 86_400) for one in found]


def _around(at_us: int) -> Span:
    return Span(at_us - HOUR_US, at_us + HOUR_US)


def test_without_a_time_the_newest_come_first(reader: Reader) -> None:
    assert _days(reader.find("alice@example.org")) == [0, 1, 2, 3, 4]


def test_with_a_time_those_that_went_on_then_are_found(reader: Reader) -> None:
    assert _days(reader.find("alice@example.org", span=_around(START_US - 2 * DAY_US + 30 * MINUTE_US))) == [2]


def test_a_room_at_a_time_is_found_by_its_name(reader: Reader) -> None:
    found = reader.find("standup", span=_around(START_US - DAY_US))
    assert sorted(str(one.identity) for one in found) == ["alice@example.org", "alina"]


def test_where_nothing_went_on_the_nearest_come_first(reader: Reader) -> None:
    found = reader.find("alice@example.org", span=_around(START_US - 2 * DAY_US + 9 * HOUR_US))
    assert _days(found) == [2, 1, 3, 0, 4]


def test_letters_may_be_large(reader: Reader) -> None:
    assert _days(reader.find("Alice@Example.org")) == [0, 1, 2, 3, 4]


def test_the_newest_of_very_many_are_found(reader: Reader) -> None:
    assert _days(reader.find("standup", limit=2)) == [0, 1]


def test_names_that_begin_alike_are_suggested(reader: Reader) -> None:
    assert reader.alike("ali") == ("alice@example.org", "alina")
    assert reader.alike("stand") == ("standup",)
    assert reader.alike("lice") == ()


def test_each_way_to_name_a_session_has_an_index(store_engine: Engine, reader: Reader) -> None:
    assert reader.answers()
    first = "EXPLAIN QUERY PLAN" if store_engine.dialect.name == "sqlite" else "EXPLAIN"
    with store_engine.connect() as connection:
        if store_engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        for name in ("room_sid", "participant_sid", "identity", "room_name"):
            rows = connection.exec_driver_sql(f"{first} SELECT * FROM sessions WHERE {name} = 'x'").all()
            assert f"sessions_{name}" in str(rows) or "sessions_room " in str(rows)
