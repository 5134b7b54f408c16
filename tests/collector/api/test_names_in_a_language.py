"""Names are found where the database sorts text by a language, as most are made: there `stand` lies beside `Stand`.

Not among the contract's tests, since those also run on a PostgreSQL that knows no language.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import Engine

from collector.store.engine import make_engine, migrate
from collector.store.reader import Reader
from tests.filling import fill
from tests.histories import START_US, Life, session_id
from tests.pages.scene import NOW_US
from tests.servers.postgresql import PostgreSQL

NAMES: Final = ("Stand-up", "STAND", "stand", "stand-up", "Stand 1", "stand 1", "Standard", "standard")


@pytest.fixture
def reader(postgresql: PostgreSQL) -> Iterator[Reader]:
    """A room of each name, in a database that sorts by English."""
    name = postgresql.make_database_in("en-US")
    engine = make_engine(postgresql.url(name))
    migrate(engine)
    assert _by_the_database(engine) == ["stand", "Stand"]
    fill(engine, [_stay(number, room) for number, room in enumerate(NAMES)], now_us=NOW_US)
    yield Reader(engine)
    engine.dispose()
    postgresql.drop_database(name)


def _by_the_database(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        words = connection.exec_driver_sql("SELECT word FROM unnest(ARRAY['Stand', 'stand']) AS word ORDER BY word")
        return list(words.scalars())


def _stay(number: int, room_name: str) -> Life:
    life = Life(session_id(number, START_US), START_US, room_name=room_name)
    return life.connecting().later(500).connected().later(60_000).disconnected(reason="leave")


@pytest.mark.parametrize("word", ["stand", "Stand", "STAND", "Stand-", "standa"])
def test_all_names_that_begin_with_a_word_are_suggested(reader: Reader, word: str) -> None:
    assert reader.alike(word) == tuple(sorted(name for name in NAMES if name.startswith(word)))
