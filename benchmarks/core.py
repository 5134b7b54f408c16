"""What the session core costs whoever embeds it, beside yardsticks of the same run: `make bench`.

    transitions   changes of state a second through Room.receive, each told as an event; against making such events bare
    weight        bytes of a live session: the room alone, and with driver, outbox and its share of transport and server
    latency       what publishing adds to a room's answer to a signal, at the median and the 99th percentile
    fleet         seconds of CPU a minute of 1,000 rooms in one process, 1 % of them reconnecting at any time
    import        milliseconds to import what drives a room, in a fresh interpreter; against asyncio and msgspec alone

Prints a table, then one line of JSON a figure. CPU time is measured, not the clock on the wall, except for latencies.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, say  # noqa: E402
from session_core.clock import VirtualClock  # noqa: E402
from session_core.driven import DrivenRoom  # noqa: E402
from session_core.driver import connect  # noqa: E402
from session_core.events import Event, Moment, Session  # noqa: E402
from session_core.outbox import Record  # noqa: E402
from session_core.policy import ReconnectPolicy  # noqa: E402
from session_core.publisher import Publisher  # noqa: E402
from session_core.room import Room  # noqa: E402
from session_core.signals import (  # noqa: E402
    IceState,
    Joined,
    ParticipantState,
    ParticipantsUpdated,
    Resynchronised,
    Signal,
    SignalingLost,
)
from session_core.transports.memory import Fault, MemoryServer, MemoryTransport  # noqa: E402

BEGIN_US = 1_795_521_600_000_000
ROUNDS = 20_000
SESSIONS = 10_000
ROOMS = 1_000
OUTAGE_S = 2
AWAY = ROOMS // 100
MINUTES = 2
RUNS = 5
IMPORTS = {
    "session_core": "import session_core",
    "to drive a room": "from session_core import connect, ReconnectPolicy, Room",
    "to publish too": "from session_core import connect, ReconnectPolicy, Room, Publisher",
}


class NoSink:
    """Takes everything and keeps nothing, so that a sink's own costs are not measured."""

    async def send(self, records: Sequence[Record]) -> None:
        """Takes them."""

    async def close(self) -> None:
        """Has nothing to free."""


def joined_room(number: int) -> Room:
    """A room that is connected, with names of the usual length and one peer connection that is well."""
    at = Moment(BEGIN_US, 0)
    session = Session(session_id=UUID(int=number), room_name=f"room-{number}")
    room = Room(session, policy=ReconnectPolicy.documented())
    room.begin(at)
    room.receive(IceState("P1", "connected"), at)
    room.receive(Joined(f"RM{number:032}", f"PA{number:032}", identity=f"user-{number}"), at)
    return room


def cpu_seconds(run: Callable[[], object]) -> float:
    """The CPU time of one run, without the collector of garbage that others left."""
    gc.collect()
    begun = time.process_time()
    run()
    return time.process_time() - begun


def ups_and_downs() -> dict[str, list[Signal]]:
    """What brings a room from state to state and back, each signal a change."""
    words = ("reconnecting", "connected")
    return {
        "signaling": [SignalingLost(), Resynchronised(())] * ROUNDS,
        "media": [IceState("P1", "failed"), IceState("P1", "connected")] * ROUNDS,
        "participants": [
            ParticipantsUpdated((ParticipantState("PA9", "bob", words[n % 2], n + 1),)) for n in range(2 * ROUNDS)
        ],
    }


def play(signals: Sequence[Signal]) -> int:
    """Plays the signals to a room, a millisecond apart; how many events it made."""
    room = joined_room(1)
    made = 0
    for n, signal in enumerate(signals):
        at_us = n * 1000
        made += len(room.receive(signal, Moment(BEGIN_US + at_us, at_us)))
    return made


def bare(event: Event, times: int) -> None:
    """Makes such an event so often and does nothing else."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    for _ in range(times):
        Event(**fields)


def transitions() -> Iterator[Figure]:
    """Changes of state a second. The one sign of life in 30 s, which is none, is not worth taking off."""
    for name, signals in ups_and_downs().items():
        made = play(signals)
        example = joined_room(1).receive(signals[0], Moment(BEGIN_US, 0))[-1]
        mine = statistics.median(cpu_seconds(partial(play, signals)) for _ in range(RUNS))
        theirs = statistics.median(cpu_seconds(partial(bare, example, made)) for _ in range(RUNS))
        yield Figure(f"transitions, {name}", made / mine, "/s", "such events made bare", made / theirs, "> 200,000")


def weight_of_rooms() -> Iterator[Figure]:
    """Bytes of a room that is connected, its session's names among them."""
    joined_room(0)
    gc.collect()
    tracemalloc.start()
    rooms = [joined_room(number) for number in range(1, SESSIONS + 1)]
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / len(rooms)
    tracemalloc.stop()
    bare_size = sys.getsizeof(rooms[0].session)
    yield Figure("weight, room", size, "bytes", "its Session struct alone", bare_size, "< 2,048")


