"""`roomwatch outbox`: what a process left is shown as it is, and sent where it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from session_core import wire
from session_core.kafka import KafkaSink
from session_core.publisher import Publisher
from tests.servers.kafka import Kafka
from tests.servers.processes import free_port
from tests.session_core.telling import event
from tests.session_core.test_kafka import numbers, reading
from tests.stage import roomwatch
from tests.waiting import eventually

SERVERS = "--bootstrap-servers HOST:PORT or ROOMWATCH_KAFKA_BOOTSTRAP_SERVERS"


async def left_in(folder: Path, *, process_lives: bool = False) -> tuple[Path, Publisher]:
    """A file with two events of a session that did not end."""
    publisher = Publisher(KafkaSink(f"127.0.0.1:{free_port()}"), folder=folder)
    publisher.publish(event("room.connecting"))
    publisher.publish(event("room.connected", at_s=2))
    await publisher.close(within_s=0.01)
    kept = publisher._disk
    assert kept is not None
    assert kept.path is not None
    path = kept.path
    if not process_lives:
        await asyncio.wrap_future(kept.close(remove=False))
    return path, publisher


def unsent(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def asked(*arguments: object) -> tuple[int, str, str]:
    done = await asyncio.to_thread(roomwatch, "outbox", *map(str, arguments))
    return done.returncode, done.stdout, done.stderr


async def test_a_file_is_shown_as_it_is(tmp_path: Path) -> None:
    path, _ = await left_in(tmp_path)
    messages = (wire.message(event("room.connecting"), 0), wire.message(event("room.connected", at_s=2), 1))
    size = sum(len(wire.encode(message, message.time)) for message in messages)
    shown = (
        f"{path}\n  sessions    1\n  unfinished  1\n  events      2\n  bytes       {size}\n"
        "  from        2026-11-24T12:00:00+00:00\n  to          2026-11-24T12:00:02+00:00\n"
    )
    assert await asked(path) == (0, shown, "")


async def test_a_file_is_drained_and_removed(kafka: Kafka, topic: str, tmp_path: Path) -> None:
    path, _ = await left_in(tmp_path)
    drained = await asked(path, "--drain", "--bootstrap-servers", kafka.bootstrap, "--topic", topic)
    assert drained == (0, "3 events sent; the file is removed\n", "")
    assert unsent(tmp_path) == []
    async with reading(kafka.bootstrap, topic) as read:
        await eventually(lambda: numbers(read()) == [(1, 0), (1, 1), (1, 2)])


async def test_what_did_not_arrive_stays_in_the_file(tmp_path: Path) -> None:
    path, _ = await left_in(tmp_path)
    nowhere = f"127.0.0.1:{free_port()}"
    code, out, _ = await asked(path, "--drain", "--bootstrap-servers", nowhere, "--within", 1)
    assert (code, out) == (1, "0 events sent, 3 not; they are still there\n")
    assert (await asked(path))[0] == 0


async def test_a_file_of_a_process_that_lives_is_shown_and_not_drained(tmp_path: Path) -> None:
    path, publisher = await left_in(tmp_path, process_lives=True)
    said = f"roomwatch: outbox {path}: a process that lives has it in use, and sends it by itself\n"
    assert await asked(path, "--drain", "--bootstrap-servers", "127.0.0.1:1") == (2, "", said)
    assert (await asked(path))[0] == 0
    assert publisher.counts.pending == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.db",), "roomwatch: outbox nowhere.db: there is no such file\n"),
        (
            ("nowhere.db", "--drain", "--bootstrap-servers", "h:1"),
            "roomwatch: outbox nowhere.db: there is no such file\n",
        ),
        (
            ("nowhere.db", "--drain"),
            f"roomwatch: --drain: needs {SERVERS}, the Kafka to send it to\n",
        ),
    ],
)
async def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    assert await asked(*arguments) == (2, "", said)
