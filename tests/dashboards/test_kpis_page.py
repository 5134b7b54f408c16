"""What the pages of KPIs offer to copy can be run."""

import re
from uuid import UUID

import promql_parser
import pytest
from sqlalchemy import Table, create_engine, insert, text

from collector.metrics import Metrics
from collector.store.tables import events, metadata, outages, rollups, sessions
from tests.dashboards.rule_files import ROOT

PAGE = "".join((ROOT / "docs" / name).read_text() for name in ("kpis.md", "kpis-sql.md"))
PROMQL = re.findall(r"^```promql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SQL = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("expr", PROMQL)
def test_an_expression_is_promql_of_metrics_that_exist(expr: str) -> None:
    from prometheus_client import CollectorRegistry

    listed = {metric.name for metric in Metrics(CollectorRegistry(), version="0").listed}
    assert promql_parser.parse(expr) is not None
    assert {re.sub("_bucket$", "", name) for name in re.findall(r"\brtc_\w+", expr)} <= listed


def rollup(kind: str, n: int, **values: object) -> dict[str, object]:
    empty = dict.fromkeys(("cause", "outcome", "fate", "region", "sdk", "sdk_version", "app_version"), "")
    sums = dict.fromkeys("abcd", 0) | {"n": n}
    return {"minute": 5, "kafka_partition": 0, "kind": kind, "code": -1, **sums, **empty, **values}


def row(table: Table, **values: object) -> dict[str, object]:
    """A row in which nothing is told but these values."""
    needed = (column.name for column in table.c if not column.nullable)
    return {name: b"" if name == "keys" else 0 for name in needed} | values


def session(number: int, **values: object) -> dict[str, object]:
    return (
        row(sessions, session_id=UUID(int=number))
        | dict.fromkeys(("joined_at", "ended_at", "token_expires_at"))
        | values
    )


def test_the_sql_of_the_page_gives_the_figures_of_its_formulas() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine, tables=[rollups, sessions, outages, events])
    there = [
        session(1, joined_at=100, ended_at=1_200, outages=19, fate="dropped", first_append_at=1_100),
        session(2, joined_at=300, outages=1, fate="live", token_expires_at=5_000),
        session(3, joined_at=400, ended_at=1_500, fate="left"),
        session(4, joined_at=200, ended_at=900, fate="left"),
        session(5, ended_at=1_100, fate="not_joined"),
        session(6, fate="connecting"),
        session(7, ended_at=1_300, fate="lost"),
        session(8, joined_at=500, fate="live", token_expires_at=7_000),
    ]
    told = [row(events, session_id=UUID(int=1), seq=seq, append_at=7, stored_at=8 + seq) for seq in range(100)]
    opened = [
        row(
            outages,
            session_id=UUID(int=1 if number else 2),
            number=number,
            opened_at=1_100,
            outcome="recovered",
            downtime_ms=100 * (number + 1),
        )
        for number in range(20)
    ]
    rows = [
        rollup("started", 100),
        rollup("joined", 90, c=60, d=6),
        rollup("ended", 5, fate="not_joined", c=90, d=100),
        rollup("ended", 4, fate="not_joined", code=53000),
        rollup("ended", 1, fate="not_joined", code=53105),
        rollup("ended", 9, fate="dropped", code=53002, a=3_600_000, b=400_000),
        rollup("outage", 20, a=5),
        rollup("outage_ended", 12, outcome="recovered", b=12, c=10, d=8),
        rollup("outage_ended", 3, outcome="failed", b=18, c=2),
        rollup("outage_ended", 5, outcome="abandoned"),
    ]
    with engine.begin() as connection:
        for table, its in ((rollups, rows), (sessions, there), (outages, opened), (events, told)):
            connection.execute(insert(table), its)
        bounds = {"from_minute": 0, "to_minute": 60, "since": 1_000, "until": 2_000, "within": 6_000}
        answers = [connection.execute(text(sql), bounds).all() for sql in SQL]
    assert answers == [
        [(90 / 95, 0.1, 0.0, 360.0, 0.9)],
        [(0.6, 0.8, 0.25, 2.5, 0.8)],
        [(0.25, 20.0, 0.1, 0.9)],
        [(1_900,)],
        [(0.5,)],
        [("join", 53000, 4, 0.8), ("join", 53105, 1, 0.2), ("session", 53002, 9, 1.0)],
        [(0.5,)],
        [(99,)],
    ]