class Fleet:
    """Rooms of one process on a clock that is moved by hand, with a server in the process and a sink of no cost."""

    def __init__(self) -> None:
        self.clock = VirtualClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
        self.server = MemoryServer(clock=self.clock)
        self.publisher = Publisher(NoSink(), clock=self.clock, memory_only=True)
        self.rooms: list[DrivenRoom] = []

    async def join(self, rooms: int) -> None:
        """Lets so many in, each into a room of its own."""
        for number in range(len(self.rooms), len(self.rooms) + rooms):
            transport = MemoryTransport(self.server, identity=f"user-{number}", room=f"room-{number}")
            self.rooms.append(
                await connect(
                    "opaque",
                    transport=transport,
                    publisher=self.publisher,
                    clock=self.clock,
                    room_name=f"room-{number}",
                )
            )

    async def live(self, seconds: int) -> None:
        """Lets so much time pass, while `AWAY` of the rooms are away at any time."""
        faults: list[Fault] = []
        victims = count()
        for second in range(seconds):
            if second % OUTAGE_S == 0:
                for fault in faults:
                    fault.end()
                names = [f"user-{next(victims) % len(self.rooms)}" for _ in range(AWAY)]
                faults = [self.server.fail("unreachable", identity=name) for name in names]
                for name in names:
                    self.server.drop(identity=name)
            for _ in range(10):
                self.clock.advance(0.1)
                await asyncio.sleep(0)

    async def leave(self) -> None:
        """All of them, and the publisher."""
        for room in self.rooms:
            room.disconnect()
        await self.publisher.close()


async def weight_of_driven_rooms() -> list[Figure]:
    """Bytes of a room that is driven, its share of driver, outbox, transport and server among them."""
    fleet = Fleet()
    await fleet.join(1)
    gc.collect()
    tracemalloc.start()
    await fleet.join(SESSIONS)
    await fleet.publisher.flush()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / SESSIONS
    tracemalloc.stop()
    await fleet.leave()
    return [Figure("weight, driven and published", size, "bytes", goal="< 8,192")]


async def fleet_cpu() -> list[Figure]:
    """Seconds of CPU a minute, with publishing and without rooms that are away."""
    used = {}
    for away in (True, False):
        fleet = Fleet()
        await fleet.join(ROOMS)
        gc.collect()
        begun = time.process_time()
        if away:
            await fleet.live(60 * MINUTES)
        else:
            for _ in range(600 * MINUTES):
                fleet.clock.advance(0.1)
                await asyncio.sleep(0)
        used[away] = (time.process_time() - begun) / MINUTES
        await fleet.leave()
    return [Figure("fleet, 1,000 rooms, 1 % away", used[True], "CPU s/min", "the same with none away", used[False])]


async def latency() -> list[Figure]:
    """Microseconds of a room's answer, by the clock on the wall: with publishing, and without, in turn."""
    clock = VirtualClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    publisher = Publisher(NoSink(), clock=clock, memory_only=True)
    rooms = {True: joined_room(1), False: joined_room(2)}
    took: dict[bool, list[int]] = {True: [], False: []}
    signals = (SignalingLost(), Resynchronised(()))
    for n in range(ROUNDS):
        at = Moment(BEGIN_US + n * 1000, n * 1000)
        for published, room in rooms.items():
            begun = time.perf_counter_ns()
            for event in room.receive(signals[n % 2], at):
                if published:
                    publisher.publish(event)
            took[published].append(time.perf_counter_ns() - begun)
        if n % 100 == 0:
            await publisher.flush()
    await publisher.close()
    figures = []
    for name, at_percent in (("median", 50), ("p99", 99)):
        with_it, without = (statistics.quantiles(took[way], n=100)[at_percent - 1] / 1000 for way in (True, False))
        figures.append(Figure(f"latency, {name}", with_it, "us", "the same without publishing", without))
    return figures


def imports() -> Iterator[Figure]:
    """Milliseconds of CPU that an interpreter of its own needs for it, from bytecode, as pip installs it."""
    with tempfile.TemporaryDirectory() as folder:

        def median_ms(what: str) -> float:
            code = f"import time; t = time.process_time(); {what}; print((time.process_time() - t) * 1000)"
            command = [sys.executable, "-E", "-X", f"pycache_prefix={folder}", "-c", code]
            runs = [subprocess.run(command, cwd=ROOT, capture_output=True, check=True) for _ in range(10)]
            return statistics.median(float(run.stdout) for run in runs[1:])  # the first compiles

        asyncio_ms = median_ms("import asyncio, msgspec")
        for name, what in IMPORTS.items():
            yield Figure(f"import, {name}", median_ms(what), "CPU ms", "asyncio and msgspec", asyncio_ms, "< 80")


def main() -> None:
    """The table, then the lines; the ratios are what to compare between versions."""
    stages = (
        transitions,
        weight_of_rooms,
        lambda: asyncio.run(weight_of_driven_rooms()),
        lambda: asyncio.run(latency()),
        lambda: asyncio.run(fleet_cpu()),
        imports,
    )
    say(figure for stage in stages for figure in stage())


if __name__ == "__main__":
    main()
