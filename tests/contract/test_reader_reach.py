"""How far back the Reader looks for who can tell of a stretch of time: as far as it takes, and by an index."""

from __future__ import annotations

import pytest
from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from collector.store.questions import Span
from collector.store.reader import Reader
from collector.store.reading import may_tell_of, told_in
from collector.store.tables import sessions
from tests.filling import fill
from tests.histories import MINUTE_US, START_US, Life, session_id

DAY_MS = 86_400_000
NOW_US = START_US + 40 * DAY_MS * 1000
HOUR = Span(NOW_US - 60 * MINUTE_US, NOW_US)


def test_an_outage_of_a_session_that_began_weeks_ago_is_among_the_latest(store_engine: Engine) -> None:
    life = Life(session_id(1)).connecting().later(300).connected().later(40 * DAY_MS - 600_000)
    life.reconnecting().later(4_000).reconnected().later(60_000).disconnected(reason="leave")
    fill(store_engine, [life], now_us=NOW_US)
    latest = Reader(store_engine).latest_outages(HOUR, now_us=NOW_US)
    assert [one.outage.outcome for one in latest.items] == ["recovered"]
    assert latest.completeness.sessions == 1


@pytest.mark.parametrize("condition", [may_tell_of(HOUR), told_in(HOUR)])
def test_who_can_tell_of_an_hour_is_found_without_reading_all_sessions(
    store_engine: Engine, condition: ColumnElement[bool]
) -> None:
    on_postgresql = store_engine.dialect.name == "postgresql"
    dialect = postgresql.dialect() if on_postgresql else sqlite.dialect()  # type: ignore[no-untyped-call]
    asked = select(sessions.c.session_id).where(condition)
    statement = asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    with store_engine.connect() as connection:
        if on_postgresql:
            # An empty table is read as a whole, whatever indexes there are.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN" if on_postgresql else "EXPLAIN QUERY PLAN"
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}".replace("%", "%%")))
    assert "sessions_told_until" in plan
    assert "sessions_fate_ended" in plan
    assert "sessions_started" not in plan
