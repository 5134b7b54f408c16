"""The disk under an outbox: beside the rooms, taken over by the next process, and never in anybody's way."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from session_core import disk, outbox_file, wire
from session_core.clock import VirtualClock
from session_core.disk import Disk
from session_core.errors import OutboxFileError
from session_core.events import EventType
from session_core.kafka import KafkaSink
from session_core.outbox import Counts, Record
from session_core.outbox_folder import default_folder
from session_core.publisher import MemorySink, Publisher
from tests.session_core.telling import BEGIN, event
from tests.session_core.world import World
from tests.waiting import eventually

THREE: tuple[EventType, ...] = ("room.connecting", "room.connected", "room.reconnecting")


def publisher_to(sink: MemorySink, folder: Path | str) -> Publisher:
    return Publisher(sink, clock=VirtualClock(BEGIN), jitter=lambda: 0, folder=folder)


def said(sink: MemorySink) -> list[str]:
    messages = [wire.decode(record.value).message for record in sink.records]
    return [f"{message.type}#{message.id}" for message in messages]


async def left_behind(folder: Path | str) -> None:
    """What a process with an open room leaves that dies while Kafka is away."""
    sink = MemorySink()
    sink.is_away = True
    publisher = publisher_to(sink, folder)
    for kind in THREE:
        publisher.publish(event(kind))
    assert (await publisher.close(within_s=0.01)).pending == 3
    let_go(publisher)


def let_go(publisher: Publisher) -> None:
    """The process is gone, as far as a file can tell."""
    kept = publisher._disk
    assert kept is not None
    kept.close(remove=False).result(10)


def names(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


ALL_FOUR = ["room.connecting#0", "room.connected#1", "room.reconnecting#2", "room.disconnected#3"]


async def test_a_folder_may_be_given_by_its_name(tmp_path: Path) -> None:
    await left_behind(str(tmp_path))
    sink = MemorySink()
    async with publisher_to(sink, tmp_path):
        await eventually(lambda: said(sink) == ALL_FOUR)


async def test_the_next_start_sends_what_was_left_and_removes_the_file(tmp_path: Path) -> None:
    await left_behind(tmp_path)
    sink = MemorySink()
    async with publisher_to(sink, tmp_path):
        await eventually(lambda: said(sink) == ALL_FOUR)
    assert names(tmp_path) == []


async def test_what_one_start_took_over_and_could_not_send_is_sent_by_the_one_after_it(tmp_path: Path) -> None:
    await left_behind(tmp_path)
    away, sink = MemorySink(), MemorySink()
    away.is_away = True
    second = publisher_to(away, tmp_path)
    await second.__aenter__()
    await eventually(lambda: second.counts.pending == 4)
    await second.close(within_s=0.01)
    let_go(second)
    async with publisher_to(sink, tmp_path):
        await eventually(lambda: said(sink) == ALL_FOUR)
    assert names(tmp_path) == []


async def test_a_process_that_lives_keeps_its_file(tmp_path: Path) -> None:
    away, sink = MemorySink(), MemorySink()
    away.is_away = True
    living = publisher_to(away, tmp_path)
    living.publish(event("room.connecting"))
    async with publisher_to(sink, tmp_path) as other:
        other.publish(event("room.connecting", 2))
        await eventually(lambda: len(sink.records) == 1)
    away.is_away = False
    assert await living.close() == Counts(published=1)
    assert len(sink.records) == 1


async def test_what_is_sent_was_on_disk_before(tmp_path: Path) -> None:
    class Looking(MemorySink):
        async def send(self, records: object) -> None:
            del records
            path = only(tmp_path, "*.db")
            found.append(len(outbox_file.read(path)[0].waiting))

    found: list[int] = []
    publisher = publisher_to(Looking(), tmp_path)
    for kind in THREE:
        publisher.publish(event(kind))
    await publisher.close()
    assert found == [3]


def modes(folder: Path) -> tuple[int, set[int]]:
    return folder.stat().st_mode & 0o777, {path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def test_only_their_owner_reads_outboxes(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    await left_behind(folder)
    assert modes(folder) == (0o700, {0o600})


def test_a_folder_belongs_to_one_address_and_memory_has_none() -> None:
    sinks = (KafkaSink("b:1,a:1"), KafkaSink(["a:1", "b:1"]), KafkaSink("a:1"), KafkaSink("a:1", "other"))
    folders = [default_folder(sink.address) for sink in sinks]
    assert (folders[0] == folders[1], len(set(folders))) == (True, 3)
    assert Publisher(MemorySink())._disk is None
    assert Publisher(sinks[0], memory_only=True)._disk is None
    assert Publisher(sinks[0])._disk is not None


class Elsewhere:
    """A sink of somebody's own, that says nothing of where it sends to."""

    async def send(self, records: Sequence[Record]) -> None:
        """Takes everything."""

    async def close(self) -> None:
        """Has nothing to free."""


