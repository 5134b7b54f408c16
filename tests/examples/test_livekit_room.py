"""The LiveKit example, with the real package's Room where a server would be: what its `watch` prints."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc

from session_core import MemorySink, Publisher
from tests.session_core.livekit_room import livekit_room, somebody

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "livekit_room.py"


def program() -> Any:
    spec = importlib.util.spec_from_file_location("livekit_room_example", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_example_prints_what_becomes_of_a_livekit_room(capsys: pytest.CaptureFixture[str]) -> None:
    async with livekit_room() as livekit, Publisher(MemorySink()) as publisher:
        seen = program().watch(livekit.room, publisher)
        await livekit.connect()
        await livekit.say(participant_connected={"info": somebody("PA_bob", "bob")})
        await livekit.reconnecting()
        await livekit.reconnected()
        await livekit.disconnected(rtc.DisconnectReason.DUPLICATE_IDENTITY)
        await seen.closed()
    duplicate = "Participant disconnected because of duplicate identity"
    assert capsys.readouterr().out.splitlines() == [
        "1 others are here",
        "reconnecting: SignalingConnectionDisconnectedError 53001: Signaling connection disconnected",
        "reconnected",
        f"disconnected: ParticipantDuplicateIdentityError 53205: {duplicate}",
    ]
