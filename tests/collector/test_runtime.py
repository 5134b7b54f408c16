"""The composition root: what it makes of settings, and what readiness says."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from collector.api.health import Check, Readiness
from collector.errors import SchemaMismatch
from collector.ingest.connection import KafkaConnection
from collector.ingest.consumer import Status
from collector.ingest.gathering import Limits
from collector.runtime import Options, readiness, run
from collector.settings import Settings
from collector.store.retention import DAY_US
from session_core.clock import SystemClock
from tests.filling import fill
from tests.histories import Life, session_id
from tests.stage import Stage
from tests.waiting import eventually

WORKING = Status(joined=True, partitions=3, broker_trouble=None)


def failing(found: Readiness) -> list[str]:
    return [check.name for check in found.checks if not check.ok]


def clock_us() -> int:
    return SystemClock().now().utc_us


def test_options_are_the_settings_as_plain_values() -> None:
    settings = Settings(
        database_url=SecretStr("sqlite:///x.db"),
        kafka_bootstrap_servers="k:1",
        kafka_security_protocol="SASL_SSL",
        kafka_username="u",
        kafka_password=SecretStr("geheim"),
        batch_records_max=7,
        batch_wait_ms=50,
        kafka_session_timeout_s=9,
        metrics_regions="us1, ie1,",
    )
    options = Options.of(settings)
    assert options == Options(
        kafka=KafkaConnection("k:1", "SASL_SSL", "SCRAM-SHA-512", "u", "geheim"),
        database_url="sqlite:///x.db",
        limits=Limits(7, 64 * 1024 * 1024, 0.05, 9.0),
        regions=("us1", "ie1"),
    )
    assert "geheim" not in repr(options)


def test_the_defaults_of_options_are_those_of_the_settings() -> None:
    assert Options.of(Settings()) == Options(kafka=KafkaConnection("127.0.0.1:9092"))


def test_a_collector_that_works_is_ready_and_says_how_things_are() -> None:
    assert readiness(WORKING, stopping=False) == Readiness(
        ready=True,
        checks=(
            Check(name="running", ok=True),
            Check(name="kafka", ok=True),
            Check(name="store", ok=True),
            Check(name="assignment", ok=True, detail="3 partitions"),
            Check(name="freshness", ok=True, detail="0 records and 0 s behind"),
            Check(name="clock", ok=True, detail="the broker's"),
        ),
    )


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (Status(), ["kafka", "assignment"]),
        (replace(WORKING, broker_trouble="away"), ["kafka"]),
        (replace(WORKING, store_trouble="away"), ["store"]),
        (replace(WORKING, lag_messages=9, lag_seconds=61.0), ["freshness"]),
        (replace(WORKING, partitions=0), []),
        (replace(WORKING, reads_its_own_clock=True), []),
    ],
    ids=["not connected", "no broker", "no store", "behind", "nothing assigned", "no append time"],
)
def test_readiness_names_what_fails(status: Status, names: list[str]) -> None:
    found = readiness(status, stopping=False)
    assert (failing(found), found.ready) == (names, not names)


def test_a_collector_that_stops_is_not_ready() -> None:
    assert failing(readiness(WORKING, stopping=True)) == ["running"]


async def test_a_collector_runs_inside_another_process_until_it_is_told_to_stop(
    make_stage: Callable[..., Stage],
) -> None:
    stage = make_stage()
    stop = asyncio.Event()
    urls: list[str] = []
    options = Options(
        kafka=KafkaConnection(stage.kafka.bootstrap), database_url=stage.url, topic=stage.topic, http_port=0
    )
    running = asyncio.create_task(run(options, stop, clock_us=clock_us, on_listening=urls.append))

    async def is_ready() -> bool:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{urls[0]}/readyz")).status_code == 200

    assert await eventually(is_ready, within_s=20)
    stop.set()
    await running


async def test_a_collector_deletes_what_is_old_by_itself_and_says_so_of_what_is_asked_for(
    make_stage: Callable[..., Stage],
) -> None:
    stage, now_us = make_stage(), clock_us()
    at_us = now_us - 400 * DAY_US
    life = Life(session_id(1, at_us), at_us).connecting().connected().disconnected(reason="leave")
    fill(stage.engine, [life], now_us=now_us)
    stop = asyncio.Event()
    urls: list[str] = []
    options = Options(
        kafka=KafkaConnection(stage.kafka.bootstrap),
        database_url=stage.url,
        topic=stage.topic,
        http_port=0,
        retention_every_s=0.05,
    )
    running = asyncio.create_task(run(options, stop, clock_us=clock_us, on_listening=urls.append))

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"{urls[0]}/api/v1/sessions/{life.session_id}")

    async def is_gone() -> bool:
        return bool(urls) and (await answer()).status_code == 404

    assert await eventually(is_gone, within_s=20)
    assert (
        (await answer())
        .json()["detail"]
        .startswith(f"session {life.session_id} began longer ago than the 180 days that sessions are kept. ")
    )
    stop.set()
    await running


async def test_a_store_without_tables_ends_the_start(
    make_stage: Callable[..., Stage], empty_postgresql_url: str
) -> None:
    stage = make_stage(empty_postgresql_url)
    options = Options(kafka=KafkaConnection(stage.kafka.bootstrap), database_url=stage.url, topic=stage.topic)
    with pytest.raises(SchemaMismatch):
        await run(options, asyncio.Event(), clock_us=clock_us)
