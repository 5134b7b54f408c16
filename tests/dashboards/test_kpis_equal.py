"""For the same events API, SQL and PromQL give the same number: real Kafka, PostgreSQL, collector and Prometheus.

The expressions are those of docs/kpis.md and docs/kpis-sql.md, taken from the pages. Tolerances:
- Ratios agree to 1e-9. `increase` stretches what it saw to the whole range; where every series is scraped at the same
  moments and begins at 0, it stretches all by one factor, and ratios lose it.
- Quantiles agree to the bucket: Prometheus knows in which one a duration lies, the store knows the duration. At an
  edge 1e-9 more, since Prometheus reckons where in it.
- Freshness agrees to a bucket either way: the metric is of all records and looks at the clock after the commit, the API
  of 2,000 events at most, whose time in the store was taken before it.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from collector.metric_list import DELAY_EDGES_S, OUTAGE_EDGES_S
from collector.store.reader_kpis import TOKEN_WINDOW_US
from session_core.errors import Origin
from tests.collector.conftest import LETTERS
from tests.dashboards.rule_files import ROOT
from tests.dashboards.shown import PANELS
from tests.histories import MINUTE_US, Life, fleet, session_id
from tests.servers.kafka import Kafka
from tests.servers.prometheus import Prometheus
from tests.stage import Running, Stage
from tests.waiting import wait_until
from tools.dashboards.lint_queries import substituted
from tools.dashboards.releases import APP
from tools.dashboards.sql import judged
from tools.dashboards.sql_macros import expanded
from tools.dashboards.vocabulary import OBJECTIVE

PAGE: Final = "".join((ROOT / "docs" / name).read_text() for name in ("kpis.md", "kpis-sql.md"))
PROMQL: Final = {
    heading.lower().replace(",", "").replace("-", "_").replace(" ", "_"): expr
    for heading, expr in re.findall(
        r"^([A-Z][^:;\n]*)[:;][^\n]*\n\n```promql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
}
*OF_FIGURES, OF_SHARES, OF_TOKENS, OF_FRESHNESS = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
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


@contextmanager
def collected(
    kafka: Kafka, postgresql: Any, folder: Path, topic: str, lives: Callable[[int], list[Life]], **settings: object
) -> Iterator[World]:
    """A world in which a collector has stored what these lives told until now."""
    database = postgresql.make_database(migrated=True)
    kafka.create_topic(topic, 4)
    kafka.create_topic(f"{topic}.dead-letters", settings=LETTERS)
    stage = Stage(kafka, topic, 4, postgresql.url(database), folder)
    sdks = "twilio-video.js,livekit,roomwatch-python,unknown"
    known = {"metrics_regions": "ie1,us1,de1,unknown", "metrics_sdks": sdks}
    with stage.collector(**known, **settings) as running:
        address = running.url.removeprefix("http://")
        with Prometheus(CONFIGURATION % address) as prometheus:
            here = World(stage, running, prometheus)
            wait_until(lambda: here.scraped(SCRAPED) == {(): 0.0}, within_s=30)
            told = stage.tell(lives(time.time_ns() // 1000))  # noqa: TID251 - counters count what is recent
            stage.until_stored(told)
            wait_until(lambda: here.scraped(SCRAPED) == {(): float(told)}, within_s=30)
            yield here
    stage.close()
    postgresql.drop_database(database)


@pytest.fixture(scope="module")
def world(kafka: Kafka, postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("kpis")
    with collected(kafka, postgresql, folder, "kpis-are-equal", lives_until) as here:
        yield here


@pytest.fixture(scope="module")
def living(kafka: Kafka, postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Sessions that are live, with a collector that looks ahead for as long as the API does."""
    folder, of_api = tmp_path_factory.mktemp("living"), {"token_risk_s": TOKEN_WINDOW_US // 1_000_000}
    with collected(kafka, postgresql, folder, "kpis-of-now", alive_at, **of_api) as here:
        yield here


def alive_at(now_us: int) -> list[Life]:
    """Twelve sessions that go on, of which four have a token that ends within the hour."""
    begun_us = now_us - MINUTE_US
    return [
        Life(session_id(number, begun_us), begun_us).connecting().later(500).connected(600 if number < 4 else 7_200)
        for number in range(12)
    ]


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


SHOWN: Final = {
    "roomwatch-overview: Drop-free sessions in the time range": "drop_free_sessions",
    "roomwatch-overview: Join success in the time range": "join_success",
    "roomwatch-overview: Reconnect success in the time range": "reconnect_success_strict",
    "roomwatch-drops: Drop rate in the time range": "drop_rate",
    "roomwatch-outages: Reconnect success in the time range": "reconnect_success_strict",
    "roomwatch-outages: Abandoned": "abandonment",
    "roomwatch-outages: Flaps": "flaps",
}
"""The numbers of dashboards that are a KPI of a time, and which."""


def test_the_page_gives_an_expression_for_every_figure_that_prometheus_can_tell() -> None:
    assert PROMQL.keys() == OF_THE_API | {
        "time_to_reconnect",
        "downtime_of_all_outages",
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


def last_hour() -> dict[str, Any]:
    """What the statements of the page are given."""
    now_minute = time.time_ns() // 60_000_000_000  # noqa: TID251 - as above
    return {
        "from_minute": now_minute - 60,
        "to_minute": now_minute + 1,
        "since": datetime.fromtimestamp((now_minute - 60) * 60, UTC),
        "until": datetime.fromtimestamp((now_minute + 1) * 60, UTC),
        "within": datetime.fromtimestamp((now_minute + 60) * 60, UTC),
    }


def test_api_and_sql_give_the_same_figures(world: World) -> None:
    told = world.asked("kpis?since=-1h")["kpis"]
    found: dict[str, float] = {}
    with world.stage.engine.connect() as connection:
        for sql in OF_FIGURES:
            row = connection.execute(text(sql), last_hour()).one()
            found |= {name: float(value) for name, value in row._mapping.items()}
        shares = connection.execute(text(OF_SHARES), last_hour()).all()
    del found["time_to_reconnect_p95"]
    assert 0 < found["sessions_affected"] < 1
    of_the_page = OF_THE_API | {
        "sessions_affected",
        "attempts_per_outage",
        "recovered_at_first_attempt",
        "short_tokens",
        # To the sessions that ended the API adds those that go on, and here none does.
        "telemetry_completeness",
    }
    assert found.keys() == of_the_page
    assert {name: found[name] for name in of_the_page} == {
        name: pytest.approx(told[name]["value"], rel=1e-9) for name in of_the_page
    }
    items = world.asked("breakdowns/failure-codes?since=-1h")["items"]
    assert [(one["phase"], one["error"]["code"], one["count"]) for one in items] != []
    assert {(row.phase, row.code): (row.sessions, pytest.approx(float(row.share))) for row in shares} == {
        (one["phase"], one["error"]["code"]): (one["count"], one["share"]) for one in items
    }


@pytest.mark.parametrize("percent", [50, 95, 99])
@pytest.mark.parametrize(
    ("which", "of_the_api"), [("outcome = 'recovered'", "time_to_reconnect"), ("outcome <> 'open'", "downtime")]
)
def test_api_and_sql_give_the_same_downtimes(world: World, which: str, of_the_api: str, percent: int) -> None:
    (sql,) = [one for one in OF_FIGURES if "time_to_reconnect_p95" in one]
    asked = sql.replace("95 *", f"{percent} *").replace("outcome = 'recovered'", which)
    with world.stage.engine.connect() as connection:
        found = connection.execute(text(asked), last_hour()).scalar_one()
    assert found == world.asked("kpis?since=-1h")["distributions"][of_the_api][f"p{percent}"] > 0


def test_api_and_sql_give_the_same_freshness(world: World) -> None:
    told = world.asked("kpis?since=-1h")["distributions"]["freshness"]
    with world.stage.engine.connect() as connection:
        found = connection.execute(text(OF_FRESHNESS), last_hour()).scalar_one()
        events = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    # Else the API would look at some alone.
    assert told["count"] == events
    assert found // timedelta(milliseconds=1) == told["p99"] > 0


def test_api_and_sql_give_the_same_token_risk(living: World) -> None:
    wait_until(lambda: living.stage.live_sessions("ie1") > 0, within_s=30)
    told = living.asked("kpis?since=-1h")["kpis"]["token_risk"]["value"]
    with living.stage.engine.connect() as connection:
        found = connection.execute(text(OF_TOKENS), last_hour()).scalar_one()
    assert float(found) == pytest.approx(told, rel=1e-9)
    assert told > 0


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


@pytest.mark.parametrize(
    ("figure", "of_the_api"), [("time_to_reconnect", "time_to_reconnect"), ("downtime_of_all_outages", "downtime")]
)
def test_quantiles_agree_to_the_bucket(world: World, figure: str, of_the_api: str) -> None:
    edges = (0.0, *OUTAGE_EDGES_S)
    told = world.asked("kpis?since=-1h")["distributions"][of_the_api]
    for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        expr = PROMQL[figure].replace("0.95", str(q))
        ((_, seconds),) = world.scraped(expr).items()
        upper = bisect_left(edges, told[name] / 1000)
        assert edges[upper - 1] <= seconds <= edges[upper] * (1 + 1e-9), name


def test_freshness_agrees_to_a_bucket_either_way(world: World) -> None:
    edges = (0.0, 0.0, *DELAY_EDGES_S, inf)
    told = world.asked("kpis?since=-1h")["distributions"]["freshness"]
    ((_, seconds),) = world.scraped(PROMQL["freshness"]).items()
    upper = bisect_left(edges, max(1, told["p99"]) / 1000)
    assert edges[upper - 2] <= seconds <= edges[upper + 1]


def test_api_and_promql_give_the_same_token_risk(living: World) -> None:
    wait_until(lambda: living.scraped("sum(rtc_sessions_live)") == {(): 12.0}, within_s=30)
    told = living.asked("kpis?since=-1h")["kpis"]["token_risk"]
    assert (told["numerator"], told["denominator"]) == (4, 12)
    assert living.scraped(PROMQL["token_risk"]) == {(): pytest.approx(told["value"], rel=1e-9)}


def test_api_and_dashboard_give_the_same_drop_free_share_of_each_version(world: World) -> None:
    now_s = time.time_ns() // 10**9  # noqa: TID251 - as above
    with world.stage.engine.connect() as connection:
        rows = connection.exec_driver_sql(expanded(judged(APP), now_s - 3_600, now_s + 60).replace("%", "%%")).all()
    shown = {row.Version: (row.Sessions - row.Dropped, row.Sessions, row._mapping["Drop-free"]) for row in rows}
    items = world.asked("releases?since=-1h")["items"]
    told = {one["value"] or "unknown": one["drop_free"] for one in items}
    assert len(told) >= 3
    assert shown == {
        version: (one["good"], one["of"], pytest.approx(one["share"], rel=1e-9)) for version, one in told.items()
    }


@pytest.mark.parametrize("panel", SHOWN)
def test_api_and_dashboards_give_the_same_figure(world: World, panel: str) -> None:
    told = world.asked("kpis?since=-1h")["kpis"][SHOWN[panel]]["value"]
    (expr,) = [target["expr"] for target in PANELS[panel]["targets"]]
    assert world.scraped(substituted(expr)) == {(): pytest.approx(told, rel=1e-9)}


def test_api_and_dashboard_give_the_same_use_of_the_budget(world: World) -> None:
    dropped = 1 - world.asked("kpis?since=-1h")["kpis"]["drop_free_sessions"]["value"]
    (target,) = PANELS["roomwatch-overview: Budget used in the time range"]["targets"]
    assert world.scraped(substituted(target["expr"])) == {(): pytest.approx(dropped / (1 - OBJECTIVE), rel=1e-9)}


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
