"""A disk that is behind when its process is killed: no number is given twice, and no session is ended that may live."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from session_core import wire
from session_core.clock import VirtualClock
from session_core.outbox import Counts
from session_core.publisher import MemorySink, Publisher
from tests.session_core.telling import BEGIN, event
from tests.waiting import eventually

PROGRAM = """
import asyncio, sys
from session_core import wire
from session_core.publisher import MemorySink, Publisher
from tests.session_core.telling import event

class Printing(MemorySink):
    async def send(self, records):
        for record in records:
            print(wire.decode(record.value).message.id, flush=True)

async def main():
    publisher = Publisher(Printing(), folder=sys.argv[1])
    publisher.publish(event("room.connecting"))
    await publisher.flush()
    await asyncio.wrap_future(publisher.on_disk())
    print("kept", flush=True)
    for kind in ("room.connected", "room.reconnecting"):
        await asyncio.to_thread(sys.stdin.readline)
        publisher.publish(event(kind))
    await asyncio.Event().wait()

asyncio.run(main())
"""


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def said(sink: MemorySink) -> list[str]:
    messages = [wire.decode(record.value).message for record in sink.records]
    return [f"{message.type}#{message.id}" for message in messages]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The disk takes nothing, as when it is very slow."""
    (path,) = folder.glob("*.db")
    holding = sqlite3.connect(path, isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holding.close()


def is_cut(folder: Path) -> bool:
    (lock,) = folder.glob("*.lock")
    return lock.stat().st_size == 0


async def next_start(folder: Path, number: int = 2) -> list[str]:
    """What a process sends of others that begins now, with a session of its own, and leaves nothing behind."""
    sink = MemorySink()
    async with Publisher(sink, clock=VirtualClock(BEGIN), folder=folder) as publisher:
        publisher.publish(event("room.disconnected", number))
        await eventually(lambda: not publisher.counts.pending and len(list(folder.glob("*.db"))) == 1)
    assert names(folder) == []
    own, *others = said(sink)
    assert own == "room.disconnected#0"
    return others


def killed(folder: Path, *, behind: bool) -> list[str]:
    """What a process sent that is killed while its disk is behind, or after that."""
    run = [sys.executable, "-W", "error", "-c", PROGRAM, str(folder)]
    with subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        sent = [process.stdout.readline(), process.stdout.readline()]
        with held(folder):
            process.stdin.write("\n")
            process.stdin.flush()
            sent.append(process.stdout.readline())
            if behind:
                process.kill()
                process.wait()
        if not behind:
            process.stdin.write("\n")
            process.stdin.flush()
            sent.append(process.stdout.readline())
            process.kill()
    return [line.strip() for line in sent]


async def test_no_number_is_given_twice_where_the_disk_was_behind_when_the_process_was_killed(tmp_path: Path) -> None:
    sent = await asyncio.to_thread(killed, tmp_path, behind=True)
    assert (sent, is_cut(tmp_path)) == (["0", "kept", "1"], True)
    assert await next_start(tmp_path) == []


async def test_a_disk_that_has_caught_up_ends_sessions_again(tmp_path: Path) -> None:
    sent = await asyncio.to_thread(killed, tmp_path, behind=False)
    assert (sent, is_cut(tmp_path)) == (["0", "kept", "1", "2"], False)
    assert (await next_start(tmp_path))[-1:] == ["room.disconnected#3"]  # what was sent may be repeated


async def test_a_file_says_that_it_is_behind_before_anything_is_sent_until_it_has_caught_up(tmp_path: Path) -> None:
    class Looking(MemorySink):
        async def send(self, records: object) -> None:
            del records
            found.append(is_cut(tmp_path))

    found: list[bool] = []
    publisher = Publisher(Looking(), folder=tmp_path)
    publisher.publish(event("room.connecting"))
    await publisher.flush()
    await asyncio.wrap_future(publisher.on_disk())
    with held(tmp_path):
        for kind in ("room.connected", "room.reconnecting"):
            publisher.publish(event(kind))
            await eventually(lambda: not publisher.counts.pending)
    await asyncio.wrap_future(publisher.on_disk())
    assert (found, is_cut(tmp_path)) == ([False, True, True], False)
    publisher.publish(event("room.disconnected"))
    assert await publisher.close() == Counts(published=4)
    assert (found[3:], names(tmp_path)) == ([False], [])


async def test_what_a_file_that_was_behind_left_ends_no_session_at_a_later_start_either(tmp_path: Path) -> None:
    await asyncio.to_thread(killed, tmp_path, behind=True)
    away = MemorySink()
    away.is_away = True
    second = Publisher(away, folder=tmp_path)
    second.publish(event("room.connecting", 2))
    await eventually(lambda: len(list(tmp_path.glob("*.db"))) == 1)
    assert (await second.close(within_s=0.01)).pending == 1
    assert second._disk is not None
    await asyncio.wrap_future(second._disk.close(remove=False))
    assert await next_start(tmp_path, 3) == ["room.connecting#0", "room.connect_failed#1"]
