"""The room has `reconnected`: signaling and media are both back."""

import asyncio

from session_core import Event, connect
from session_core.transports.memory import MemoryServer, MemoryTransport


async def main() -> None:
    server = MemoryServer()
    async with connect("token", transport=MemoryTransport(server)) as room:
        back = asyncio.Event()

        @room.on("reconnected")
        def show(event: Event) -> None:
            assert room.state == "connected"
            assert event.outage is not None
            print("Reconnected your signaling and media connections!")
            print("attempts:", event.outage.attempts)
            # Update the application UI here.
            back.set()

        server.drop()
        await back.wait()


asyncio.run(main())
