"""A wire to a server on this machine that can be broken on purpose: cut, stalled, refusing.

It runs in the test's own loop, and holds nothing when it is closed. For one client each, so that a test can lose one
and keep the others.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 65_536
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Relay:
    """Listens on a port of its own and passes everything on to `server_port`, until it is told otherwise."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.accepted = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.refuse()

    @property
    def connections(self) -> int:
        """How many connections it holds, both sides of each counted."""
        return len(self._writers)

    async def mend(self) -> None:
        """Takes connections and passes everything on, from now on."""
        self._flowing.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    def stall(self) -> None:
        """Takes connections, and passes nothing on: what a network does whose packets are lost."""
        self._flowing.clear()

    def cut(self) -> None:
        """Resets every connection; new ones are taken."""
        for writer in list(self._writers):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()

    async def refuse(self) -> None:
        """Resets every connection, and every one that is tried."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        self.cut()
        self._flowing.set()
        if listener is not None:
            await listener.wait_closed()

    async def _pass(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(client)
        try:
            server_reader, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            self._forget(client)
            return
        self._writers.add(server)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(client_reader, server, client))
                both.create_task(self._pump(server_reader, client, server))
        finally:
            self._forget(client)
            self._forget(server)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reverse: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # a connection that broke, which is what a relay is for; the other side is told below
        finally:
            await self._flowing.wait()
            writer.close()
            reverse.close()

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._writers.discard(writer)
