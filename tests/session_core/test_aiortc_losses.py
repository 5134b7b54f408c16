"""Losses on the way: packets that vanish between two real peer connections of aiortc.

aiortc gives up a path after six consent checks that nobody answered, four to six seconds apart (RFC 7675), and has no
public setting for that. So these take half a minute, all at once.
"""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from aiortc import RTCPeerConnection
from aiortc.exceptions import InvalidStateError

from session_core.adapters.aiortc import watch
from tests.servers.losing_relay import LosingRelay
from tests.session_core.calls import join_through, peers, until
from tests.session_core.world import World, noted
from tests.waiting import eventually

EXPIRY_S = 60.0
Story = list[str]


async def media_lost(*, audio: bool) -> Story:
    """Every packet vanishes; a handler replaces the peer connection at once; a good path joins the fresh one."""
    room = await World().connect()
    story = noted(room)
    async with LosingRelay() as relay, peers(4, audio=audio) as (alice, bob, alice_again, bob_again):
        for side in () if audio else (alice, alice_again):
            side.createDataChannel("chat")
        watching = watch(room, alice)
        room.on("reconnecting", lambda _: watching.replace(alice_again))
        await _connected_through(relay, alice, bob)
        relay.is_losing = True
        await eventually(lambda: room.state == "reconnecting", EXPIRY_S)
        await until(alice, "closed")
        with pytest.raises(InvalidStateError):
            await alice.createOffer()
        story.append("aiortc has closed the peer connection")
        async with LosingRelay() as again:
            await _connected_through(again, alice_again, bob_again)
            await eventually(lambda: room.state == "connected")
    return story


async def media_lost_while_signaling_is_lost() -> Story:
    """The whole network goes: signaling is noticed first, and is back first."""
    world = World()
    room = await world.connect()
    story = noted(room)
    async with LosingRelay() as relay, peers(4) as (alice, bob, alice_again, bob_again):
        watching = watch(room, alice)
        await _connected_through(relay, alice, bob)
        world.server.drop()
        relay.is_losing = True
        await until(alice, "closed", EXPIRY_S)
        story.append("media is lost too")
        world.clock.advance(1)
        await eventually(lambda: room.local_participant.state == "connected")
        story.append(f"signaling is back, the room {room.state}")
        async with LosingRelay() as again:
            watching.replace(alice_again)
            await _connected_through(again, alice_again, bob_again)
    return [*story, f"outages: {room.totals.outages}"]


async def media_lost_in_the_handshake() -> Story:
    """ICE has found a path that then vanishes under DTLS: DTLS is heard to fail first, and is not at fault."""
    room = await World().connect()
    story = noted(room)
    async with LosingRelay() as relay, peers() as (alice, bob):

        def cut() -> None:
            relay.is_losing = alice.iceConnectionState == "completed"

        alice.on("iceconnectionstatechange", cut)
        watch(room, alice)
        await join_through(relay, alice, bob)
        await until(alice, "failed", EXPIRY_S)
    return story


async def _connected_through(relay: LosingRelay, alice: RTCPeerConnection, bob: RTCPeerConnection) -> None:
    await join_through(relay, alice, bob)
    await until(alice, "connected")
    await until(bob, "connected")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories() -> dict[str, Story]:
    """What each room said, all of it lived through at the same time."""
    names = ("audio", "data", "signaling too", "handshake")
    told = await asyncio.gather(
        media_lost(audio=True),
        media_lost(audio=False),
        media_lost_while_signaling_is_lost(),
        media_lost_in_the_handshake(),
    )
    return dict(zip(names, told, strict=True))


@pytest.mark.parametrize("media", ["audio", "data"])
def test_packets_that_vanish_are_53405_and_a_fresh_peer_connection_ends_the_outage(
    stories: dict[str, Story], media: str
) -> None:
    assert stories[media] == [
        "reconnecting reconnecting 53405",
        "aiortc has closed the peer connection",
        "reconnected connected",
    ]


def test_media_lost_while_signaling_is_lost_is_one_outage_that_lasts_until_both_are_back(
    stories: dict[str, Story],
) -> None:
    assert stories["signaling too"] == [
        "reconnecting reconnecting 53001",
        "media is lost too",
        "signaling is back, the room reconnecting",
        "reconnected connected",
        "outages: 1",
    ]


def test_a_path_lost_under_the_dtls_handshake_is_an_outage_of_media_and_no_failure_of_dtls(
    stories: dict[str, Story],
) -> None:
    assert stories["handshake"] == ["reconnecting reconnecting 53405"]
