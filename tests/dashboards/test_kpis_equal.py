"""For the same events API, SQL and PromQL give the same number: real Kafka, PostgreSQL, collector and Prometheus.

The expressions are those of docs/kpis.md, taken from the page. Tolerances:
- Ratios agree to 1e-9. `increase` stretches what it saw to the whole range; where every series is scraped at the same
  moments and begins at 0, it stretches all by one factor, and ratios lose it.
- Quantiles agree to the bucket: Prometheus knows in which one a duration lies, the store knows the duration.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from collector.metric_list import OUTAGE_EDGES_S
from session_core.errors import Origin
from tests.collector.conftest import LETTERS
from tests.dashboards.rule_files import ROOT
from tests.histories import MINUTE_US, Life, fleet, session_id
from tests.servers.kafka import Kafka
from tests.servers.prometheus import Prometheus
from tests.stage import Running, Stage
from tests.waiting import wait_until

PAGE: Final = (ROOT / "docs" / "kpis.md").read_text()
PROMQL: Final = {
    heading.lower().replace(",", "").replace("-", "_").replace(" ", "_"): expr
    for heading, expr in re.findall(
        r"^([A-Z][^:;\n]*)[:;][^\n]*\n\n```promql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
}
SQL: Final = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CONFIGURATION: Final = """
global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: roomwatch, static_configs: [{targets: ["%s"]}]}
"""
SCRAPED: Final = 'sum(rtc_collector_events_total{result=~"stored|duplicate"})'


class World:
    """A collector that has stored a fleet's last minutes, and Prometheus that saw it do so from 0 on."""

    def __init__(self, stage: Stage, running: Running, prometheus: Prometheus) -> None:
        self.stage, self.running, self.prometheus = stage, running, prometheus

    def asked(self, path: str) -> Any:
        return httpx.get(f"{self.running.url}/api/v1/{path}", timeout=10).raise_for_status().json()

    def scraped(self, expr: str) -> dict[tuple[str, ...], float]:
        """The values of an expression by those of their labels, in the order of the labels' names."""
        found = self.prometheus.query(expr)
        return {tuple(one["metric"][name] for name in sorted(one["metric"])): float(one["value"][1]) for one in found}


def lives_until(now_us: int) -> list[Life]:
    """A fleet of the last ten minutes in which all have ended, and everything has happened that a KPI counts."""
    lives = fleet(160, begun_us=now_us - 8 * MINUTE_US, every_us=1_500_000)
    for life in lives:
        if life.state != "disconnected":
            life.later(2_000).disconnected(reason="leave", origin=Origin.LOCAL)
    begun_us = now_us - 5 * MINUTE_US
    ends: tuple[dict[str, Any], ...] = (
        {"code": 53002, "origin": Origin.WINDOW},
        {"reason": "leave", "origin": Origin.LOCAL},
        {"code": 53405, "origin": Origin.MEDIA},
    )
    for number in range(9):
        life = Life(session_id(900 + number, begun_us), begun_us).connecting().later(500).connected().later(20_000)
        life.reconnecting().later(900 + 700 * number).attempted().reconnected().later(4_000)
        lives.append(life.reconnecting().later(1_000 + 2_000 * number).disconnected(**ends[number % 3]))
    return [life for life in lives if life.now_us < now_us]


