"""A membership that fails in ways that a real broker seldom shows, on the embedded broker, which fails as told."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from confluent_kafka import Producer
from sqlalchemy import Engine, func, select

from collector.demo.broker import EmbeddedBroker
from collector.ingest.connection import KafkaConnection, dead_letters_topic
from collector.ingest.gathering import Limits
from collector.ingest.group import Member
from collector.runtime import Options, run
from collector.store.engine import make_engine, migrate
from collector.store.tables import events
from session_core.clock import SystemClock
from session_core.events import SEQLESS_TYPES
from tests.histories import Life, Sent, fleet, session_id
from tests.waiting import eventually

TOPIC = "told"
HEARTBEAT, FETCH, COMMIT, JOIN = 12, 1, 8, 11
REQUEST_TIMED_OUT, ILLEGAL_GENERATION, UNKNOWN_MEMBER, NOT_COORDINATOR, REBALANCE = 7, 22, 25, 16, 27


class Setting(NamedTuple):
    broker: EmbeddedBroker
    engine: Engine
    url: str


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as embedded:
        embedded.create_topic(TOPIC, 2)
        embedded.create_topic(dead_letters_topic(TOPIC), 1)
        yield embedded


@pytest.fixture
async def running(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Setting]:
    """A collector inside the test's process."""
    database_url = f"sqlite:///{tmp_path}/store.db"
    engine = make_engine(database_url)
    migrate(engine)
    stop = asyncio.Event()
    urls: list[str] = []
    options = Options(
        kafka=KafkaConnection(broker.bootstrap_servers),
        database_url=database_url,
        topic=TOPIC,
        limits=Limits(wait_s=0, session_timeout_s=2),
        http_port=0,
    )
    clock = SystemClock()
    task = asyncio.create_task(run(options, stop, clock_us=lambda: clock.now().utc_us, on_listening=urls.append))
    await eventually(lambda: urls, within_s=20)
    yield Setting(broker, engine, urls[0])
    stop.set()
    await task
    engine.dispose()


def tell(broker: EmbeddedBroker, first: int, count: int) -> int:
    """Sends lives, which their keys give to any of the partitions; returns how many events they have that are kept."""
    began_us = time.time_ns() // 1000 - 60_000_000  # noqa: TID251 - sessions of today
    lives = fleet(count, first=first, begun_us=began_us)
    sent = [one for life in lives for one in life.sent]
    send(broker, sent)
    return sum(one.message.type not in SEQLESS_TYPES for one in sent)


def send(broker: EmbeddedBroker, sent: Iterable[Sent]) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for one in sent:
        producer.produce(TOPIC, key=one.key(), value=one.value())
    assert producer.flush(10) == 0


def stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(events)).scalar_one()


@pytest.mark.parametrize(
    ("request_kind", "errors"),
    [
        (HEARTBEAT, [REQUEST_TIMED_OUT]),
        (HEARTBEAT, [ILLEGAL_GENERATION]),
        (HEARTBEAT, [UNKNOWN_MEMBER]),
        (HEARTBEAT, [REBALANCE]),
        (COMMIT, [NOT_COORDINATOR, ILLEGAL_GENERATION, UNKNOWN_MEMBER, REQUEST_TIMED_OUT]),
        (FETCH, [REQUEST_TIMED_OUT, -1]),
    ],
    ids=["unknown heartbeat error", "illegal generation", "unknown member", "rebalance", "commits", "fetches"],
)
async def test_a_member_that_fails_is_replaced_and_every_event_is_stored_once(
    running: Setting, request_kind: int, errors: list[int]
) -> None:
    told = tell(running.broker, 0, 10)
    await eventually(lambda: stored(running.engine) == told, within_s=20)
    running.broker.fail_next(request_kind, *errors)
    told += tell(running.broker, 10, 10)
    await eventually(lambda: stored(running.engine) == told, within_s=40)
    running.broker.take_down()
    running.broker.bring_up()
    told += tell(running.broker, 20, 10)
    assert await eventually(lambda: stored(running.engine) == told, within_s=40)


async def test_sessions_of_partitions_that_come_straight_back_are_known_still(
    running: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "aiokafka")
    begun_us = time.time_ns() // 1000 - 60_000_000  # noqa: TID251 - sessions of today
    lives = [Life(session_id(number, begun_us), begun_us).connecting().later(300).connected() for number in range(9)]
    send(running.broker, [one for life in lives for one in life.sent])
    await eventually(lambda: stored(running.engine) == 18, within_s=20)
    running.broker.fail_next(HEARTBEAT, REBALANCE)
    caplog.clear()
    await eventually(lambda: "Setting newly assigned partitions" in caplog.text, within_s=20)
    send(running.broker, [life.later(9_000).reconnecting().sent[-1] for life in lives])
    assert await eventually(lambda: stored(running.engine) == 27, within_s=40)
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{running.url}/metrics")).text.splitlines()
    met = [line for line in metrics if line.startswith("rtc_collector_sessions_met_total{")]
    assert met[1:] == [f'rtc_collector_sessions_met_total{{where="{w}"}} {n}' for w, n in (("read", 0.0), ("new", 9.0))]


async def test_what_was_fetched_is_still_there_after_a_wait(broker: EmbeddedBroker) -> None:
    idle = asyncio.Event()
    idle.set()
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for partition in (0, 1):  # before anybody fetches, so that one answer holds all of it
        for value in (b"first", b"second"):
            producer.produce(TOPIC, value, partition=partition)
    assert producer.flush(10) == 0
    given: list[frozenset[int]] = []
    member = Member(KafkaConnection(broker.bootstrap_servers), TOPIC, "waits", 10, idle, given.append)
    await member.join()
    await member.changing.wait()
    assert given == [member.assigned]
    for partition in (0, 1):
        member.seek(partition, 0)
    found: list[int] = []
    for partition in (0, 1):
        first: dict[int, list[Any]] = {}
        while not first:
            first = dict(await member.poll([partition], 0.5, 1))
        found.append(len(first[partition]))
    broker.take_down()
    await member.keep_alive(0.05)
    rest = await member.poll([0, 1], 0.05, 1_000)
    await member.close()
    assert found == [1, 1]
    assert sorted(rest) == [0, 1]


async def test_a_topic_without_append_time_is_read_by_our_clock_and_readiness_says_so(running: Setting) -> None:
    told = tell(running.broker, 0, 3)
    await eventually(lambda: stored(running.engine) == told, within_s=20)
    async with httpx.AsyncClient() as client:

        async def says_so() -> bool:
            checks = (await client.get(f"{running.url}/readyz")).json()["checks"]
            detail = {check["name"]: check["detail"] for check in checks}["clock"]
            return str(detail).startswith("the topic has no LogAppendTime: reading time stands in")

        assert await eventually(says_so)
        metrics = (await client.get(f"{running.url}/metrics")).text
    assert "rtc_collector_append_time_missing 1.0" in metrics.splitlines()
