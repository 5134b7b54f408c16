"""Media over aiortc: a path that fails is a room that reconnects, and a fresh peer connection brings it back."""

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from session_core import connect
from session_core.adapters.aiortc import watch
from session_core.transports.memory import MemoryServer, MemoryTransport

PEERS: list[RTCPeerConnection] = []


async def call(*, blocked: bool = False) -> RTCPeerConnection:
    """Alice's half of a call with bob: an application sends offer and answer over its signaling."""
    alice, bob = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    PEERS.extend((alice, bob))
    alice.addTransceiver("audio")
    await alice.setLocalDescription()
    await bob.setRemoteDescription(alice.localDescription)
    await bob.setLocalDescription()
    answer = bob.localDescription.sdp.replace("a=candidate", "a=blocked" if blocked else "a=candidate")
    await alice.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return alice


async def main() -> None:
    async with connect("token", transport=MemoryTransport(MemoryServer())) as room:
        events = room.events()
        watching = watch(room, await call(blocked=True))
        async for event in events:
            print(event.type, event.error or "by a fresh peer connection")
            if event.type == "room.reconnected":
                break
            watching.replace(await call())  # aiortc cannot restart ICE
    await asyncio.gather(*(peer.close() for peer in PEERS))


asyncio.run(main())
