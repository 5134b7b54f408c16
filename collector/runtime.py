"""The composition root: makes everything from plain values, runs it in one TaskGroup, stops it in order.

Who calls decides when to stop; nothing here reads the environment or installs a signal handler, so that the demo runs
a collector inside itself as `roomwatch run` does.

Order of a start: the store and its schema, Kafka and its topics, the address. What is missing there is an error that
says what to do. After that the collector waits for whatever goes away, and says in /readyz what it waits for.
Order of a stop: the batch in hand is finished, the group is left, open requests are answered, the store is closed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy import Engine

from collector import __version__
from collector.ageing import keep_ageing
from collector.api.access import NOTED_EVERY_S, Access, keep_noting
from collector.api.app import make_app, make_probes
from collector.api.asking import Limits as AskingLimits
from collector.api.guard import Door, is_loopback
from collector.api.health import Check, Readiness
from collector.api.server import Server
from collector.errors import CollectorError, NoTokens, StopTimedOut
from collector.ingest.cache import Bounds
from collector.ingest.check import check_kafka
from collector.ingest.connection import KafkaConnection, require_topics, wait_for_cluster
from collector.ingest.consumer import Consumer, Status
from collector.ingest.dead_letters import DeadLetters
from collector.ingest.gathering import Limits
from collector.ingest.partitions import Holder
from collector.ingest.storing import InThread, Storing
from collector.metrics import Metrics
from collector.packet_keys import packet_key
from collector.settings import Settings, identity_key_of
from collector.store.ageing import Ageing
from collector.store.audit import Audit
from collector.store.check import Finding, ask, check_store, require_cluster
from collector.store.engine import make_engine, require_schema
from collector.store.incidents import Incidents
from collector.store.logins import Logins
from collector.store.place import Place
from collector.store.reader import Reader
from collector.store.retention import Retention
from collector.store.stretches import Stretches
from collector.store.tokens import Tokens
from collector.store.url import beside_store
from collector.store.writer import Writer
from collector.summing import keep_summing
from session_core.identity import hashed

STALE_AFTER_S: Final = 60.0
"""A collector this far behind is not ready: what it answers is not how things are now."""

OWN_CONNECTIONS: Final = 6
"""To the store, for the collector's own work: writing, deleting what is old, summing up, looking whether it answers."""

log = logging.getLogger(__name__)

Clock = Callable[[], int]
"""The wall clock, in µs since 1970."""


class Part(StrEnum):
    """A part of a collector that can run in a process of its own."""

    INGEST = "ingest"
    API = "api"


@dataclass(frozen=True)
class Options:
    """What a collector is made of, as plain values. `only`: the part of it that runs; None: all of it."""

    kafka: KafkaConnection
    database_url: str = field(default="sqlite:///roomwatch.db", repr=False)
    topic: str = "room-session-events"
    group: str = "roomwatch"
    limits: Limits = field(default_factory=Limits)
    cache: Bounds = field(default_factory=Bounds)
    retention: Retention = field(default_factory=Retention)
    retention_every_s: float = 3_600.0
    token_risk_s: int = 60
    http_host: str = "127.0.0.1"
    http_port: int = 8787
    http_tokens: str = "auto"
    http_allowed_hosts: tuple[str, ...] = ()
    alertmanager_token: str | None = field(default=None, repr=False)
    packet_key_file: Path | None = None
    asking: AskingLimits = field(default_factory=AskingLimits)
    identity_key: bytes | None = field(default=None, repr=False)
    regions: tuple[str, ...] = ()
    sdks: tuple[str, ...] = ()
    start_within_s: float = 15.0
    stop_within_s: float = 20.0
    only: Part | None = None

    @classmethod
    def of(cls, settings: Settings, only: Part | None = None) -> Self:
        """The values that the settings say."""
        return cls(
            only=only,
            kafka=kafka_connection(settings),
            database_url=settings.database_url.get_secret_value(),
            topic=settings.kafka_topic,
            group=settings.kafka_group,
            limits=Limits(
                settings.batch_records_max,
                settings.batch_bytes_max,
                settings.batch_wait_ms / 1000,
                float(settings.kafka_session_timeout_s),
            ),
            cache=Bounds(settings.sessions_max, settings.sessions_bytes_max),
            retention=retention_of(settings),
            retention_every_s=60.0 * settings.retention_every_minutes,
            token_risk_s=settings.token_risk_s,
            http_host=settings.http_host,
            http_port=settings.http_port,
            http_tokens=settings.http_tokens,
            http_allowed_hosts=_listed(settings.http_allowed_hosts.lower()),
            alertmanager_token=secret(settings.alertmanager_token),
            packet_key_file=settings.packet_key_file,
            asking=AskingLimits(
                settings.http_question_s,
                settings.http_questions_max,
                settings.http_export_s,
                settings.http_exports_max,
                settings.http_export_rows_max,
            ),
            identity_key=identity_key_of(settings),
            regions=_listed(settings.metrics_regions),
            sdks=_listed(settings.metrics_sdks),
            start_within_s=settings.start_within_s,
            stop_within_s=settings.stop_within_s,
        )


