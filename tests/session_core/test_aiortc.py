"""Peer connections of the real aiortc, over this machine's network: what a room makes of what becomes of them."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from session_core.adapters.aiortc import watch
from session_core.signals import DtlsFailed, IceState, MediaSignal, PeerClosed
from tests.session_core.calls import (
    join,
    peer,
    peers,
    until,
    with_a_wrong_fingerprint,
    with_new_ice_credentials,
    without_candidates,
)
from tests.session_core.world import World, noted
from tests.waiting import eventually

EVENTS = ("signalingstatechange", "iceconnectionstatechange", "connectionstatechange")


def handlers(peer_connection: RTCPeerConnection) -> int:
    return sum(len(peer_connection.listeners(event)) for event in EVENTS)


async def test_a_call_that_is_made_and_ended_is_no_outage() -> None:
    told: list[MediaSignal] = []
    async with peers() as (alice, bob):
        watch(told.append, alice, name="to bob")
        await join(alice, bob)
        await until(alice, "connected")
    assert told == [
        IceState("to bob", "new"),
        IceState("to bob", "checking"),
        IceState("to bob", "completed"),
        PeerClosed("to bob"),
    ]


@pytest.mark.parametrize("audio", [True, False], ids=["audio", "data"])
async def test_a_call_that_the_other_side_ends_is_no_outage(audio: bool) -> None:  # noqa: FBT001 - a parameter of the test
    world = World()
    room = await world.connect()
    notes = noted(room)
    told: list[MediaSignal] = []
    async with peers(audio=audio) as (alice, bob):
        if not audio:
            alice.createDataChannel("chat")
        watch(room, alice)
        watch(told.append, alice, name="to bob")
        await join(alice, bob)
        await until(alice, "connected")
        await until(bob, "connected")
        await bob.close()
        await until(alice, "closed")
    assert (notes, room.state, told[-1]) == ([], "connected", PeerClosed("to bob"))


async def test_ice_that_fails_is_53405_and_a_fresh_peer_connection_ends_the_outage() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    async with peers(4) as (alice, bob, alice_again, bob_again):
        watching = watch(room, alice, name="to bob")
        await join(alice, bob, answer_edit=without_candidates)
        await until(alice, "failed")
        assert notes == ["reconnecting reconnecting 53405"]
        watching.replace(alice_again)
        await alice.close()
        assert (room.state, handlers(alice), handlers(alice_again)) == ("reconnecting", 0, len(EVENTS))
        await join(alice_again, bob_again)
        await until(alice_again, "connected")
        assert notes == ["reconnecting reconnecting 53405", "reconnected connected"]


async def test_closing_what_failed_is_not_recovering() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    async with peers() as (alice, bob):
        watch(room, alice)
        await join(alice, bob, answer_edit=without_candidates)
        await until(alice, "failed")
        await alice.close()
    assert (notes, room.state, handlers(alice)) == (["reconnecting reconnecting 53405"], "reconnecting", 0)


async def test_what_failed_and_is_no_longer_part_of_the_call_counts_no_more() -> None:
    world = World()
    room = await world.connect()
    async with peers(4) as (to_bob, bob, to_carol, carol):
        gone = watch(room, to_bob, name="to bob")
        await join(to_bob, bob, answer_edit=without_candidates)
        await until(to_bob, "failed")
        watch(room, to_carol, name="to carol")
        gone.stop()
        await join(to_carol, carol)
        await eventually(lambda: room.state == "connected")
        assert handlers(to_bob) == 0


async def test_a_call_that_has_one_good_peer_connection_has_media() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    async with peers(4) as (to_bob, bob, to_carol, carol):
        watch(room, to_carol)
        await join(to_carol, carol)
        await until(to_carol, "connected")
        watch(room, to_bob)
        await join(to_bob, bob, answer_edit=without_candidates)
        await until(to_bob, "failed")
        assert (notes, room.state) == ([], "connected")


async def test_a_wrong_fingerprint_ends_the_room_with_53407_at_once() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    async with peers() as (alice, bob):
        watch(room, alice)
        await join(alice, bob, answer_edit=with_a_wrong_fingerprint)
        await until(alice, "failed")
    assert notes == ["disconnected disconnected 53407"]


async def test_whoever_comes_late_is_told_how_it_is() -> None:
    said: dict[str, list[MediaSignal]] = {"good": [], "failed": [], "forged": [], "closed": []}
    async with peers(6) as (good, bob, failed, carol, forged, dave):
        await join(good, bob)
        await join(failed, carol, answer_edit=without_candidates)
        await join(forged, dave, answer_edit=with_a_wrong_fingerprint)
        await until(good, "connected")
        await until(failed, "failed")
        await until(forged, "failed")
        watch(said["good"].append, good, name="a").stop()
        watch(said["failed"].append, failed, name="b").stop()
        watch(said["forged"].append, forged, name="c").stop()
    watch(said["closed"].append, good, name="d")
    assert said == {
        "good": [IceState("a", "completed"), PeerClosed("a")],
        "failed": [IceState("b", "failed"), PeerClosed("b")],
        "forged": [IceState("c", "completed"), DtlsFailed("c"), PeerClosed("c")],
        "closed": [PeerClosed("d")],
    }
    assert [handlers(side) for side in (good, failed, forged)] == [0, 0, 0]


async def test_peer_connections_without_a_name_get_one_each() -> None:
    told: list[MediaSignal] = []
    async with peers() as (alice, bob):
        names = {watch(told.append, alice).name, watch(told.append, bob).name}
    assert (len(names), {signal.peer for signal in told}) == (2, names)


async def test_a_room_that_cannot_be_told_is_logged_and_nothing_reaches_aiortc(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(signal: MediaSignal) -> None:
        raise RuntimeError(f"no {type(signal).__name__}")

    async with peers() as (alice, bob):
        with caplog.at_level(logging.ERROR, logger="session_core.adapters.aiortc"):
            watch(refuse, alice)
            await join(alice, bob)
            await until(alice, "connected")
    assert {record.getMessage() for record in caplog.records} == {"a room could not be told of a peer connection"}


class Unreadable(RTCPeerConnection):
    """As of a version of aiortc that answers otherwise."""

    @property
    def iceConnectionState(self) -> str:  # noqa: N802 - aiortc's name
        raise AttributeError("iceConnectionState")


async def test_a_peer_connection_that_cannot_be_asked_is_logged_and_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[MediaSignal] = []
    alice = Unreadable(RTCConfiguration(iceServers=[]))
    async with peers(1) as (bob,):
        watch(told.append, alice, name="to bob")
        await join(bob, alice)
        await until(alice, "connected")
        await alice.close()
    assert {record.getMessage() for record in caplog.records} == {"a peer connection could not be asked how it is"}
    assert told == [PeerClosed("to bob")]


async def test_a_room_that_has_ended_is_told_in_vain() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    async with peers() as (alice, bob):
        watch(room, alice)
        room.disconnect()
        await join(alice, bob, answer_edit=without_candidates)
        await until(alice, "failed")
    assert notes == ["disconnected disconnected"]


async def test_what_is_no_peer_connection_is_refused_in_one_line() -> None:
    with pytest.raises(TypeError, match=r"^watch\(\) takes an aiortc\.RTCPeerConnection, not str$"):
        watch([].append, "alice")  # type: ignore[arg-type]


async def test_aiortc_cannot_restart_ice() -> None:
    """A version that can has another way back than a fresh peer connection: docs/aiortc.md would be wrong."""
    alice = peer()
    with pytest.raises(TypeError):
        await alice.createOffer(iceRestart=True)  # type: ignore[call-arg]
    assert [name for name in dir(alice) if "restart" in name.lower()] == []
    await alice.close()


async def test_an_offer_with_new_ice_credentials_does_not_restart_ice() -> None:
    told: list[MediaSignal] = []
    async with peers() as (alice, bob):
        watch(told.append, bob, name="to alice")
        await join(alice, bob)
        await until(alice, "connected")
        await until(bob, "connected")
        await join(alice, bob, offer_edit=with_new_ice_credentials)
    assert told == [
        IceState("to alice", "new"),
        IceState("to alice", "checking"),
        IceState("to alice", "completed"),
        PeerClosed("to alice"),
    ]


MISSING = """
import sys
sys.modules["aiortc"] = None
from session_core.adapters.aiortc import watch
try:
    watch(print, None)
except Exception as error:
    print(type(error).__name__, error.code, error.package, error.extra, error)
"""


def test_without_aiortc_the_adapter_says_what_to_install() -> None:
    out = subprocess.run([sys.executable, "-c", MISSING], check=True, capture_output=True, text=True).stdout
    said = "aiortc is not installed; run: pip install 'roomwatch[aiortc]'"
    assert out == f"ExtraMissingError extra-missing aiortc aiortc {said}\n"
