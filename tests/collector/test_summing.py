"""What a collector tells of summing up fives and hours."""

from __future__ import annotations

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text

from collector.metrics import Metrics
from collector.store.stretches import Stretches
from collector.summing import keep_summing, sum_up
from tests.filling import fill
from tests.histories import START_US, fleet
from tests.waiting import eventually

NOW_US = START_US + 3_600_000_000


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), version="0")


def value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


def test_a_turn_tells_how_many_stretches_there_were(empty_engine: Engine, metrics: Metrics) -> None:
    fill(empty_engine, fleet(10), now_us=NOW_US)
    sum_up(Stretches(empty_engine), metrics, NOW_US, lambda _: False)
    first = value(metrics, "rtc_collector_stretches_summed_total")
    assert first == 11
    sum_up(Stretches(empty_engine), metrics, NOW_US, lambda _: False)
    assert value(metrics, "rtc_collector_stretches_summed_total") == first


def test_a_turn_that_fails_is_counted_and_logged_and_raises_nothing(
    empty_engine: Engine, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    with empty_engine.begin() as connection:
        connection.execute(text("DROP TABLE whole_fives"))
    with caplog.at_level(logging.WARNING):
        sum_up(Stretches(empty_engine), metrics, NOW_US, lambda _: False)
    assert value(metrics, "rtc_collector_summing_failures_total") == 1
    assert [line.__dict__["code"] for line in caplog.records] == ["schema-mismatch"]


async def test_a_collector_sums_up_again_and_again_until_it_stops(empty_engine: Engine, metrics: Metrics) -> None:
    fill(empty_engine, fleet(10), now_us=NOW_US)
    stop = asyncio.Event()
    turns = asyncio.ensure_future(
        keep_summing(Stretches(empty_engine), metrics, every_s=0.01, stop=stop, clock_us=lambda: NOW_US)
    )
    await eventually(lambda: value(metrics, "rtc_collector_stretches_summed_total") == 11)
    with empty_engine.begin() as connection:
        connection.execute(text("DELETE FROM whole_fives"))
    await eventually(lambda: value(metrics, "rtc_collector_stretches_summed_total") == 22)
    stop.set()
    await turns