class Named(Elsewhere):
    address = "elsewhere 1"


def test_what_waits_for_a_sink_that_says_no_address_is_kept_in_memory_only_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert Publisher(Elsewhere())._disk is None
    told = "telemetry is kept in memory only: give Elsewhere an `address`, or the publisher a `folder`"
    assert caplog.messages == [told]
    kept = [Publisher(Named())._disk, Publisher(Elsewhere(), folder=tmp_path)._disk]
    in_memory = [Publisher(Elsewhere(), memory_only=True)._disk, Publisher(MemorySink())._disk]
    assert (None in kept, in_memory, caplog.messages) == (False, [None, None], [told])


def test_without_a_home_of_its_own_state_lies_in_a_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert default_folder("a").parent.name == f"roomwatch-{os.getuid()}"


# A disk that fails


async def degraded(folder: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture) -> list[str]:
    """What arrives all the same when the disk fails after the first event; it is logged once."""
    caplog.set_level(logging.WARNING, "session_core.disk")
    sink = MemorySink()
    publisher = publisher_to(sink, folder)
    publisher.publish(event("room.connecting"))
    await publisher.flush()
    spoil(folder)
    for kind in ("room.connected", "room.reconnecting"):
        publisher.publish(event(kind))
        await publisher.flush()
    await publisher.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "in memory only" in caplog.text
    reports = [it for it in map(wire.decode, (r.value for r in sink.records)) if it.message.type[-4:] == "lost"]
    assert [it.message.data.lost for it in reports] == [{disk.NOT_ON_DISK: {"session.events_lost": 0}}]
    return [line for line in said(sink) if "lost" not in line]


def corrupt(folder: Path) -> None:
    for path in folder.glob("*.db*"):
        path.write_bytes(b"\xff" * 8192)


def take_tables(folder: Path) -> None:
    path = only(folder, "*.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE waiting")


