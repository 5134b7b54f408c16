"""A question is stopped in the database, on SQLite and on PostgreSQL: by whoever asked, and by time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text

from collector.errors import QueryTooLong
from collector.store.reader import Reader
from collector.store.stopping import Stop
from tests.waiting import wait_until

FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Asked:
    """A question that has no end by itself; it says when it is under way."""

    def __init__(self, statement: str = FOREVER) -> None:
        self.began = False
        self._statement = statement

    def __call__(self, connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        self.began = True
        connection.execute(text(self._statement))


def test_a_question_under_way_ends_when_it_is_stopped_and_the_next_is_answered(store_engine: Engine) -> None:
    reader, stop, question = Reader(store_engine), Stop(3_600), Asked()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(reader.under(stop)._ask, question)
        wait_until(lambda: question.began)
        while not answer.done():  # a cancellation between two statements is lost on PostgreSQL
            stop.end()
        with pytest.raises(QueryTooLong, match="longer than 3600 s"):
            answer.result()
    assert reader.answers()
    assert store_engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_question_whose_time_is_up_is_not_begun(store_engine: Engine) -> None:
    stop, question = Stop(20), Asked()
    stop.end()
    with pytest.raises(QueryTooLong):
        Reader(store_engine).under(stop)._ask(question)
    assert not question.began


def test_a_statement_looks_whether_it_is_still_wanted(store_engine: Engine) -> None:
    stop = Stop(20)

    def ended_between(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        stop.end()
        connection.execute(text(FOREVER))

    with pytest.raises(QueryTooLong):
        Reader(store_engine).under(stop)._ask(ended_between)


def test_postgresql_ends_a_statement_by_itself_where_nobody_else_does(postgresql_url: str) -> None:
    from collector.store.engine import make_engine

    engine = make_engine(postgresql_url)
    with pytest.raises(QueryTooLong, match=r"longer than 0\.2 s"):
        Reader(engine).under(Stop(0.2))._ask(Asked())
    engine.dispose()
