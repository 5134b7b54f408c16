"""The process is told to end, as a container is: it leaves the room, so that the others hear of it at once."""

import asyncio
import signal

from session_core import Event, connect
from session_core.transports.memory import MemoryServer, MemoryTransport


async def main() -> None:
    server = MemoryServer()
    bob = await connect("token", transport=MemoryTransport(server, identity="bob"))

    @bob.on("participant_disconnected")
    def notice(event: Event) -> None:
        assert event.participant is not None
        print(f"{event.participant.identity} has left, bob sees")

    # Without leave_on_signals, room.disconnect() can be called from the application's own handler of the signal.
    async with connect("token", transport=MemoryTransport(server), leave_on_signals=True) as room:
        room.on("disconnected", lambda event: print("leaving because of a", event.reason))
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()


asyncio.run(main())