@pytest.mark.parametrize("spoil", [corrupt, take_tables])
async def test_a_file_that_fails_in_the_middle_leaves_telemetry_in_memory_and_says_so_once(
    tmp_path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert await degraded(tmp_path, spoil, caplog) == ALL_FOUR[:3]


async def test_a_full_disk_leaves_telemetry_in_memory_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = MemorySink()
    sink.is_away = True
    publisher = publisher_to(sink, tmp_path)
    publisher.publish(event("room.connecting"))
    await asyncio.wrap_future(publisher.on_disk())
    assert publisher._disk is not None
    assert publisher._disk._connection is not None
    publisher._disk._connection.execute("PRAGMA max_page_count = 16")
    for number in range(2, 200):
        publisher.publish(event("room.connecting", number))
    await eventually(lambda: "database or disk is full" in caplog.text)
    sink.is_away = False
    assert await publisher.close() == Counts(published=200)
    assert caplog.text.count("in memory only") == 1


@pytest.mark.parametrize("folder", ["/proc/roomwatch", "/dev/null/roomwatch"])
async def test_a_folder_that_cannot_be_written_leaves_telemetry_in_memory_and_says_so_once(
    folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink = MemorySink()
    async with publisher_to(sink, Path(folder)) as publisher:
        await eventually(lambda: "in memory only" in caplog.text)
        publisher.publish(event("room.connecting"))
        publisher.publish(event("room.connected"))
    assert [line for line in said(sink) if "lost" not in line] == ALL_FOUR[:2]
    assert [line for line in said(sink) if "lost" in line] == ["session.events_lost#1.1"]
    assert caplog.text.count("in memory only") == 1


async def test_a_file_cut_short_by_a_failing_disk_is_sent_and_ends_no_session(tmp_path: Path) -> None:
    await left_behind(tmp_path)
    os.truncate(only(tmp_path, "*.lock"), 0)
    sink = MemorySink()
    async with publisher_to(sink, tmp_path):
        await eventually(lambda: said(sink) == ALL_FOUR[:3])


# Files that cannot be taken over


async def test_a_file_of_a_newer_version_waits_for_one_and_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await left_behind(tmp_path)
    path = only(tmp_path, "*.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    await another_start(tmp_path)
    assert "of version 2; this program knows 1" in caplog.text
    assert ".db" in names(tmp_path)


async def test_a_file_that_nobody_can_read_is_set_aside_and_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await left_behind(tmp_path)
    corrupt(tmp_path)
    await another_start(tmp_path)
    assert caplog.text.count("cannot be sent") == 1
    assert names(tmp_path).count(".unreadable") == 1


async def another_start(folder: Path) -> None:
    """Sends its own events, and says in one of them that something could not be read."""
    sink = MemorySink()
    async with publisher_to(sink, folder) as publisher:
        publisher.publish(event("room.connecting", 2))
        await eventually(lambda: said(sink) == ["room.connecting#0", "session.events_lost#0.1"])
    lost = wire.decode(sink.records[1].value).message.data.lost
    assert lost == {disk.UNREADABLE: {"session.events_lost": 0}}


async def test_a_file_that_another_one_took_over_is_not_sent_again(tmp_path: Path) -> None:
    """As when the process died between writing it into its own and removing it."""
    await left_behind(tmp_path)
    path = only(tmp_path, "*.db")
    kept = Disk(tmp_path)
    kept.open(lambda: None)
    await asyncio.wrap_future(kept.written())
    kept._claimed.popitem()[1].release()
    (left,) = kept._leftovers
    kept.adopted(left)
    await asyncio.wrap_future(kept.close(remove=False))
    sink = MemorySink()
    async with publisher_to(sink, tmp_path) as publisher:
        await eventually(lambda: not path.exists())
        publisher.publish(event("room.connecting", 2))
        await eventually(lambda: said(sink) == ["room.connecting#0"])


@pytest.mark.parametrize(("content", "reason"), [(None, "missing"), (b"", "unreadable"), (b"x" * 5000, "unreadable")])
def test_what_is_no_outbox_is_refused_with_a_reason(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "outbox-1.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OutboxFileError) as caught:
        outbox_file.read(path)
    assert (caught.value.reason, str(path) in str(caught.value)) == (reason, True)


# A disk that is slow


async def test_connecting_takes_no_longer_with_a_disk_that_does_not_answer(tmp_path: Path) -> None:
    """No time passes on the clock, and the event loop turns no oftener."""
    turned = []
    for publisher in (None, publisher_to(MemorySink(), tmp_path)):
        if publisher is not None:
            publisher.publish(event("room.connecting", 7))
            await asyncio.wrap_future(publisher.on_disk())
            path = only(tmp_path, "*.db")
            holding = sqlite3.connect(path, isolation_level=None)
            holding.execute("BEGIN IMMEDIATE")
        joining = asyncio.ensure_future(joined(World(), publisher))
        count = 0
        while not joining.done():
            await asyncio.sleep(0)
            count += 1
        turned.append(count)
        if publisher is not None:
            assert not publisher.on_disk().done()
            holding.close()
            await asyncio.wait_for(asyncio.wrap_future(publisher.on_disk()), 10)
            assert (await publisher.close()).published == 3
    assert turned[0] == turned[1]


async def joined(world: World, publisher: Publisher | None) -> None:
    await world.connect(publisher=publisher)


async def test_a_process_that_forked_has_no_part_in_the_file(tmp_path: Path) -> None:
    kept = Disk(tmp_path)
    kept.open(lambda: None)
    await asyncio.wrap_future(kept.written())
    kept._process += 1
    assert (kept.has_failed, kept.written().done()) == (True, True)
    kept._process -= 1
    await asyncio.wrap_future(kept.close(remove=True))
    assert names(tmp_path) == []
