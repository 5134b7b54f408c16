"""`roomwatch outbox --drain` into a Kafka that lets in who logs in, and by TLS: told as `roomwatch run` is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from confluent_kafka import Consumer

from session_core import wire
from tests.servers.certificates import contexts
from tests.servers.kafka import Kafka
from tests.session_core.test_unsent import left_in, unsent
from tests.stage import roomwatch

TOPIC: Final = "secured"
LOGIN: Final = {"kafka_username": "ada", "kafka_password": "geheim"}
PLAIN: Final = {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_mechanism": "PLAIN", **LOGIN}
SCRAM: Final = {"kafka_security_protocol": "SASL_PLAINTEXT", **LOGIN}

MODULE: Final = "org.apache.kafka.common.security"
DOORS: Final = {
    "listener.name.login.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "listener.name.login.plain.sasl.jaas.config": f'{MODULE}.plain.PlainLoginModule required user_ada="geheim";',
    "listener.name.login.scram-sha-512.sasl.jaas.config": f"{MODULE}.scram.ScramLoginModule required;",
    "listener.name.both.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.both.plain.sasl.jaas.config": f'{MODULE}.plain.PlainLoginModule required user_ada="geheim";',
}


class Secured(NamedTuple):
    """A Kafka with doors that are locked, and the certificate that it shows."""

    kafka: Kafka
    ca_file: Path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    contexts(folder)
    pem = folder / "server.pem"
    shown = {
        f"listener.name.{name}.ssl.keystore.{key}": value
        for name in ("tls", "both")
        for key, value in (("type", "PEM"), ("location", str(pem)))
    }
    doors = {"LOGIN": "SASL_PLAINTEXT", "TLS": "SSL", "BOTH": "SASL_SSL"}
    with Kafka({**DOORS, **shown}, listeners=doors) as kafka:
        kafka.create_topic(TOPIC)
        kafka.add_login("ada", "geheim")
        yield Secured(kafka, pem)


async def drained(path: Path, bootstrap: str, *more: str, **settings: object) -> tuple[int, str, str]:
    told = {"kafka_bootstrap_servers": bootstrap, "kafka_topic": TOPIC, **settings}
    done = await asyncio.to_thread(roomwatch, "outbox", str(path), "--drain", *more, **told)
    return done.returncode, done.stdout, done.stderr


def arrived(kafka: Kafka, count: int) -> list[str]:
    """The last so many events in the topic."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "looking", "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    try:
        return [wire.decode(record.value()).message.type for record in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


def settings_for(secured: Secured, door: str) -> dict[str, object]:
    login = dict(PLAIN if door == "BOTH" else {})
    protocol = {"LOGIN": "SASL_PLAINTEXT", "TLS": "SSL", "BOTH": "SASL_SSL"}[door]
    return {**login, "kafka_security_protocol": protocol, "kafka_ca_file": secured.ca_file}


ALL_THREE: Final = ["room.connecting", "room.connected", "room.disconnected"]


@pytest.mark.parametrize("settings", [PLAIN, SCRAM], ids=["PLAIN", "SCRAM-SHA-512"])
async def test_a_file_is_drained_into_a_kafka_that_asks_for_a_login(
    secured: Secured, settings: dict[str, object], tmp_path: Path
) -> None:
    path, _ = await left_in(tmp_path)
    done = await drained(path, secured.kafka.door("LOGIN"), **settings)
    assert done == (0, "3 events sent; the file is removed\n", "")
    assert (unsent(tmp_path), await asyncio.to_thread(arrived, secured.kafka, 3)) == ([], ALL_THREE)


@pytest.mark.parametrize("door", ["TLS", "BOTH"])
async def test_a_file_is_drained_by_tls(secured: Secured, door: str, tmp_path: Path) -> None:
    path, _ = await left_in(tmp_path)
    done = await drained(path, secured.kafka.door(door), **settings_for(secured, door))
    assert done == (0, "3 events sent; the file is removed\n", "")
    assert (unsent(tmp_path), await asyncio.to_thread(arrived, secured.kafka, 3)) == ([], ALL_THREE)


async def test_settings_come_from_a_file_too_and_arguments_are_stronger(secured: Secured, tmp_path: Path) -> None:
    path, _ = await left_in(tmp_path / "outbox")
    config = tmp_path / "roomwatch.toml"
    lines = {**PLAIN, "kafka_topic": "another", "kafka_bootstrap_servers": "127.0.0.1:1"}
    config.write_text("".join(f"{name} = '{value}'\n" for name, value in lines.items()))
    more = ("--config", str(config), "--topic", TOPIC, "--bootstrap-servers", secured.kafka.door("LOGIN"))
    done = await asyncio.to_thread(roomwatch, "outbox", str(path), "--drain", *more)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 events sent; the file is removed\n", "")
    assert await asyncio.to_thread(arrived, secured.kafka, 3) == ALL_THREE


async def test_who_is_not_let_in_hears_so_at_once_in_one_line_without_the_password(
    secured: Secured, tmp_path: Path
) -> None:
    path, _ = await left_in(tmp_path)
    left = unsent(tmp_path)
    wrong = {**PLAIN, "kafka_password": "falsch"}
    code, out, err = await drained(path, secured.kafka.door("LOGIN"), **wrong)
    assert (code, out, err.count("\n"), unsent(tmp_path)) == (2, "", 1, left)
    assert err.startswith(f"roomwatch: Kafka at {secured.kafka.door('LOGIN')} refused: ")
    assert "falsch" not in err


async def test_a_broker_that_shows_a_certificate_nobody_knows_is_not_sent_to(secured: Secured, tmp_path: Path) -> None:
    path, _ = await left_in(tmp_path)
    code, out, err = await drained(path, secured.kafka.door("TLS"), kafka_security_protocol="SSL")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "certificate" in err
