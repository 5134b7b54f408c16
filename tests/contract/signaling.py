"""What the contract of transports needs of each technology: clients of a server, and ways to break it.

`MemorySignaling` and `WebSocketSignaling` do the same with a server in this process and with one behind a real wire.
Both number the rooms and participants alike, so that whole signals can be compared. Time stands still until it is
moved.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final, Protocol

from examples.signaling_server import Frame, Refusal, SignalingServer
from session_core.clock import VirtualClock
from session_core.signals import Signal
from session_core.transport import Transport
from session_core.transports.memory import Fault, MemoryServer, MemoryTransport
from session_core.transports.websocket import ANSWER_TIMEOUT_S, WebSocketTransport
from tests.servers.relay import Relay
from tests.session_core.telling import BEGIN
from tests.waiting import eventually

ROOM: Final = "daily"


class Client:
    """A transport and what it delivered."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.heard: list[Signal] = []

    async def join(self, token: str) -> Client:
        """Joins, and waits for the answer."""
        self.transport.join(token, ROOM, self.heard.append)
        await eventually(lambda: self.heard)
        return self

    async def attempt(self, token: str) -> Signal:
        """The first answer to an attempt."""
        before = len(self.heard)
        self.transport.attempt(token)
        await eventually(lambda: len(self.heard) > before)
        return self.heard[before]

    async def hears(self, signal: Signal) -> bool:
        """Waits until this is the last that was heard."""
        return await eventually(lambda: self.heard[-1:] == [signal])


class Signaling(Protocol):
    """A technology with a server."""

    def client(self, identity: str) -> Client:
        """A client that has not joined."""

    def states(self) -> dict[str, str]:
        """Who is in the room, and how, as the server sees it."""

    async def lose(self, identity: str) -> None:
        """Cuts the connection of one client."""

    async def refuse(self, identity: str) -> None:
        """From now on somebody refuses that client's connections."""

    async def silence(self, identity: str) -> None:
        """From now on nobody answers that client."""

    async def mend(self, identity: str) -> None:
        """The client's network is well again."""

    async def unanswered(self, client: Client, token: str) -> None:
        """Makes an attempt that nobody answers, and lets the time pass that an answer has."""

    def deny(self, code: int, message: str) -> None:
        """From now on the server answers joins and resynchronisations with this."""

    def complete(self) -> None:
        """Ends the room for all."""

    def remove(self, identity: str) -> None:
        """Throws one out, without a reason."""

    def end_session(self, identity: str, code: int, message: str) -> None:
        """Ends one's session with a code."""

    def is_free(self, client: Client) -> bool:
        """Whether nothing of this client is held any more."""


class MemorySignaling:
    """The memory server."""

    def __init__(self) -> None:
        self.clock = VirtualClock(BEGIN)
        self._server = MemoryServer(clock=self.clock)
        self._faults: list[tuple[str, Fault]] = []

    def client(self, identity: str) -> Client:
        return Client(MemoryTransport(self._server, identity=identity))

    def states(self) -> dict[str, str]:
        return self._server.participants(ROOM)

    async def lose(self, identity: str) -> None:
        self._server.drop(identity=identity)

    async def refuse(self, identity: str) -> None:
        self._faults.append((identity, self._server.fail("refusing", identity=identity)))
        await self.lose(identity)

    async def silence(self, identity: str) -> None:
        self._faults.append((identity, self._server.fail("unreachable", identity=identity)))
        await self.lose(identity)

    async def mend(self, identity: str) -> None:
        for _, fault in [it for it in self._faults if it[0] == identity]:
            fault.end()

    async def unanswered(self, client: Client, token: str) -> None:
        await client.attempt(token)

    def deny(self, code: int, message: str) -> None:
        self._server.fail("join", code=code, message=message)
        self._server.fail("resync", code=code, message=message)

    def complete(self) -> None:
        self._server.complete(ROOM)

    def remove(self, identity: str) -> None:
        self._server.remove(ROOM, identity)

    def end_session(self, identity: str, code: int, message: str) -> None:
        self._server.end_session(ROOM, identity, code, message)

    def is_free(self, client: Client) -> bool:
        return isinstance(client.transport, MemoryTransport) and client.transport.is_closed


class WebSocketSignaling:
    """The reference server, and a wire of its own to it for each client."""

    def __init__(self) -> None:
        self.clock = VirtualClock(BEGIN)
        self.relays: dict[str, Relay] = {}
        self._denied: Refusal | None = None
        self._server = SignalingServer(self._admit)
        self._stack = AsyncExitStack()

    async def start(self, *identities: str) -> None:
        """Starts the server and lays a wire for each of these."""
        server = await self._stack.enter_async_context(await self._server.start())
        for identity in identities:
            self.relays[identity] = await self._stack.enter_async_context(Relay(server.sockets[0].getsockname()[1]))

    async def stop(self) -> None:
        """Stops both."""
        await self._stack.aclose()

    def client(self, identity: str) -> Client:
        url = f"ws://127.0.0.1:{self.relays[identity].port}"
        return Client(WebSocketTransport(url, clock=self.clock, proxy=None))

    def states(self) -> dict[str, str]:
        return {it.identity: it.state for it in self._server.members(ROOM)}

    async def lose(self, identity: str) -> None:
        self.relays[identity].cut()

    async def refuse(self, identity: str) -> None:
        await self.relays[identity].refuse()

    async def silence(self, identity: str) -> None:
        self.relays[identity].cut()
        self.relays[identity].stall()

    async def mend(self, identity: str) -> None:
        self.relays[identity].cut()
        await self.relays[identity].mend()

    async def unanswered(self, client: Client, token: str) -> None:
        before = len(client.heard)
        client.transport.attempt(token)
        await asyncio.sleep(0)
        self.clock.advance(ANSWER_TIMEOUT_S)
        await eventually(lambda: len(client.heard) > before)

    def deny(self, code: int, message: str) -> None:
        self._denied = Refusal(code, message)

    def complete(self) -> None:
        for member in self._server.members(ROOM):
            self._server.end(member, {"type": "ended"})

    def remove(self, identity: str) -> None:
        self._end(identity, {"type": "removed"})

    def end_session(self, identity: str, code: int, message: str) -> None:
        self._end(identity, Refusal(code, message).frame)

    def is_free(self, client: Client) -> bool:
        return isinstance(client.transport, WebSocketTransport) and client.transport.is_idle

    def _end(self, identity: str, frame: Frame) -> None:
        for member in self._server.members(ROOM):
            if member.identity == identity:
                self._server.end(member, frame)

    def _admit(self, token: str, _: str) -> str:
        if self._denied is not None:
            raise self._denied
        return token
