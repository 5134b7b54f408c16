"""A server, a clock that is moved by hand, and rooms that are driven: what tests of the driver begin with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from session_core import wire
from session_core.clock import VirtualClock
from session_core.driver import Connecting, connect
from session_core.events import Event
from session_core.live import LiveRoom
from session_core.policy import ReconnectPolicy
from session_core.publisher import MemorySink, Publisher
from session_core.transports.memory import MemoryServer, MemoryTransport
from tests.session_core.telling import BEGIN


class World:
    """One server and one clock."""

    def __init__(self, **server: Any) -> None:
        self.clock = VirtualClock(BEGIN)
        self.server = MemoryServer(clock=self.clock, **server)
        self.sink = MemorySink()
        self.publisher = Publisher(self.sink, clock=self.clock, jitter=lambda: 0)

    def transport(self, identity: str = "alice", region: str | None = None) -> MemoryTransport:
        return MemoryTransport(self.server, identity=identity, room="daily", region=region)

    def connect(self, identity: str = "alice", **how: Any) -> Connecting:
        how = {"transport": self.transport(identity), "publisher": self.publisher, "token": "opaque", **how}
        return connect(how.pop("token"), clock=self.clock, jitter=lambda: 0.5, **how)

    async def told(self) -> list[str]:
        """What was published, as `type` or `type code`, in the order of sending."""
        await self.publisher.flush()
        messages = [wire.decode(record.value).message for record in self.sink.records]
        return [f"{m.type} {m.data.error.code}" if m.data.error else m.type for m in messages]


async def turns(count: int = 10) -> None:
    """Lets the event loop run what is ready, without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)


def noted(room: LiveRoom, *names: str) -> list[str]:
    """Notes each event of these names as it is told: `name`, the room's state, and the code if there is one."""
    notes: list[str] = []

    def note(name: str) -> Callable[[Event], None]:
        return lambda event: notes.append(
            " ".join(filter(None, (name, room.state.value, str(event.error.code) if event.error else "")))
        )

    for name in names or ("reconnecting", "reconnected", "disconnected"):
        room.on(name, note(name))
    return notes


SHORT = ReconnectPolicy.documented(window_ms=2_000, attempts_max=4)
