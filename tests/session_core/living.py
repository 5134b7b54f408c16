"""A process whose rooms live through simulated minutes, told when by lines on its input.

python -m tests.session_core.living BOOTSTRAP TOPIC SEED SECONDS

It says `joined`; a line has it live; it says how many events each session has had, as JSON; another line has everybody
leave; it says `left`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from random import Random
from typing import Final

from session_core.clock import SystemClock, VirtualClock
from session_core.driven import DrivenRoom
from session_core.driver import connect
from session_core.errors import ConnectError
from session_core.events import SEQLESS_TYPES, Event
from session_core.kafka import KafkaSink
from session_core.outbox import Outbox
from session_core.publisher import Publisher
from session_core.transports.memory import MemoryServer, MemoryTransport

ROOMS: Final = 4
PEOPLE_A_ROOM: Final = 4
LOST_EVERY_S: Final = 30
AWAY_MAX_S: Final = 20


class Counting(Outbox):
    """Counts the events of each session that take a number."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Counter[str] = Counter()

    def put(self, event: Event) -> None:
        super().put(event)
        if event.type not in SEQLESS_TYPES and not event.type.startswith("local."):
            self.told[str(event.session.session_id)] += 1


async def live(bootstrap: str, topic: str, rng: Random, seconds: int) -> None:
    clock = VirtualClock(SystemClock().now().utc)
    server = MemoryServer(clock=clock)
    outbox = Counting()
    publisher = Publisher(KafkaSink(bootstrap, topic, send_timeout_s=2), outbox=outbox, retry_max_s=0.5)
    rooms: dict[str, DrivenRoom] = {}

    async def join(identity: str) -> None:
        transport = MemoryTransport(server, identity=identity, room=f"room {int(identity) % ROOMS}")
        rooms[identity] = await connect("token", transport=transport, publisher=publisher, clock=clock)

    async with publisher:
        for number in range(ROOMS * PEOPLE_A_ROOM):
            await join(str(number))
        await publisher.flush(2)
        await told_to("joined")
        for _ in range(seconds):
            for identity, room in rooms.items():
                if room.state == "connected" and rng.random() < 1 / LOST_EVERY_S:
                    away = server.fail("unreachable", identity=identity)
                    server.drop(identity=identity)
                    now_us = clock.now().steady_us
                    clock.call_at(now_us + rng.randrange(1, AWAY_MAX_S * 1_000_000), away.end)
            clock.advance(1)
            await asyncio.sleep(0)
            for identity in [one for one, room in rooms.items() if room.state == "disconnected"]:
                try:
                    await join(identity)
                except ConnectError:
                    continue
        await asyncio.wrap_future(publisher.on_disk())
        await told_to(json.dumps(outbox.told))
        for room in rooms.values():
            room.disconnect()
        await publisher.close(30)
        say(json.dumps(outbox.told))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def told_to(line: str) -> None:
    """Says something, and waits for a line."""
    say(line)
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], sys.argv[2], Random(int(sys.argv[3])), int(sys.argv[4])))
