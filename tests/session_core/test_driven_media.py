"""Media of a driven room that its transport does not have: whoever has it tells the room."""

from __future__ import annotations

import pytest

from session_core.signals import DtlsFailed, IceState, PeerClosed, SignalingLost
from tests.session_core.world import World, noted


async def test_media_that_the_transport_has_not_is_fed_by_whoever_has_it() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    room.feed(IceState("to bob", "failed"))
    room.feed(IceState("to bob", "completed"))
    room.feed(PeerClosed("to bob"))
    room.feed(DtlsFailed("to carol"))
    room.feed(IceState("to bob", "failed"))
    assert notes == ["reconnecting reconnecting 53405", "reconnected connected", "disconnected disconnected 53407"]


async def test_a_signal_that_is_not_of_media_is_logged_and_not_fed(caplog: pytest.LogCaptureFixture) -> None:
    room = await World().connect()
    room.feed(SignalingLost())  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == [
        "feed() takes IceState, PeerClosed and DtlsFailed, not SignalingLost"
    ]
    assert room.state == "connected"
