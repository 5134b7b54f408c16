"""How connections behave."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from collector.store.engine import make_engine, migrate
from collector.store.sqlite_connection import set_pragmas, writing


def test_nothing_connects_before_the_first_question(tmp_path: Path) -> None:
    make_engine(f"sqlite:///{tmp_path}/store.db").dispose()
    make_engine("postgresql://nobody:nothing@127.0.0.1:1/nowhere").dispose()
    assert list(tmp_path.iterdir()) == []


def test_sqlite_keeps_a_write_ahead_log_so_that_readers_do_not_wait(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    engine.dispose()


def test_sqlite_has_one_writer_and_tells_the_second_when_it_begins(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/store.db?timeout=0.05")
    migrate(engine)
    with (
        engine.connect() as first,
        engine.connect() as second,
        engine.connect() as reader,
        writing(first).begin(),
    ):
        assert reader.execute(text("SELECT count(*) FROM sessions")).scalar() == 0
        with pytest.raises(OperationalError, match="locked"):
            writing(second).begin()
    engine.dispose()


def test_several_that_open_a_new_file_at_once_all_get_their_log(tmp_path: Path) -> None:
    refused: list[sqlite3.OperationalError] = []

    def open_(path: Path, together: threading.Barrier) -> None:
        connection = sqlite3.connect(path, timeout=30)
        together.wait(timeout=30)
        try:
            set_pragmas(connection, None)
        except sqlite3.OperationalError as error:
            refused.append(error)
        connection.close()

    # Without waiting, four threads are refused about once in ten files.
    for number in range(100):
        together = threading.Barrier(4)
        threads = [
            threading.Thread(target=open_, args=(tmp_path / f"{number}.db", together)) for _ in range(together.parties)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert refused == []


def test_a_store_in_memory_is_one_for_all_threads() -> None:
    engine = make_engine("sqlite://")
    migrate(engine)
    counted: list[object] = []

    def count() -> None:
        with engine.connect() as connection:
            counted.append(connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar())

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert counted == [0, 0, 0]
    engine.dispose()


def test_postgresql_speaks_utc_and_names_who_asks(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW timezone").scalar() == "UTC"
        assert connection.exec_driver_sql("SHOW application_name").scalar() == "roomwatch"
    engine.dispose()


def test_what_the_url_says_of_a_connection_goes_before_what_we_say(postgresql_url: str) -> None:
    engine = make_engine(f"{postgresql_url}?application_name=somebody")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar() == "somebody"
    engine.dispose()
