"""Leaving when the process ends: the others hear of it at once, and telemetry has its last word."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
import asyncio, os, signal, sys
from session_core import wire
from session_core.driver import connect
from session_core.publisher import MemorySink, Publisher
from session_core.transports.memory import MemoryServer, MemoryTransport

class Printing(MemorySink):
    async def send(self, records):
        await super().send(records)
        for record in records:
            message = wire.decode(record.value).message
            print(message.type, message.data.reason or "", flush=True)

server = MemoryServer()
publisher = Publisher(Printing())

async def open_room(**how):
    room = await connect("token", transport=MemoryTransport(server), publisher=publisher, **how)
    room.on("disconnected", lambda event: print("handler:", room.state.value, event.reason, flush=True))
    await publisher.flush()
    return room
"""


def run(ending: str) -> tuple[int, list[str], str]:
    """Runs the program with this ending: how it exited, what it printed, what it complained of."""
    program = [sys.executable, "-W", "error", "-c", PROGRAM + ending]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


JOINED = ["room.connecting ", "room.connected "]


def test_a_room_that_is_open_at_the_interpreters_end_leaves() -> None:
    assert run("""
async def main():
    global room
    room = await open_room()

asyncio.run(main())
""") == (0, [*JOINED, "handler: disconnected exit", "room.disconnected exit"], "")


def test_a_room_that_has_ended_is_left_alone_at_the_interpreters_end() -> None:
    assert run("""
async def main():
    global room
    room = await open_room()
    room.disconnect()
    await publisher.close()

asyncio.run(main())
""") == (0, [*JOINED, "handler: disconnected leave", "room.disconnected leave"], "")


def test_the_last_words_of_every_publisher_are_sent_also_of_one_that_came_later() -> None:
    code, printed, complaint = run("""
async def main():
    global room, other
    room = await open_room()
    late = Publisher(Printing())
    other = await connect("token", transport=MemoryTransport(server, identity="bob"), publisher=late)
    await late.flush()

asyncio.run(main())
""")
    assert (code, complaint, printed.count("room.disconnected exit")) == (0, "", 2)


SIGNALLED = """
async def main():
    global room
    room = await open_room(leave_on_signals=True)
    os.kill(os.getpid(), signal.{name})
    await asyncio.Event().wait()

{before}
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_makes_rooms_leave_and_then_does_what_it_did() -> None:
    code, printed, _ = run(SIGNALLED.format(name="SIGTERM", before=""))
    assert (code, printed) == (-signal.SIGTERM, [*JOINED, "handler: disconnected signal", "room.disconnected signal"])


def test_a_signal_with_a_handler_of_the_applications_is_handed_back_to_it() -> None:
    before = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    code, printed, _ = run(SIGNALLED.format(name="SIGTERM", before=before))
    assert (code, printed) == (7, [*JOINED, "handler: disconnected signal", "room.disconnected signal"])


def test_an_interrupt_still_interrupts() -> None:
    code, printed, _ = run(SIGNALLED.format(name="SIGINT", before=""))
    assert (code, printed) == (
        0,
        [*JOINED, "handler: disconnected signal", "room.disconnected signal", "interrupted"],
    )


def test_a_second_signal_ends_the_flush() -> None:
    ending = SIGNALLED.format(name="SIGTERM", before="")
    hanging = """
class Hanging(MemorySink):
    async def send(self, records):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

async def open_room(**how):
    return await connect("token", transport=MemoryTransport(server), publisher=Publisher(Hanging()), **how)
"""
    code, printed, _ = run(hanging + ending)
    assert (code, printed) == (-signal.SIGTERM, [])


def test_without_being_asked_signals_are_not_touched() -> None:
    assert (
        run("""
async def main():
    before = [signal.getsignal(it) for it in (signal.SIGTERM, signal.SIGINT)]
    await open_room()
    print([signal.getsignal(it) for it in (signal.SIGTERM, signal.SIGINT)] == before)
    (await open_room(leave_on_signals=True)).disconnect()
    print([signal.getsignal(it) for it in (signal.SIGTERM, signal.SIGINT)] == before)

asyncio.run(main())
""")[1].count("True")
        == 2
    )


def test_signals_can_be_asked_for_in_the_main_thread_only() -> None:
    code, printed, complaint = run("""
import threading

async def main():
    try:
        await open_room(leave_on_signals=True)
    except (RuntimeError, ValueError) as error:
        print("refused:", error)
        print(server.participants("room"))

thread = threading.Thread(target=lambda: asyncio.run(main()))
thread.start()
thread.join()
""")
    assert (code, printed[-1], complaint) == (0, "{}", "")
