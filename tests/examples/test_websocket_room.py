"""The client program against the reference server, each a process of its own, over a wire that is cut."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.servers.relay import Relay

FOLDER = Path(__file__).resolve().parents[2] / "examples"
LOST = "SignalingConnectionDisconnectedError 53001: Signaling connection disconnected"
NOBODY = "could not join: SignalingConnectionError 53000: Signaling connection error"


@asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[Process]:
    """One of the programs, ended at the end if it has not ended by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-u", str(FOLDER / name), *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONPATH": str(FOLDER.parent)},  # noqa: TID251 - a program of ours needs to find the package
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def says(process: Process, lines: int = 1) -> list[str]:
    """The next lines of a program."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return [(await process.stdout.readline()).decode().strip() for _ in range(lines)]


async def test_a_room_over_a_websocket_says_what_becomes_of_it() -> None:
    async with running("signaling_server.py") as server:
        (url,) = await says(server)
        port = int(url.rsplit(":", 1)[1])
        async with Relay(port) as wire, running("websocket_room.py", url, "alice", "daily") as alice:
            assert await says(alice) == ["joined as alice with []"]
            async with running("websocket_room.py", f"ws://127.0.0.1:{wire.port}", "bob", "daily") as bob:
                assert await says(bob) == ["joined as bob with ['alice']"]
                wire.cut()
                assert await says(bob, 2) == [
                    f"the room is reconnecting {LOST}",
                    "the room is connected",
                ]
                bob.send_signal(signal.SIGTERM)
                assert await says(bob) == ["the room is disconnected"]
                assert await bob.wait() == -signal.SIGTERM
            told = ["bob is connected", "bob is reconnecting", "bob is connected", "bob is disconnected"]
            assert await says(alice, 4) == told


async def test_a_room_whose_server_is_not_there_says_so_in_one_line() -> None:
    async with Relay(0) as nobody:
        await nobody.refuse()
        async with running("websocket_room.py", f"ws://127.0.0.1:{nobody.port}", "alice", "daily") as alice:
            out, err = await alice.communicate()
    assert (alice.returncode, out.decode(), err.decode().strip()) == (1, "", NOBODY)
