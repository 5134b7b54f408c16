"""Closed days as Parquet: whole, true to the store, and readable by others."""

import json
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, Table, func, select

from collector.archive import TABLES, Archive, closed_days, schema_of
from collector.errors import ArchiveError
from collector.store.engine import make_engine, migrate
from collector.store.tables import outages, sessions
from session_core.instants import us_from_utc
from tests.archives import (
    BEGUN_US,
    DAY_US,
    NOW_US,
    SESSIONS,
    TODAY,
    failures_by_the_api,
    fill_a_month,
    statements,
    write_all,
)
from tests.filling import fill
from tests.histories import Life, fleet, session_id
from tests.stage import roomwatch


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store of each kind, empty."""
    if request.param == "sqlite":
        made = make_engine(f"sqlite:///{tmp_path}/store.db")
        migrate(made)
    else:
        made = make_engine(request.getfixturevalue("postgresql_url"))
    yield made
    made.dispose()


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A store with two days of a few sessions."""
    made = make_engine(f"sqlite:///{tmp_path}/store.db")
    migrate(made)
    fill(made, fleet(20, begun_us=BEGUN_US, every_us=DAY_US // 10), now_us=NOW_US)
    yield made
    made.dispose()


def quiet(_done: int, _of: int) -> None:
    """Hears of progress and says nothing."""


def test_duckdb_answers_the_failure_codes_of_a_month_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    fill_a_month(engine)
    archive = write_all(engine, tmp_path / "archive")
    assert len(archive.days()) == 33
    sql = next(statements()).replace("'archive/", f"'{tmp_path}/archive/")
    found = sorted(duckdb.connect().execute(sql).fetchall())
    assert found == failures_by_the_api(engine)
    assert sum(count for _, _, count in found) > SESSIONS // 20


def test_a_day_holds_what_the_store_does_row_for_row(engine: Engine, tmp_path: Path) -> None:
    fill(engine, fleet(20, begun_us=BEGUN_US, every_us=DAY_US // 10), now_us=NOW_US)
    archive = write_all(engine, tmp_path)
    for name, table in TABLES.items():
        columns = [column for column in schema_of(name).names if column != "correction_us"]
        with engine.connect() as connection:
            kept = [
                tuple(_shown(value) for value in row)
                for row in connection.execute(select(*(table.c[n] for n in columns)).order_by(*table.primary_key))
            ]
        found = [
            tuple(_shown(row[column]) for column in columns)
            for day in archive.days()
            for row in pq.read_table(archive.path(day) / name).to_pylist()
        ]
        assert found == kept
        assert len(found) > 0


def test_the_manifest_counts_the_rows(small: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    told: list[tuple[int, int]] = []
    written = archive.write(small, date(2025, 11, 30), lambda done, of: told.append((done, of)))
    manifest = json.loads((archive.path(written.day) / "manifest.json").read_text())
    assert manifest == {"schema": 1, "day": "2025-11-30", "rows": written.rows}
    assert written.rows["sessions"] == 10
    assert told[-1] == (sum(written.rows.values()),) * 2


def test_the_schema_of_version_one_is_what_readers_were_promised() -> None:
    assert {name: len(schema_of(name).names) for name in TABLES} == {"sessions": 41, "outages": 16, "events": 22}
    assert str(schema_of("sessions").field("ended_at").type) == "timestamp[us, tz=UTC]"
    assert [schema_of(name).field("session_id").type for name in TABLES] == ["string"] * 3


def test_a_day_is_written_once(small: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.write(small, date(2025, 11, 30), quiet)
    with pytest.raises(ArchiveError, match="is there already; a day is written once"):
        archive.write(small, date(2025, 11, 30), quiet)


def test_what_breaks_off_leaves_nothing_that_looks_like_a_day(small: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.write(small, date(2025, 11, 30), stop)
    assert (archive.days(), list((tmp_path / "archive" / "v1").iterdir())) == ([], [])


# Kills itself in the middle of the day, as often as it is told to go on before that.
KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from collector.archive import Archive
from collector.store.engine import make_engine

left = [int(sys.argv[3])]

def tell(done, of):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)

archive = Archive(Path(sys.argv[2]))
with archive.alone():
    archive.write(make_engine(sys.argv[1]), date(2025, 11, 30), tell)
"""


@pytest.mark.parametrize("table", [1, 2, 3])
def test_a_run_that_is_killed_leaves_no_day_and_the_next_run_writes_it_whole(
    small: Engine, tmp_path: Path, table: int
) -> None:
    folder = tmp_path / "archive"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(small.url), folder, str(table)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert Archive(folder).days() == []
    assert list(folder.glob("v1/day=*")) == []
    assert len(list(folder.glob("v1/.unfinished-*/*/part-0.parquet"))) == table
    again = roomwatch("archive", str(folder), database_url=small.url)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, f"2 days are in {folder}")
    assert sorted(path.name for path in (folder / "v1").iterdir()) == [".lock", "day=2025-11-30", "day=2025-12-01"]
    count = duckdb.connect().execute(f"SELECT count(*) FROM read_parquet('{folder}/v1/day=*/sessions/*.parquet')")
    assert count.fetchall() == [(20,)]


def test_two_runs_do_not_write_one_archive_at_a_time(small: Engine, tmp_path: Path) -> None:
    with Archive(tmp_path / "archive").alone():
        second = roomwatch("archive", str(tmp_path / "archive"), database_url=small.url)
    assert second.returncode == 2
    assert "archive/v1 is being written by another process" in second.stderr
    assert Archive(tmp_path / "archive").days() == []


def test_a_file_that_does_not_hold_what_the_store_counted_makes_no_day(small: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    part = tmp_path / "archive" / "v1" / ".unfinished-2025-11-30" / "sessions" / "part-0.parquet"

    def lose_a_row(done: int, of: int) -> None:
        if done == of:
            pq.write_table(pq.read_table(part, partitioning=None).slice(1), part)

    with pytest.raises(ArchiveError, match="holds 9 rows, the store counted 10; nothing was archived"):
        archive.write(small, date(2025, 11, 30), lose_a_row)
    assert (archive.days(), list((tmp_path / "archive" / "v1").iterdir())) == ([], [])


def test_a_day_is_as_the_store_was_when_it_was_begun_whatever_is_written_meanwhile(
    engine: Engine, tmp_path: Path
) -> None:
    fill(engine, fleet(20, begun_us=BEGUN_US, every_us=DAY_US // 10), now_us=NOW_US)
    stored = {name: _count(engine, table) for name, table in TABLES.items()}

    def empty(_done: int, _of: int) -> None:
        with engine.begin() as connection:
            for table in TABLES.values():
                connection.execute(table.delete())

    first = Archive(tmp_path / "first").write(engine, date(2025, 11, 30), quiet)
    second = Archive(tmp_path / "second").write(engine, date(2025, 11, 30), empty)
    assert second == first
    assert min(stored.values()) > 0
    assert {name: _count(engine, table) for name, table in TABLES.items()} == dict.fromkeys(TABLES, 0)


def test_outages_that_outlived_their_session_do_not_keep_its_day_from_the_archive(
    small: Engine, tmp_path: Path
) -> None:
    whole = Archive(tmp_path / "whole").write(small, date(2025, 11, 30), quiet).rows
    with small.begin() as connection:
        of = outages.c.session_id
        gone = connection.execute(select(of).order_by(of).limit(1)).scalar_one()
        theirs = connection.execute(select(func.count()).where(of == gone)).scalar_one()
        connection.execute(sessions.delete().where(sessions.c.session_id == gone))
    rows = Archive(tmp_path / "rest").write(small, date(2025, 11, 30), quiet).rows
    assert rows == {**whole, "sessions": whole["sessions"] - 1, "outages": whole["outages"] - theirs}


def test_days_that_are_not_over_and_days_with_open_sessions_are_not_closed(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    migrate(engine)
    now_us = BEGUN_US + 4 * DAY_US
    old = Life(session_id(1, BEGUN_US), BEGUN_US).connecting().connected().disconnected(reason="leave")
    still = Life(session_id(2, BEGUN_US + DAY_US), now_us - 1_000_000).connecting().connected()
    new = Life(session_id(3, now_us), now_us).connecting().connected().disconnected(reason="leave")
    fill(engine, [old, still, new], now_us=now_us + 1_000_000)
    assert closed_days(engine, date(2025, 12, 4), closed_after_days=2) == ([date(2025, 11, 30)], {date(2025, 12, 1): 1})
    engine.dispose()


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(small: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match=r"the archive .*/file/v1 cannot be written: Not a directory"):
        Archive(tmp_path / "file").write(small, date(2025, 11, 30), quiet)


def test_the_command_writes_what_is_over_and_says_so(small: Engine, tmp_path: Path) -> None:
    folder, url = tmp_path / "archive", str(small.url)
    dry = roomwatch("archive", str(folder), "--dry-run", database_url=url)
    assert (dry.returncode, dry.stdout.splitlines()[0]) == (
        0,
        f"2025-11-30: would be written to {folder}/v1/day=2025-11-30",
    )
    done = roomwatch("archive", str(folder), database_url=url)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"2 days are in {folder}")
    again = roomwatch("archive", str(folder), database_url=url)
    assert (again.returncode, again.stdout) == (0, f"2 days are in {folder}\n")


def test_days_are_counted_from_today(small: Engine) -> None:
    assert closed_days(small, TODAY, closed_after_days=36)[0] == [date(2025, 11, 30)]
    assert closed_days(small, TODAY, closed_after_days=37)[0] == []


def _shown(value: Any) -> Any:
    """Times as µs, ids as text: both sides mean the same."""
    if isinstance(value, datetime):
        return us_from_utc(value.astimezone(UTC))
    return str(value) if type(value).__name__ == "UUID" else value


def _count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()
