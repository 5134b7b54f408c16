"""An SDK of any kind: tell a room what it says, and every outage is known and published."""

import asyncio

from session_core import MemorySink, Publisher, observe


async def main() -> None:
    async with Publisher(MemorySink()) as publisher, observe(publisher=publisher, room_name="standup") as room:
        room.on("reconnecting", lambda event: print("reconnecting:", event.error))
        room.on("reconnected", lambda _: print("reconnected, and the room is", room.state.value))
        # What follows is what your handlers of the SDK's events call.
        room.joined("RM1", "PA1", identity="alice", participants=[("PA2", "bob")])
        room.reconnecting()
        room.reconnected()
        room.disconnected(53118, vendor="your-sdk", vendor_code=4)
    print(publisher.counts.published, "events published, outages:", room.totals.outages)


asyncio.run(main())