def retention_of(settings: Settings) -> Retention:
    """For how long the settings say that rows are kept."""
    return Retention(
        settings.retention_events_days,
        settings.retention_sessions_days,
        settings.retention_outages_days,
        settings.retention_rollups_days,
        settings.retention_dead_letters_days,
        settings.retention_dead_letters_max,
        settings.retention_incidents_days,
    )


async def run(
    options: Options, stop: asyncio.Event, *, clock_us: Clock, on_listening: Callable[[str], None] | None = None
) -> None:
    """Runs a collector until `stop`. `on_listening` gets the address as soon as it answers.

    Raises a CollectorError where it cannot start, or must not go on.
    """
    async with AsyncExitStack() as stack:
        collector = await _made(options, stop, stack, clock_us)
        try:
            async with asyncio.TaskGroup() as tasks:
                overdue = tasks.create_task(_overdue(stop, options.stop_within_s))
                tasks.create_task(_work(collector, stop, overdue))
                tasks.create_task(collector.server.serve())
                tasks.create_task(keep_noting(collector.access, every_s=NOTED_EVERY_S, stop=stop))
                if collector.consumer is not None:
                    ageing, metrics, every_s = collector.ageing, collector.metrics, options.retention_every_s
                    tasks.create_task(keep_ageing(ageing, metrics, every_s=every_s, stop=stop, clock_us=clock_us))
                    tasks.create_task(keep_summing(collector.stretches, metrics, stop=stop, clock_us=clock_us))
                await collector.server.is_serving()
                log.info("listening on %s", collector.server.url)
                if on_listening is not None:
                    on_listening(collector.server.url)
        except BaseExceptionGroup as errors:
            raise _reason(errors) from None
    log.info("stopped")


async def check(options: Options, *, clock_us: Clock) -> list[Finding]:
    """Looks at Kafka and the store and says what is wrong with them. Raises where either cannot be reached."""
    facts, findings = await check_kafka(options.kafka, options.topic, options.group, clock_us())
    engine = make_engine(options.database_url)
    try:
        place = Place(facts.cluster_id, options.topic, options.group)
        return findings + await asyncio.to_thread(check_store, engine, place, clock_us())
    finally:
        engine.dispose()


@dataclass(frozen=True)
class _Collector:
    consumer: Consumer | None
    server: Server
    ageing: Ageing
    stretches: Stretches
    metrics: Metrics
    access: Access


async def _made(options: Options, stop: asyncio.Event, stack: AsyncExitStack, clock_us: Clock) -> _Collector:
    """Makes what runs; the stack takes it apart again."""
    asking = options.asking
    engine = make_engine(options.database_url, OWN_CONNECTIONS + asking.questions + asking.exports)
    stack.callback(engine.dispose)
    await asyncio.to_thread(require_schema, engine)
    door = await asyncio.to_thread(_door, options, engine, clock_us)
    metrics = Metrics(CollectorRegistry(), version=__version__, regions=options.regions, sdks=options.sdks)
    consumer = None if options.only is Part.API else await _consumer(options, engine, metrics, stack, clock_us)

    def ready() -> Readiness:
        if consumer is None:
            return readiness_of_api(engine, stopping=stop.is_set())
        return readiness(consumer.status, stopping=stop.is_set())

    keeps = options.retention
    on_stop = None
    if options.only is Part.INGEST:
        app = make_probes(metrics, ready, __version__, door)
    else:
        app = make_app(
            Reader(engine, keeps, hashed(options.identity_key) if options.identity_key else None),
            metrics,
            ready,
            __version__,
            clock_us=clock_us,
            kept=Incidents(engine),
            alertmanager_token=options.alertmanager_token,
            packet_key=partial(packet_key, options.packet_key_file, beside=beside_store(options.database_url)),
            limits=asking,
            door=door,
        )
        on_stop = app.state.news.end
    server = Server(app, options.http_host, options.http_port, on_stop=on_stop)
    stack.callback(server.close)
    return _Collector(consumer, server, Ageing(engine, keeps), Stretches(engine, keeps), metrics, door.access)


def _door(options: Options, engine: Engine, clock_us: Clock) -> Door:
    """Who may ask. Raises NoTokens where others could reach the address, and nobody could ask."""
    tokens, local = Tokens(engine), is_loopback(options.http_host)
    if not local and not tokens.is_any_live(clock_us()):
        raise NoTokens(options.http_host)
    access = Access(tokens, Logins(engine), Audit(engine), clock_us=clock_us, chance=secrets.token_bytes)
    return Door(access, asks=options.http_tokens == "always" or not local, hosts=frozenset(options.http_allowed_hosts))


