"""A store is brought to this program's schema, or refused with the command that mends it."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from collector.errors import SchemaMismatch, StoreUnavailable, StoreUnreachable
from collector.store.engine import make_engine, migrate, require_schema, schema_state
from collector.store.schema_version import expected_version
from tests.servers.postgresql import PostgreSQL

HIDDEN = "s3cr3t"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    else:
        engine = make_engine(request.getfixturevalue("empty_postgresql_url"))
    yield engine
    engine.dispose()


def test_an_empty_store_is_refused_and_the_message_says_migrate(empty_engine: Engine) -> None:
    with pytest.raises(SchemaMismatch) as refused:
        require_schema(empty_engine)
    assert (refused.value.found, refused.value.expected) == (None, expected_version())
    assert str(refused.value).endswith("run: roomwatch migrate")


def test_a_store_of_an_older_version_is_refused_and_the_message_says_migrate(empty_engine: Engine) -> None:
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    with pytest.raises(SchemaMismatch, match="run: roomwatch migrate"):
        require_schema(empty_engine)


def test_a_store_of_a_newer_program_is_refused_and_left_alone(empty_engine: Engine) -> None:
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '2099_01_01_far'")
    for ask in (require_schema, migrate):
        with pytest.raises(SchemaMismatch, match=r"2099_01_01_far.*pip install --upgrade roomwatch"):
            ask(empty_engine)
    assert schema_state(empty_engine).found == "2099_01_01_far"


def test_migrating_twice_does_nothing_the_second_time(empty_engine: Engine) -> None:
    assert migrate(empty_engine).found is None
    assert migrate(empty_engine).found == expected_version()
    require_schema(empty_engine)


def test_two_processes_that_migrate_at_once_both_succeed(empty_engine: Engine) -> None:
    program = """
import sys
from collector.store.engine import make_engine, migrate
engine = make_engine(sys.argv[1])
sys.stdin.readline()
migrate(engine)
engine.dispose()
"""
    command = [sys.executable, "-c", program, empty_engine.url.render_as_string(hide_password=False)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[1] for process in both]
    assert told == ["", ""]
    require_schema(empty_engine)


def test_two_threads_that_migrate_at_once_both_succeed(empty_engine: Engine) -> None:
    with ThreadPoolExecutor(2) as threads:
        before = list(threads.map(migrate, [empty_engine, empty_engine]))
    assert len(before) == 2
    require_schema(empty_engine)


def test_a_migration_leaves_no_time_outs_and_no_lock_behind(empty_postgresql_url: str) -> None:
    engine = make_engine(empty_postgresql_url)
    migrate(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert connection.exec_driver_sql(locks).scalar() == 0
    engine.dispose()


def _url(server: str, **parts: object) -> str:
    return make_url(server).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"port": 1}, "refused"),
        ({"host": "nowhere.invalid"}, "nowhere.invalid"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"username": "nobody"}, 'role "nobody" does not exist'),
    ],
)
def test_a_store_that_cannot_be_reached_says_why_in_one_line_without_the_password(
    postgresql: PostgreSQL, parts: dict[str, object], says: str
) -> None:
    engine = make_engine(_url(postgresql.url(), password=HIDDEN, **parts))
    with pytest.raises(StoreUnreachable, match=says) as refused:
        require_schema(engine)
    assert HIDDEN not in str(refused.value)
    assert "\n" not in str(refused.value)
    engine.dispose()


def test_a_wrong_password_is_told_without_telling_it() -> None:
    # The server that other tests share trusts everyone.
    with PostgreSQL() as server:
        rules = server._data / "pg_hba.conf"
        with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("ALTER USER postgres PASSWORD 'right'")
            rules.write_text("host all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
            connection.execute("SELECT pg_reload_conf()")
        engine = make_engine(_url(server.url(), password=HIDDEN))
        with pytest.raises(StoreUnreachable, match="password authentication failed") as refused:
            require_schema(engine)
        engine.dispose()
    assert HIDDEN not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "says"), [("nowhere/store.db", "unable to open"), ("text", "not a database"), ("", "unable to open")]
)
def test_a_file_that_is_no_store_is_told(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "text").write_text("This is no database at all, but a letter to nobody.\n" * 100, encoding="utf-8")
    engine = make_engine(f"sqlite:///{tmp_path}/{path}")
    with pytest.raises(StoreUnreachable, match=says):
        require_schema(engine)
    engine.dispose()


def test_a_migration_that_cannot_have_its_lock_in_time_gives_up(empty_postgresql_url: str) -> None:
    engine = make_engine(empty_postgresql_url)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num varchar(32) primary key)")
        connection.commit()
        connection.exec_driver_sql("LOCK TABLE alembic_version")
        impatient = make_engine(f"{empty_postgresql_url}?options=-c%20lock_timeout%3D100")
        with pytest.raises(StoreUnavailable, match="timeout"):
            migrate(impatient)
        impatient.dispose()
    engine.dispose()
