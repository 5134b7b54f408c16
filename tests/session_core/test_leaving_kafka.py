"""Leaving, as a real process does with a real broker: `disconnected` is in Kafka within two seconds, however it left.

The two seconds are between the event's time, by the process's clock, and the time at which the broker appended it: one
machine's clock tells both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from session_core import wire
from session_core.errors import Origin
from session_core.instants import us_from_utc
from session_core.kept import Leftovers
from session_core.outbox_file import read
from tests.servers.kafka import Kafka

WITHIN_MS = 2_000

PROGRAM = """
import asyncio, os, signal, sys
from session_core.driver import connect
from session_core.kafka import KafkaSink
from session_core.publisher import Publisher
from session_core.transports.memory import MemoryServer, MemoryTransport

server = MemoryServer()
publisher = Publisher(KafkaSink({bootstrap!r}, {topic!r}))

def joining(**how):
    return connect("token", transport=MemoryTransport(server), publisher=publisher, **how)

async def until_signalled(number):
    async with joining(leave_on_signals=True):
        await publisher.flush()
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()
"""

IN_ORDER = {
    "the context manager ends": (
        """
async def main():
    async with joining():
        pass
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
""",
        0,
        "leave",
    ),
    "its task is cancelled": (
        """
async def stay(joined):
    async with joining():
        joined.set()
        await asyncio.Event().wait()
async def main():
    joined = asyncio.Event()
    task = asyncio.create_task(stay(joined))
    await joined.wait()
    task.cancel()
    await asyncio.wait({task})
asyncio.run(main())
""",
        0,
        "cancelled",
    ),
    "SIGINT": ("asyncio.run(until_signalled(signal.SIGINT))", -signal.SIGINT, "signal"),
    "SIGTERM": ("asyncio.run(until_signalled(signal.SIGTERM))", -signal.SIGTERM, "signal"),
    "the interpreter ends": (
        """
async def main():
    global room
    room = await joining()
asyncio.run(main())
""",
        0,
        "exit",
    ),
    "sys.exit": (
        """
async def main():
    async with joining():
        sys.exit(3)
asyncio.run(main())
""",
        3,
        "exit",
    ),
    "an exception that nobody handles": (
        """
async def main():
    async with joining():
        raise RuntimeError
asyncio.run(main())
""",
        1,
        "exception",
    ),
}


def ended(kafka: Kafka, topic: str) -> tuple[wire.Message, int]:
    """The terminal event in the topic, and how many milliseconds it took to be there."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        while True:
            record = consumer.poll(20)
            assert record is not None, "no disconnected event came"
            assert record.error() is None
            message = wire.decode(record.value()).message
            if message.type == "room.disconnected":
                return message, record.timestamp()[1] - us_from_utc(message.time) // 1000
    finally:
        consumer.close()


def started(kafka: Kafka, topic: str, ending: str) -> subprocess.Popen[bytes]:
    program = PROGRAM.format(bootstrap=kafka.bootstrap, topic=topic) + ending
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def unsent() -> list[Leftovers]:
    """What is left in files; one without anything in it is as good as none."""
    state = Path(os.environ["XDG_STATE_HOME"])  # noqa: TID251 - as the process is told
    return [left for path in state.rglob("outbox-*.db") for left in [read(path)[0]] if left.sessions or left.waiting]


@pytest.mark.parametrize("way", IN_ORDER)
def test_a_room_that_is_left_in_order_has_told_kafka_within_two_seconds(kafka: Kafka, topic: str, way: str) -> None:
    ending, code, reason = IN_ORDER[way]
    with started(kafka, topic, ending) as process:
        message, took_ms = ended(kafka, topic)
        process.communicate(timeout=30)
    assert (message.data.reason, message.data.origin, process.returncode) == (reason, Origin.LOCAL, code)
    assert took_ms < WITHIN_MS
    assert unsent() == []


KILLED = """
async def main():
    room = await joining()
    server.fail("unreachable")
    server.drop()
    await publisher.flush()
    print("reconnecting", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""

NEXT_START = """
async def main():
    async with publisher:
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


def test_what_a_killed_process_left_is_ended_by_its_next_start_with_the_outage_that_was_open(
    kafka: Kafka, topic: str
) -> None:
    with started(kafka, topic, KILLED) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"reconnecting\n"
        killed.kill()
    (left,) = unsent()
    with started(kafka, topic, NEXT_START) as process:
        message, _ = ended(kafka, topic)
        _, complaint = process.communicate(timeout=30)
    data = message.data
    assert (data.error, data.reason, data.origin, data.from_state) == (None, None, Origin.RESTART, "reconnecting")
    assert data.outage is not None
    assert (data.seq, data.outage.number, data.outage.cause) == (3, 1, "signaling")
    assert (left.unfinished, unsent(), complaint) == (1, [], b"")