async def _consumer(
    options: Options, engine: Engine, metrics: Metrics, stack: AsyncExitStack, clock_us: Clock
) -> Consumer:
    facts = await wait_for_cluster(options.kafka, options.start_within_s)
    require_topics(options.kafka, facts, options.topic)
    place = Place(facts.cluster_id, options.topic, options.group)
    await asyncio.to_thread(require_cluster, engine, place)
    keeps = options.retention
    writer = Writer(engine, *place, keeps)
    holder = Holder(
        options.topic,
        writer.load,
        bounds=options.cache,
        token_window_us=options.token_risk_s * 1_000_000,
        retention_us=keeps.sessions_us,
        events_us=keeps.events_us,
        days_refused=writer.days_refused,
    )
    dead_letters = DeadLetters(options.kafka, options.topic, version=__version__)
    stack.push_async_callback(dead_letters.close)
    storing = Storing(
        holder,
        writer,
        dead_letters,
        metrics,
        now_us=clock_us,
        in_merger=_thread("merger", stack),
        in_writer=_thread("writer", stack),
    )
    return Consumer(
        options.kafka,
        options.topic,
        options.group,
        facts.cluster_id,
        limits=options.limits,
        storing=storing,
        holder=holder,
        writer=writer,
        metrics=metrics,
        now_us=clock_us,
    )


def _thread(name: str, stack: AsyncExitStack) -> InThread[Any]:
    """What runs one thing after the other in a thread of that name."""
    thread = ThreadPoolExecutor(1, name)
    # Not waited for: whoever stops in time has nothing in it, and whoever does not must not wait longer.
    stack.callback(thread.shutdown, wait=False, cancel_futures=True)
    return partial(asyncio.get_running_loop().run_in_executor, thread)


def readiness(status: Status, *, stopping: bool) -> Readiness:
    """Whether a collector does its work now, check by check."""
    clock = "the topic has no LogAppendTime: reading time stands in; `roomwatch check` names the command that mends it"
    behind = f"{status.lag_messages} records and {status.lag_seconds:.0f} s behind"
    checks = (
        Check(name="running", ok=not stopping, detail="stopping" if stopping else ""),
        Check(name="kafka", ok=status.broker_trouble is None, detail=status.broker_trouble or ""),
        Check(name="store", ok=status.store_trouble is None, detail=status.store_trouble or ""),
        Check(
            name="assignment",
            ok=status.joined,
            detail=f"{status.partitions} partitions" if status.joined else "partitions are being given out",
        ),
        Check(name="freshness", ok=status.lag_seconds <= STALE_AFTER_S, detail=behind),
        Check(name="clock", ok=True, detail=clock if status.reads_its_own_clock else "the broker's"),
    )
    return Readiness(ready=all(one.ok for one in checks), checks=checks)


def readiness_of_api(engine: Engine, *, stopping: bool) -> Readiness:
    """Whether a process that only answers does its work now."""
    try:
        ask(engine)
    except CollectorError as error:
        store = Check(name="store", ok=False, detail=str(error))
    else:
        store = Check(name="store", ok=True)
    checks = (Check(name="running", ok=not stopping, detail="stopping" if stopping else ""), store)
    return Readiness(ready=all(one.ok for one in checks), checks=checks)


async def _work(collector: _Collector, stop: asyncio.Event, overdue: asyncio.Task[None]) -> None:
    """Until `stop`; then nobody is let in any more."""
    try:
        if collector.consumer is not None:
            await collector.consumer.run(stop)
        else:
            await stop.wait()
    finally:
        overdue.cancel()
        collector.server.stop()


async def _overdue(stop: asyncio.Event, within_s: float) -> None:
    """The second speed of a stop: what has not ended by then is cancelled."""
    await stop.wait()
    log.info("stopping: the batch in hand is finished")
    await asyncio.sleep(within_s)
    raise StopTimedOut(within_s)


def _reason(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Why it ended: the error that says so plainly, where there is one, else all of them."""
    for error in errors.exceptions:
        found = _reason(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, CollectorError):
            return found
    return errors


def kafka_connection(settings: Settings) -> KafkaConnection:
    """How the settings say that Kafka is reached."""
    return KafkaConnection(
        settings.kafka_bootstrap_servers,
        settings.kafka_security_protocol,
        settings.kafka_sasl_mechanism,
        settings.kafka_username,
        secret(settings.kafka_password),
        settings.kafka_ca_file,
    )


def secret(told: SecretStr | None) -> str | None:
    """What a secret setting says; None where it says nothing."""
    return (told.get_secret_value() or None) if told else None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))
