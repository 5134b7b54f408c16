"""A LiveKit room, observed in one line: python examples/livekit_room.py ws://127.0.0.1:7880 TOKEN."""

import asyncio
import logging
import sys

from livekit import rtc

from session_core import MemorySink, ObservedRoom, Publisher
from session_core.adapters.livekit import observe_livekit


def watch(room: rtc.Room, publisher: Publisher) -> ObservedRoom:
    seen = observe_livekit(room, publisher=publisher)
    seen.on("reconnecting", lambda event: print("reconnecting:", event.error))
    seen.on("reconnected", lambda _: print("reconnected"))
    seen.on("disconnected", lambda event: print("disconnected:", event.error or event.reason or "removed"))
    seen.on("participant_connected", lambda _: print(len(seen.participants), "others are here"))
    return seen


async def main(url: str = "ws://127.0.0.1:7880", token: str = "") -> None:
    room = rtc.Room()
    async with Publisher(MemorySink()) as publisher, watch(room, publisher) as seen:
        try:
            await room.connect(url, token)
        except rtc.ConnectError:
            seen.disconnected(53000)  # LiveKit tells nobody but the caller of connect()
            print("no LiveKit server at", url)
        else:
            await seen.closed()


if __name__ == "__main__":
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # it warns of every attempt
    asyncio.run(main(*sys.argv[1:]))
