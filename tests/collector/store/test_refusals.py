"""Finding the rows that a store refuses, and no other."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from collector.store.changes import Row
from collector.store.engine import make_engine
from collector.store.refusals import REFUSED_MAX, refused_rows


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = make_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER PRIMARY KEY, CHECK (number % 7 != 3))")
    yield engine
    engine.dispose()


def put(connection: Connection, rows: list[Row]) -> None:
    connection.exec_driver_sql("INSERT INTO numbers VALUES (?)", list(rows))


def found(engine: Engine, numbers: list[int]) -> list[int]:
    with engine.connect() as connection:
        refused = refused_rows(engine, connection, put, [(number,) for number in numbers])  # type: ignore[arg-type]
        connection.rollback()
    return [number for (number,) in refused]


@given(st.lists(st.integers(0, 60), max_size=40))
@settings(deadline=None)
def test_exactly_the_rows_that_cannot_be_stored_are_found(engine: Engine, numbers: list[int]) -> None:
    seen: set[int] = set()
    expected = []
    for number in numbers:
        if number % 7 == 3 or number in seen:
            expected.append(number)
        seen.add(number)
    assert found(engine, numbers) == expected


def test_a_search_ends_where_there_is_too_much_to_find(engine: Engine) -> None:
    assert len(found(engine, [3] * (3 * REFUSED_MAX))) == REFUSED_MAX
