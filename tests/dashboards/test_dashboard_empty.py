"""What dashboards show of a collector that has told nothing but its start, and of an empty store: a 0 or a word."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest

from tests.dashboards.scraped import Scraped, watched
from tests.dashboards.shown import PANELS
from tests.servers.postgresql import PostgreSQL
from tests.servers.prometheus import Prometheus
from tests.waiting import wait_until
from tools.dashboards.lint_queries import substituted
from tools.dashboards.sql_macros import expanded

SHARE: Final = "a share of sessions, and there was none"
OUTAGE: Final = "a share of outages or a quantile of their downtime, and there was none"
EVENT: Final = "a share of events or a quantile of their delay, and there was none"
PARTITION: Final = "of each partition, and the collector owns none"

EMPTY: Final = {
    "roomwatch-overview: Drop-free sessions in the time range": SHARE,
    "roomwatch-overview: Budget used in the time range": SHARE,
    "roomwatch-overview: Join success in the time range": SHARE,
    "roomwatch-overview: Reconnect success in the time range": OUTAGE,
    "roomwatch-overview: Telemetry behind": PARTITION,
    "roomwatch-overview: Dropped share over the last hour, by region": SHARE,
    "roomwatch-drops: Drop rate in the time range": SHARE,
    "roomwatch-drops: Failures to attempts over the last hour, by region": "a share of attempts, and there was none",
    "roomwatch-outages: Reconnect success in the time range": OUTAGE,
    "roomwatch-outages: Abandoned": OUTAGE,
    "roomwatch-outages: Outages per hour in a room": "a rate by the hours in rooms, and nobody was in one",
    "roomwatch-outages: 95 % are back within": OUTAGE,
    "roomwatch-outages: Flaps": OUTAGE,
    "roomwatch-outages: Time to reconnect": OUTAGE,
    "roomwatch-outages: Reconnect success over the last hour": OUTAGE,
    "roomwatch-outages: Time reconnecting per session-hour": SHARE,
    "roomwatch-telemetry: Behind": PARTITION,
    "roomwatch-telemetry: Stored within": EVENT,
    "roomwatch-telemetry: Complete": EVENT,
    "roomwatch-telemetry: Behind, by partition": PARTITION,
    "roomwatch-telemetry: Records waiting": PARTITION,
    "roomwatch-telemetry: From append to store, and transactions": EVENT,
}
"""The panels that have no number then, and why 0 would be a lie; what they show instead is a word."""
LOOKED_BACK: Final = (
    "max_over_time(sum(rtc_sessions_live)[1m:15s]) and on () count_over_time(up[1h]) > 3"
    " and on () code_phase:rtc_terminal_failures:spike_score"
)
"""Answered once there is enough behind us for what panels look back at, and for rules that read each other."""

OF_METRICS: Final = {name: panel for name, panel in PANELS.items() if "expr" in panel["targets"][0]}
OF_THE_STORE: Final = {name: panel for name, panel in PANELS.items() if "rawSql" in panel["targets"][0]}


@pytest.fixture(scope="module")
def answers(prometheus_binary: object) -> Iterator[dict[str, list[float]]]:
    """What a real Prometheus answers to the queries of each panel, of a collector that has just begun."""
    del prometheus_binary
    with Scraped() as collector, watched(collector) as server:
        wait_until(lambda: server.query(LOOKED_BACK), within_s=60)
        yield {name: values(server, panel) for name, panel in OF_METRICS.items()}


def values(server: Prometheus, panel: Mapping[str, Any]) -> list[float]:
    found = [one for target in panel["targets"] for one in server.query(substituted(target["expr"]))]
    return [float(one["value"][1]) for one in found]


def test_a_panel_shows_0_of_what_never_happened_or_has_a_reason_for_nothing(answers: dict[str, list[float]]) -> None:
    assert sorted(name for name, numbers in answers.items() if not numbers) == sorted(EMPTY)


def test_no_panel_is_answered_with_what_is_no_number(answers: dict[str, list[float]]) -> None:
    assert [name for name, numbers in answers.items() if any(map(math.isnan, numbers))] == []


@pytest.mark.parametrize("name", EMPTY)
def test_a_panel_that_has_no_number_says_so_in_a_word(name: str) -> None:
    assert PANELS[name]["fieldConfig"]["defaults"].get("noValue", "").startswith("no ")


@pytest.fixture(scope="module")
def new_store(postgresql: PostgreSQL) -> Iterator[psycopg.Connection[Any]]:
    """A store in which nothing was told."""
    name = postgresql.make_database(migrated=True)
    with psycopg.connect(postgresql.url(name).replace("+psycopg", ""), autocommit=True) as connection:
        yield connection
    postgresql.drop_database(name)


@pytest.mark.parametrize("name", OF_THE_STORE)
def test_a_panel_of_an_empty_store_shows_0_or_says_so_in_a_word(new_store: psycopg.Connection[Any], name: str) -> None:
    panel = OF_THE_STORE[name]
    asked = [expanded(target["rawSql"], 0, 3_600, {"room": ""}).encode() for target in panel["targets"]]
    rows = [row for sql in asked for row in new_store.execute(sql).fetchall()]
    none = panel["fieldConfig"]["defaults"].get("noValue", "")
    assert none == "0" or none.startswith("no ")
    assert {value for row in rows for value in row} <= {0.0, None}
    if panel["type"] != "stat":
        assert rows == []
        assert none.startswith("no ")
