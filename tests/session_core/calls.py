"""Calls over aiortc: two real peer connections of this machine, joined directly or through a path that can lose.

aiortc gathers no loopback address: the machine needs another one, as every container with a network has.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from tests.servers.losing_relay import End, LosingRelay
from tests.waiting import eventually

Edit = Callable[[str], str]
CANDIDATE = re.compile(r"^(?P<what>a=candidate:\S+ 1 udp \d+) (?P<host>[0-9.]+) (?P<port>\d+) typ host$")


def peer(*, audio: bool = True) -> RTCPeerConnection:
    """One side of a call, that asks no STUN server."""
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if audio:
        made.addTrack(AudioStreamTrack())
    return made


@asynccontextmanager
async def peers(count: int = 2, *, audio: bool = True) -> AsyncIterator[tuple[RTCPeerConnection, ...]]:
    """Sides of calls, closed at the end."""
    made = tuple(peer(audio=audio) for _ in range(count))
    try:
        yield made
    finally:
        for side in made:
            await side.close()


async def join(
    caller: RTCPeerConnection, callee: RTCPeerConnection, *, offer_edit: Edit = str, answer_edit: Edit = str
) -> None:
    """Offer and answer, without waiting for what comes of them."""
    await caller.setLocalDescription()
    await callee.setRemoteDescription(_edited(caller.localDescription, offer_edit))
    await callee.setLocalDescription()
    await caller.setRemoteDescription(_edited(callee.localDescription, answer_edit))


async def join_through(relay: LosingRelay, caller: RTCPeerConnection, callee: RTCPeerConnection) -> None:
    """Offer and answer that name the relay's addresses as the other's."""
    await caller.setLocalDescription()
    await callee.setRemoteDescription(_edited(caller.localDescription, lambda sdp: _behind(relay.first, sdp)))
    await callee.setLocalDescription()
    await caller.setRemoteDescription(_edited(callee.localDescription, lambda sdp: _behind(relay.second, sdp)))


async def until(side: RTCPeerConnection, state: str, within_s: float = 15.0) -> None:
    """Waits for a peer connection's state."""
    await eventually(lambda: side.connectionState == state, within_s)


def without_candidates(sdp: str) -> str:
    """As where no address of the other side can be reached: ICE fails at once."""
    return sdp.replace("a=candidate", "a=x-candidate")


def with_a_wrong_fingerprint(sdp: str) -> str:
    """As where somebody is in the middle: the certificate is not the one that was promised."""
    return re.sub(r"(a=fingerprint:\S+ )..", lambda found: found[1] + "00", sdp)


def with_new_ice_credentials(sdp: str) -> str:
    """As a browser offers that restarts ICE."""
    return re.sub(r"(a=ice-(?:ufrag|pwd):)....", r"\1anew", sdp)


def _edited(description: RTCSessionDescription, edit: Edit) -> RTCSessionDescription:
    return RTCSessionDescription(edit(description.sdp), description.type)


def _behind(end: End, sdp: str) -> str:
    """The description of a side that is reached through the relay only, at one address."""
    lines = []
    for line in sdp.splitlines():
        found = CANDIDATE.match(line)
        if found is not None:
            # A side has an address for each network of the machine; one of them carries the call.
            address = (found["host"], int(found["port"]))
            end.address = end.address or address
            if address == end.address:
                lines.append(f"{found['what']} 127.0.0.1 {end.port} typ host")
        elif not line.startswith("a=candidate"):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"
