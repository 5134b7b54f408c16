"""The room is `reconnecting`: which connection was lost, and that is said while it is so."""

import asyncio

from session_core import Event, connect
from session_core.transports.memory import MemoryServer, MemoryTransport


async def main() -> None:
    server = MemoryServer()
    async with connect("token", transport=MemoryTransport(server)) as room:

        @room.on("reconnecting")
        def show(event: Event) -> None:
            assert room.state == "reconnecting"
            assert event.error is not None
            if event.error.code == 53001:
                print("Reconnecting your signaling connection!", event.error.message)
            elif event.error.code == 53405:
                print("Reconnecting your media connection!", event.error.message)
            # Update the application UI here.

        server.drop()
        async for event in room.events():
            if event.type == "room.reconnected":
                break
        server.ice("failed")


asyncio.run(main())
