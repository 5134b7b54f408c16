"""`roomwatch retention` as people meet it, on both stores."""

from __future__ import annotations

import io
import re
import time
from typing import Final

import pytest
from sqlalchemy import Engine, text

from collector.cli.retention_progress import Progress
from collector.store.retention import DAY_US, Due, Gone
from tests.contract.conftest import store_engine  # noqa: F401 - a fixture
from tests.filling import fill
from tests.histories import Life, session_id
from tests.stage import roomwatch

NOW_US: Final = time.time_ns() // 1000  # noqa: TID251 - the command's own clock is the machine's


@pytest.fixture
def url(store_engine: Engine) -> str:  # noqa: F811 - the fixture
    lives = []
    for number, days in enumerate((400, 300, 40, 3)):
        at_us = NOW_US - days * DAY_US
        lives.append(Life(session_id(number, at_us), at_us).connecting().connected().disconnected(reason="leave"))
    fill(store_engine, lives, now_us=NOW_US)
    if store_engine.dialect.name == "postgresql":
        with store_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    return store_engine.url.render_as_string(hide_password=False).replace("+psycopg", "").replace("+pysqlite", "")


def found(shown: str) -> dict[str, str]:
    """How many rows of each kind are old, as it is shown."""
    return dict(re.findall(r"^  (\w+) .* UTC  (.*)$", shown, re.MULTILINE))


def test_without_apply_it_says_what_would_go_and_deletes_nothing(url: str) -> None:
    said = [roomwatch("retention", database_url=url) for _ in range(2)]
    assert [one.returncode for one in said] == [0, 0]
    assert found(said[0].stdout) == found(said[1].stdout)
    about = "about " if url.startswith("postgresql") else ""
    assert found(said[0].stdout) == {
        "events": f"{about}9 rows",
        "sessions": "2 rows",
        "outages": "0 rows",
        "rollups": "0 rows",
        "dead_letters": "0 rows",
        "incidents": "0 rows",
    }
    assert said[0].stdout.endswith("nothing was deleted; `roomwatch retention --apply` does it\n")


def test_with_apply_it_deletes_and_says_what_went(url: str) -> None:
    said = roomwatch("retention", "--apply", database_url=url)
    assert said.returncode == 0
    assert re.fullmatch(r"(\w+: .* rows.*\n)*", said.stderr)  # how far it is, where it takes long
    assert re.search(r"^deleted: 9 events, 2 sessions(, 3 days of events as a whole)?$", said.stdout, re.MULTILINE)
    again = roomwatch("retention", "--apply", database_url=url)
    assert set(found(again.stdout).values()) == {"0 rows"}
    assert again.stdout.endswith("deleted: nothing\n")


def test_progress_tells_rows_rate_and_time_left() -> None:
    readings = iter([0, 0, 10_000_000, 20_000_000])
    out = io.StringIO()
    dues = [Due("events", 35, 0, 100, ("events_20260101", "events_20260102")), Due("sessions", 180, 0, 4_000)]
    shown = Progress(dues, lambda: next(readings), out)
    shown.tell(Gone("sessions", 1_000))
    shown.tell(Gone("sessions", 1_000))
    shown.tell(Gone("events", 50, "events_20260101"))
    shown.end()
    assert out.getvalue().splitlines() == [
        "sessions: 2,000 of 4,000 rows, 200/s, 10 s left",
        "events: 50 of 100 rows, 1 of 2 days",
    ]
    assert shown.summary() == "2,000 sessions, 50 events, 1 day of events as a whole"
