"""The reference server where our own client does not lead it: what is no frame, who comes too late, who is silent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from examples.signaling_server import SignalingServer
from tests.waiting import eventually

JOIN = {"type": "join", "version": 1, "token": "alice", "heartbeat_ms": 100}


@pytest.fixture
async def server() -> AsyncIterator[tuple[SignalingServer, str]]:
    signaling = SignalingServer(keep_s=0.2)
    async with await signaling.start() as listening:
        yield signaling, f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def asked(connection: ClientConnection, frame: object) -> dict[str, Any]:
    await connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
    answer: dict[str, Any] = json.loads(await connection.recv())
    return answer


@pytest.mark.parametrize(
    "frame", ["", "[]", {"type": "join"}, {**JOIN, "version": 2}, {**JOIN, "type": "heartbeat"}, b"\xff", "[" * 50_000]
)
async def test_a_first_frame_that_cannot_be_read_is_answered_with_53004(
    server: tuple[SignalingServer, str], frame: object
) -> None:
    async with connect(server[1], proxy=None) as connection:
        assert (await asked(connection, frame))["code"] == 53004


async def test_a_session_that_is_not_known_is_answered_with_53204(server: tuple[SignalingServer, str]) -> None:
    async with connect(server[1], proxy=None) as connection:
        answer = await asked(connection, {**JOIN, "type": "sync", "session": "no such"})
    assert answer == {"type": "error", "code": 53204, "message": ""}


async def test_who_falls_silent_is_away_after_three_heartbeats_and_forgotten_after_a_while(
    server: tuple[SignalingServer, str],
) -> None:
    signaling, url = server
    async with connect(url, proxy=None) as connection:
        joined = await asked(connection, JOIN)
        assert await asked(connection, {"type": "heartbeat"}) == {"type": "heartbeat"}
        await connection.send(json.dumps({"type": "weather"}))
        (member,) = signaling.members("room")
        await eventually(lambda: member.state == "reconnecting")
    await eventually(lambda: member.state == "disconnected")
    async with connect(url, proxy=None) as connection:
        late = await asked(connection, {**JOIN, "type": "sync", "session": joined["session"]})
    assert (late["code"], signaling.members("room"), member.revision) == (53204, [], 3)
