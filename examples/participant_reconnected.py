"""A participant has reconnected: told by the participant, and by the room first."""

import asyncio

from session_core import Event, connect
from session_core.transports.memory import MemoryServer, MemoryTransport


async def main() -> None:
    server = MemoryServer()
    await connect("token", transport=MemoryTransport(server, identity="bob"))
    async with connect("token", transport=MemoryTransport(server, identity="alice")) as room:
        told = asyncio.Event()
        (remote_participant,) = room.participants.values()

        @remote_participant.on("reconnected")
        def show(_: Event) -> None:
            assert remote_participant.state == "connected"
            print(f"{remote_participant.identity} has reconnected the signaling connection to the Room!")
            # Update the participant's UI here.
            told.set()

        @room.on("participantReconnected")  # or, as Python spells it, participant_reconnected
        def show_too(event: Event) -> None:
            assert event.participant is not None
            assert event.participant.state == remote_participant.state == "connected"
            print(f"The room says: {event.participant.identity} has reconnected")

        server.drop(identity="bob")
        await told.wait()


asyncio.run(main())
