"""The schedule by which a collector deletes what is old, and what it tells of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text

from collector.ageing import age, keep_ageing
from collector.metrics import Metrics
from collector.store.ageing import Ageing
from collector.store.retention import DAY_US, Retention
from tests.filling import fill
from tests.histories import Life, session_id
from tests.waiting import eventually

NOW_US: Final = 1_795_000_000_000_000


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), version="0")


def tell(empty_engine: Engine, *days_ago: int) -> None:
    """Stores a session for each; three events."""
    lives = []
    for number, days in enumerate(days_ago):
        at_us = NOW_US - days * DAY_US
        lives.append(Life(session_id(number, at_us), at_us).connecting().connected().disconnected(reason="leave"))
    fill(empty_engine, lives, now_us=NOW_US)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_turn_tells_what_went_when_all_was_done_and_how_old_the_rest_is(
    empty_engine: Engine, metrics: Metrics
) -> None:
    tell(empty_engine, 400, 40, 3)
    age(Ageing(empty_engine, Retention()), metrics, NOW_US, lambda _: False)
    gone = {table: value(metrics, "rtc_collector_rows_aged_out_total", table=table) for table in ("events", "sessions")}
    assert gone == {"events": 6, "sessions": 1}
    assert value(metrics, "rtc_collector_retention_success_timestamp_seconds") == NOW_US / 1_000_000
    oldest_us = (NOW_US - 3 * DAY_US) // DAY_US * DAY_US
    assert value(metrics, "rtc_collector_oldest_day_timestamp_seconds") == oldest_us / 1_000_000


def test_a_turn_tells_how_large_the_store_is(empty_engine: Engine, metrics: Metrics) -> None:
    tell(empty_engine, 1)
    age(Ageing(empty_engine, Retention()), metrics, NOW_US, lambda _: False)
    with empty_engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        size = connection.execute(text("PRAGMA page_size")).scalar_one()
    assert value(metrics, "rtc_collector_store_bytes", table="all") == pages * size


def test_a_turn_that_is_cut_short_is_no_success(empty_engine: Engine, metrics: Metrics) -> None:
    tell(empty_engine, 400)
    age(Ageing(empty_engine, Retention()), metrics, NOW_US, lambda _: True)
    assert value(metrics, "rtc_collector_retention_success_timestamp_seconds") == 0
    assert value(metrics, "rtc_collector_retention_failures_total") == 0


def test_a_turn_that_fails_is_counted_and_logged_and_raises_nothing(
    empty_engine: Engine, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    with empty_engine.begin() as connection:
        connection.execute(text("DROP TABLE rollups"))
    with caplog.at_level(logging.WARNING):
        age(Ageing(empty_engine, Retention()), metrics, NOW_US, lambda _: False)
    assert value(metrics, "rtc_collector_retention_failures_total") == 1
    assert [(line.message, line.__dict__["code"]) for line in caplog.records] == [
        ("what is old could not be deleted", "schema-mismatch")
    ]


async def test_a_collector_deletes_what_is_old_again_and_again_until_it_stops(
    empty_engine: Engine, metrics: Metrics
) -> None:
    tell(empty_engine, 400)
    stop, readings = asyncio.Event(), iter(range(10**6))
    ageing = Ageing(empty_engine, Retention())
    turns = asyncio.ensure_future(
        keep_ageing(ageing, metrics, every_s=0.01, stop=stop, clock_us=lambda: NOW_US + next(readings) * 1_000_000)
    )
    success = "rtc_collector_retention_success_timestamp_seconds"
    await eventually(lambda: (value(metrics, success) or 0) > NOW_US / 1_000_000 + 1, within_s=10)
    stop.set()
    await turns
    assert value(metrics, "rtc_collector_rows_aged_out_total", table="sessions") == 1


async def test_a_collector_that_is_not_to_delete_does_not(empty_engine: Engine, metrics: Metrics) -> None:
    tell(empty_engine, 400)
    await keep_ageing(
        Ageing(empty_engine, Retention()), metrics, every_s=0, stop=asyncio.Event(), clock_us=lambda: NOW_US
    )
    assert value(metrics, "rtc_collector_rows_aged_out_total", table="sessions") == 0
