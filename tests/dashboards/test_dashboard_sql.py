"""Every SQL statement of the dashboards is answered by a real PostgreSQL, for a role that can only read."""

import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import dict_row

from collector.demo.life import SECOND_US
from collector.store.engine import make_engine
from collector.store.stretches import FIVES_AN_HOUR, Stretches
from tests.dashboards.rule_files import DASHBOARDS
from tests.dashboards.shown import COMMITTED, PANELS
from tests.servers.postgresql import PostgreSQL
from tools.dashboards import lint
from tools.dashboards.lint_queries import of_sql
from tools.dashboards.releases import FEWEST_A_POINT
from tools.dashboards.sql import FEWEST, Z
from tools.dashboards.sql_macros import expanded
from tools.preview.lived import Collected, records

SESSIONS = 900
RANGE_S = 6 * 3_600
LONG_S = 30 * 3_600
"""Long enough for points of an hour."""
STEP_S = 900

STATEMENTS = sorted({sql for one in COMMITTED.values() for sql in lint.statements(one)})
TARGETS = [(name, target) for name, panel in PANELS.items() for target in panel["targets"] if "rawSql" in target]
EACH_TARGET = pytest.mark.parametrize("target", [target for _, target in TARGETS], ids=[name for name, _ in TARGETS])


