"""A room whose signaling is a websocket: it says what becomes of it until it is interrupted.

python examples/websocket_room.py ws://127.0.0.1:8765 alice my-room
"""

import asyncio
import sys

from session_core import ConnectError, Event, connect
from session_core.transports.websocket import WebSocketTransport


async def main(url: str, token: str, room_name: str) -> None:
    transport = WebSocketTransport(url)
    async with connect(token, transport=transport, room_name=room_name, leave_on_signals=True) as room:

        @room.on("participant_connected")
        @room.on("participant_reconnecting")
        @room.on("participant_reconnected")
        @room.on("participant_disconnected")
        def tell(event: Event) -> None:
            assert event.participant is not None
            print(event.participant.identity, "is", event.participant.state)

        @room.on("reconnecting")
        @room.on("reconnected")
        @room.on("disconnected")
        def show(event: Event) -> None:
            print("the room is", event.state, event.error or "")

        print("joined as", room.local_participant.identity, "with", [it.identity for it in room.participants.values()])
        await room.closed()


try:
    asyncio.run(main(*sys.argv[1:4]))
except ConnectError as error:
    sys.exit(f"could not join: {error}")
