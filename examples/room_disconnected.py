"""The room is `disconnected` because it could not come back: the code says why it could not."""

import asyncio

from session_core import Event, ReconnectPolicy, connect
from session_core.transports.memory import FaultKind, MemoryServer, MemoryTransport

IMPATIENT = ReconnectPolicy.documented(window_ms=300, attempts_max=3, delay_first_ms=10)


async def lose(fault: FaultKind, code: int = 0) -> None:
    server = MemoryServer()
    room = await connect("token", transport=MemoryTransport(server), policy=IMPATIENT)

    @room.on("disconnected")
    def show(event: Event) -> None:
        assert room.state == "disconnected"
        assert event.error is not None  # it is None when this side leaves
        if event.error.code == 20104:
            print("Signaling reconnection failed due to expired AccessToken!")
        elif event.error.code == 53000:
            print("Signaling reconnection attempts exhausted!")
        elif event.error.code == 53002:
            print("Signaling reconnection took too long!")

    server.fail(fault, code=code)
    server.drop()
    await room.closed()


async def main() -> None:
    await lose("resync", 20104)
    await lose("refusing")
    await lose("unreachable")


asyncio.run(main())