@pytest.fixture(scope="module")
def world(kafka: Kafka, postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    topic, database = "kpis-are-equal", postgresql.make_database(migrated=True)
    kafka.create_topic(topic, 4)
    kafka.create_topic(f"{topic}.dead-letters", settings=LETTERS)
    stage = Stage(kafka, topic, 4, postgresql.url(database), tmp_path_factory.mktemp("kpis"))
    sdks = "twilio-video.js,livekit,roomwatch-python,unknown"
    known = {"metrics_regions": "ie1,us1,de1,unknown", "metrics_sdks": sdks}
    with stage.collector(**known) as running:
        address = running.url.removeprefix("http://")
        with Prometheus(CONFIGURATION % address) as prometheus:
            here = World(stage, running, prometheus)
            wait_until(lambda: here.scraped(SCRAPED) == {(): 0.0}, within_s=30)
            lives = lives_until(time.time_ns() // 1000)  # noqa: TID251 - counters count what is recent
            stage.until_stored(stage.tell(lives))
            told = sum(len(life.sent) for life in lives)
            wait_until(lambda: here.scraped(SCRAPED) == {(): float(told)}, within_s=30)
            yield here
    stage.close()
    postgresql.drop_database(database)


OF_THE_API: Final = {
    "join_success",
    "drop_rate",
    "drop_free_sessions",
    "reconnect_incidence",
    "reconnect_success_strict",
    "reconnect_success_lenient",
    "abandonment",
    "flaps",
    "time_reconnecting",
    "availability",
}


def test_the_page_gives_an_expression_for_every_figure_that_prometheus_can_tell() -> None:
    assert PROMQL.keys() == OF_THE_API | {
        "time_to_reconnect",
        "failure_code_share",
        "token_risk",
        "telemetry_completeness",
        "freshness",
    }


@pytest.mark.parametrize("name", sorted(OF_THE_API))
def test_api_and_promql_give_the_same_figure(world: World, name: str) -> None:
    told = world.asked("kpis?since=-1h")["kpis"][name]
    assert told["numerator"] > 0
    assert told["denominator"] > told["numerator"] or name in {"reconnect_incidence", "time_reconnecting"}
    assert world.scraped(PROMQL[name]) == {(): pytest.approx(told["value"], rel=1e-9)}


def test_api_and_sql_give_the_same_figures(world: World) -> None:
    told = world.asked("kpis?since=-1h")["kpis"]
    now_minute = time.time_ns() // 60_000_000_000  # noqa: TID251 - as above
    bounds = {"from_minute": now_minute - 60, "to_minute": now_minute + 1}
    found: dict[str, float] = {}
    with world.stage.engine.connect() as connection:
        for sql in SQL[:-1]:
            row = connection.execute(text(sql), bounds).one()
            found |= {name: float(value) for name, value in row._mapping.items()}
        shares = connection.execute(text(SQL[-1]), bounds).all()
    # To the sessions that ended the API adds those that go on.
    of_the_page = OF_THE_API | {"attempts_per_outage", "recovered_at_first_attempt", "short_tokens"}
    assert found.keys() - {"telemetry_completeness"} == of_the_page
    assert {name: found[name] for name in of_the_page} == {
        name: pytest.approx(told[name]["value"], rel=1e-9) for name in of_the_page
    }
    items = world.asked("breakdowns/failure-codes?since=-1h")["items"]
    assert [(one["phase"], one["error"]["code"], one["count"]) for one in items] != []
    assert {(row.phase, row.code): (row.sessions, pytest.approx(float(row.share))) for row in shares} == {
        (one["phase"], one["error"]["code"]): (one["count"], one["share"]) for one in items
    }


def test_api_and_promql_give_the_same_share_of_every_code(world: World) -> None:
    shares = {key: share for key, share in world.scraped(PROMQL["failure_code_share"]).items() if share}
    told: dict[tuple[str, str], float] = {}
    for one in world.asked("breakdowns/failure-codes?since=-1h")["items"]:
        code = str(one["error"]["code"])
        # A code that the catalogue does not have is `other` among labels.
        key = (code if (code, one["phase"]) in shares else "other", one["phase"])
        told[key] = told.get(key, 0.0) + one["share"]
    assert len(told) >= 4
    assert shares == {key: pytest.approx(share) for key, share in told.items()}


def test_quantiles_agree_to_the_bucket(world: World) -> None:
    edges = (0.0, *OUTAGE_EDGES_S)
    told = world.asked("kpis?since=-1h")["distributions"]["time_to_reconnect"]
    for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        expr = PROMQL["time_to_reconnect"].replace("0.95", str(q))
        ((_, seconds),) = world.scraped(expr).items()
        upper = bisect_left(edges, told[name] / 1000)
        assert edges[upper - 1] <= seconds <= edges[upper], name


def test_api_and_promql_give_the_same_completeness(world: World) -> None:
    share = world.asked("kpis?since=-1h")["completeness"]["share"]
    assert share < 1
    assert world.scraped(PROMQL["telemetry_completeness"]) == {(): pytest.approx(share, rel=1e-9)}


def test_counts_agree_where_nothing_is_stretched(world: World) -> None:
    kpis = world.asked("kpis?since=-1h")["kpis"]
    accounts = {
        "sum(rtc_sessions_joined_total)": kpis["join_success"]["numerator"],
        "sum(rtc_outages_started_total)": kpis["reconnect_incidence"]["numerator"],
        'sum(rtc_outages_ended_total{outcome="abandoned"})': kpis["abandonment"]["numerator"],
        'sum(rtc_outage_duration_seconds_count{outcome="recovered"})': kpis["reconnect_success_strict"]["numerator"],
        "sum(rtc_state_seconds_total)": kpis["availability"]["denominator"],
    }
    assert {expr: world.scraped(expr) for expr in accounts} == {
        expr: {(): pytest.approx(count)} for expr, count in accounts.items()
    }