class Store(NamedTuple):
    """A filled store as Grafana's role sees it."""

    url: str
    now_s: int
    room: str

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.url, autocommit=True, options="-c role=roomwatch_grafana")

    def expanded(self, sql: str, chosen: Mapping[str, str] | None = None, range_s: int = RANGE_S) -> str:
        return expanded(sql, self.now_s - range_s, self.now_s, {"room": self.room, **(chosen or {})})

    def ask(self, sql: str, chosen: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        with self.connect() as connection:
            cursor = connection.execute(self.expanded(sql, chosen))
            columns = [column.name for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor]


@pytest.fixture(scope="module")
def store(postgresql: PostgreSQL) -> Iterator[Store]:
    """Six hours of the demo's fleet: an incident of one region, and a release whose media breaks."""
    name = postgresql.make_database(migrated=True)
    now_s = time.time_ns() // 10**9  # noqa: TID251 - partitions are made for the days around now
    engine = make_engine(postgresql.url(name))
    log = records(now_s * SECOND_US, Random(5), SESSIONS)
    steps = list(Collected(engine).live_through(log, now_s * SECOND_US, step_us=STEP_S * SECOND_US))
    assert steps
    assert Stretches(engine).sum_up(now_s * SECOND_US)
    engine.dispose()
    url = postgresql.url(name).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        for _ in range(2):  # it may be run again
            connection.execute((DASHBOARDS / "reading_role.sql").read_bytes())
        found = connection.execute(
            "SELECT room_sid FROM sessions JOIN outages USING (session_id) WHERE outcome = 'failed' AND room_sid <> ''"
            " GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        ).fetchone()
        assert found is not None
    yield Store(url, now_s, found[0])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY roomwatch_grafana")
        connection.execute("DROP ROLE roomwatch_grafana")
    postgresql.drop_database(name)


@EACH_TARGET
def test_every_statement_of_a_panel_is_answered_with_values(store: Store, target: dict[str, Any]) -> None:
    rows = store.ask(target["rawSql"])
    assert rows
    assert all(value is not None for value in rows[0].values()) or len(rows[0]) > 3


@EACH_TARGET
def test_a_time_series_has_its_columns_and_is_in_order_of_time(store: Store, target: dict[str, Any]) -> None:
    rows = store.ask(target["rawSql"])
    if target["format"] == "time_series":
        kinds = [(type(row["time"]), type(row["metric"]), type(row["value"])) for row in rows]
        assert set(kinds) == {(datetime, str, float)}
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    else:
        assert not {"time", "metric"} & set(rows[0])


@pytest.mark.parametrize("range_s", [RANGE_S, LONG_S])
@pytest.mark.parametrize("sql", [sql for sql in STATEMENTS if "whole_fives" in sql])
def test_sums_of_hours_and_fives_answer_as_minutes_do(store: Store, sql: str, range_s: int) -> None:
    asked = store.expanded(sql, range_s=range_s).encode()
    with psycopg.connect(store.url, row_factory=dict_row) as owner:
        by_sums = owner.execute(asked).fetchall()
        assert owner.execute("DELETE FROM whole_hours").rowcount > 2
        assert owner.execute("DELETE FROM whole_fives").rowcount > 2 * FIVES_AN_HOUR
        by_minutes = owner.execute(asked).fetchall()
        owner.rollback()
    assert by_sums == by_minutes


@pytest.mark.parametrize("sql", STATEMENTS)
def test_no_statement_reads_through_all_events(store: Store, sql: str) -> None:
    with store.connect() as connection:
        plan = [row[0] for row in connection.execute(f"EXPLAIN {store.expanded(sql)}")]
    with psycopg.connect(store.url) as owner:
        # A day without events costs nothing to look through, and PostgreSQL prefers that to its index.
        empty = {
            row[0]
            for row in owner.execute("SELECT relname FROM pg_class WHERE relname LIKE 'events_%' AND relpages = 0")
        }
    scanned = {found[1] for line in plan if (found := re.search(r"Seq Scan on (events\w*)", line))}
    assert scanned - empty == set()


def test_a_statement_that_reads_through_all_events_would_be_found(store: Store) -> None:
    with store.connect() as connection:
        plan = [row[0] for row in connection.execute("EXPLAIN SELECT max(event_at) FROM events WHERE reason = 'leave'")]
    assert any("Seq Scan on events" in line for line in plan)


@pytest.mark.parametrize("name", ["region", "sdk", "version", "code"])
def test_a_variable_has_words_to_choose_from_and_choosing_one_leaves_fewer_sessions(store: Store, name: str) -> None:
    dashboard = COMMITTED["roomwatch-releases.json"]
    (variable,) = [one for one in dashboard["templating"]["list"] if one["name"] == name]
    words = [row["word"] for row in store.ask(variable["query"])]
    assert len(words) > 1
    title = "Failure codes by app version" if name == "code" else "Sessions that ended"
    (sql,) = [target["rawSql"] for label, target in TARGETS if label == f"roomwatch-releases: {title}"]

    def total(chosen: Mapping[str, str]) -> float:
        return sum(float(row.get("Sessions") or row["sessions"]) for row in store.ask(sql, chosen))

    assert sum(total({name: word}) for word in words) == total({})


def statement_of(title: str) -> str:
    (sql,) = [target["rawSql"] for label, target in TARGETS if label == f"roomwatch-releases: {title}"]
    return str(sql)


def test_a_code_splits_what_was_dropped_by_version(store: Store) -> None:
    sql = statement_of("Drop-free sessions by app version")
    of_all = {row["Version"]: row["Dropped"] for row in store.ask(sql)}
    found = store.ask(statement_of("Failure codes by app version"))
    with_code = {
        row["Version"]: row["Sessions"] for row in found if (row["Code"], row["Phase"]) == ("53405", "session")
    }
    split = {row["Version"]: row["Dropped"] for row in store.ask(sql, {"code": "53405"})}
    assert split.keys() == of_all.keys()
    assert {version: number for version, number in split.items() if number} == with_code
    assert 0 < sum(split.values()) < sum(of_all.values())


def test_attempts_per_outage_are_those_of_the_outages_that_the_core_drove(store: Store) -> None:
    ((of_all,),) = (row.values() for row in store.ask(statement_of("Attempts per outage")))
    with store.connect() as connection:
        counted = (
            "SELECT sum(attempts)::float8 / count(*) FROM outages WHERE outcome <> 'open' AND attempts IS NOT NULL"
        )
        assert connection.execute(counted).fetchone() == (pytest.approx(of_all),)
    points = store.ask(statement_of("Attempts per outage, by app version"))
    assert len({row["metric"] for row in points}) > 1
    assert min(row["value"] for row in points) < of_all < max(row["value"] for row in points)


def test_a_word_with_a_quote_in_it_is_a_word(store: Store) -> None:
    (sql,) = [t["rawSql"] for label, t in TARGETS if label == "roomwatch-releases: Drop-free sessions by app version"]
    assert store.ask(sql, {"version": "4.7.0') OR ('' = '"}) == []


def judgements(store: Store) -> dict[str, dict[str, Any]]:
    (sql,) = [t["rawSql"] for label, t in TARGETS if label == "roomwatch-releases: Drop-free sessions by app version"]
    return {row["Version"]: row for row in store.ask(sql)}


def test_the_release_whose_media_breaks_is_called_worse_and_no_other_one(store: Store) -> None:
    judged = judgements(store)
    assert judged["4.8.0"]["Sessions"] >= FEWEST
    assert {version for version, row in judged.items() if row["Beside the others"] == "worse"} == {"4.8.0"}


def test_the_interval_of_a_release_is_that_of_wilson(store: Store) -> None:
    row = judgements(store)["4.7.0"]
    n, share = row["Sessions"], 1 - row["Dropped"] / row["Sessions"]
    middle = (share + Z**2 / 2 / n) / (1 + Z**2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / 4 / n**2) / (1 + Z**2 / n)
    assert (row["Drop-free"], row["From"], row["To"]) == pytest.approx((share, middle - half, middle + half))


def test_points_of_few_sessions_are_left_out_of_the_chart_of_shares(store: Store) -> None:
    (sql,) = [t["rawSql"] for label, t in TARGETS if label == "roomwatch-releases: Dropped share by app version"]
    all_points = store.ask(sql.replace(f"sessions >= {FEWEST_A_POINT}", "sessions >= 1"))
    assert len(store.ask(sql)) < len(all_points)


@pytest.mark.parametrize(
    "statement",
    ["SELECT key FROM dead_letters", "DELETE FROM sessions", "UPDATE rollups SET n = 0", "CREATE TABLE t (a int)"],
)
def test_the_role_of_grafana_can_only_read_what_is_shown(store: Store, statement: str) -> None:
    with store.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT * FROM sessions", "columns are named"),
        ("SELECT n FROM rollups WHERE region = '$region'", "needs :sqlstring"),
        ("SELECT n FROM rollups WHERE region IN (${region})", "needs :sqlstring"),
        ("DELETE FROM sessions", "only reads"),
    ],
)
def test_the_linter_finds_in_sql(sql: str, fault: str) -> None:
    assert fault in "\n".join(of_sql(sql, [], "table"))


def test_the_linter_finds_a_time_series_without_its_columns() -> None:
    assert list(of_sql("SELECT n AS value FROM rollups", ["value"], "time_series")) == [
        "a time series needs time, metric and value"
    ]


def test_a_macro_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="timeGroup"):
        expanded("SELECT $__timeGroup(a)", 0, 1)
