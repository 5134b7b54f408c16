"""The real PostgreSQL of the tests."""

from concurrent.futures import ThreadPoolExecutor, wait

import psycopg
import pytest

from tests.servers.postgresql import PostgreSQL
from tests.waiting import wait_until


def _ask(url: str, statement: str) -> object:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row and row[0]


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own(empty_postgresql_url: str, turn: int) -> None:
    with psycopg.connect(empty_postgresql_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE only_here (turn int)")
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert (_ask(empty_postgresql_url, tables), turn) == (1, turn)


def test_a_migrated_database_can_be_asked(postgresql_url: str) -> None:
    assert _ask(postgresql_url, "SELECT 1") == 1


def test_text_is_kept_in_utf8_and_sorted_by_code_point(empty_postgresql_url: str) -> None:
    settings = "SELECT concat(pg_encoding_to_char(encoding), ' ', datcollate) FROM pg_database LIMIT 1"
    assert _ask(empty_postgresql_url, settings) == "UTF8 C"


def test_data_and_address_live_through_a_kill() -> None:
    with PostgreSQL(durable=True) as server:
        url = server.url(server.make_database(migrated=False))
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.kill()
        server.start()
        assert _ask(url, "SELECT number FROM kept") == 7


def test_a_halted_server_answers_when_it_goes_on() -> None:
    with PostgreSQL() as server, connect(server) as connection:
        halted = server.halt()
        with ThreadPoolExecutor(1) as asking:
            asked = asking.submit(connection.execute, "SELECT 1")
            assert not wait({asked}, timeout=0.2).done
            server.go_on(halted)
            assert asked.result(timeout=30).fetchone() == (1,)


def test_a_server_whose_sessions_may_not_write_recovers_and_has_what_it_had() -> None:
    with PostgreSQL(durable=True) as server:
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
            server.forbid_writing()
            with pytest.raises(psycopg.Error):
                connection.execute("CREATE TABLE refused AS SELECT generate_series(1, 100000) AS n")
        assert wait_until(lambda: tables(server)) == ["kept"]


def connect(server: PostgreSQL) -> psycopg.Connection:
    return psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True)


def tables(server: PostgreSQL) -> list[str]:
    try:
        with connect(server) as connection:
            return [
                name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
    except psycopg.OperationalError:
        return []
