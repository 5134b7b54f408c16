"""The preview shows numbers as Grafana does, near enough, and lives through hours as a collector would."""

import io
import re
import time
from random import Random

import pytest

from collector.demo.life import SECOND_US
from collector.store.engine import make_engine, migrate
from tests.dashboards.shown import COMMITTED
from tools.dashboards import lint
from tools.dashboards.lint_queries import metrics_in
from tools.dashboards.vocabulary import MEANINGS
from tools.preview import look
from tools.preview.blocks import levels
from tools.preview.lived import MINUTE_US, PARTITIONS, Collected, Stall, records, write_scrape

SESSIONS = 120


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.95, "percentunit", "95 %"),
        (0.0502, "percentunit", "5.02 %"),
        (5.13, "percentunit", "513 %"),
        (0.487, "s", "487 ms"),
        (15.8, "s", "15.8 s"),
        (189, "s", "3.15 min"),
        (48_400, "ms", "48.4 s"),
        (118_489_088, "bytes", "113 MiB"),
        (12.5, "cpm", "12.5 c/m"),
        (3_370, "short", "3.37 K"),
        (0, "short", "0"),
    ],
)
def test_a_number_is_shown_with_its_unit(value: float, unit: str, words: str) -> None:
    assert look.shown(value, unit) == words


def test_every_colour_of_the_vocabulary_is_known_to_the_preview() -> None:
    given = {colour for kind in MEANINGS.values() for colour in kind.values()}
    assert {colour for colour in given if not re.fullmatch("#[0-9a-fA-F]{6}", look.colour(colour))} == set()


def test_a_series_has_the_colour_that_the_dashboard_gives_it() -> None:
    (panel,) = [p for p in COMMITTED["roomwatch-outages.json"]["panels"] if p["title"] == "Outages ended, by outcome"]
    assert look.colour_of("failed", panel["fieldConfig"]) == look.HEX["red"]
    assert look.colour_of("recovered", panel["fieldConfig"]) == look.HEX["green"]


def test_rules_are_recorded_when_all_that_they_read_is() -> None:
    there: set[str] = set()
    unrecorded = {rule["record"] for level in levels() for rule in level}
    for level in levels():
        assert {name for rule in level for name in metrics_in(rule["expr"]) & unrecorded} <= there
        there |= {rule["record"] for rule in level}


def test_a_collector_that_stands_still_falls_behind_and_catches_up() -> None:
    engine = make_engine("sqlite://")
    migrate(engine)
    until_us = time.time_ns() // 10**9 * SECOND_US  # noqa: TID251 - counters count what is fresh
    collected = Collected(engine)
    waiting: dict[int, float] = {}
    log = records(until_us, Random(3), SESSIONS)
    for at_us in collected.live_through(log, until_us, Stall(150 * MINUTE_US, 120 * MINUTE_US), step_us=10 * MINUTE_US):
        of_partitions = [
            collected.metrics.registry.get_sample_value("rtc_collector_lag_messages", {"partition": str(partition)})
            for partition in range(PARTITIONS)
        ]
        waiting[(until_us - at_us) // MINUTE_US] = sum(number or 0 for number in of_partitions)
    engine.dispose()
    assert waiting[130] > waiting[140] > waiting[150] > 0
    assert (waiting[160], waiting[120]) == (0, 0)


def test_what_is_scraped_is_what_dashboards_ask_for() -> None:
    engine = make_engine("sqlite://")
    migrate(engine)
    out = io.StringIO()
    write_scrape(Collected(engine).metrics, 0, out)
    engine.dispose()
    scraped = {re.sub("_(bucket|sum|count)$", "", line.split("{")[0]) for line in out.getvalue().splitlines()}
    asked = set().union(*(lint.metrics_used(dashboard) for dashboard in COMMITTED.values()))
    assert {name for name in asked if ":" not in name} - scraped <= {
        # These begin with what they tell of: a partition, or a deletion of what was old.
        "rtc_collector_lag_seconds",
        "rtc_collector_lag_messages",
    }
