"""A UDP path between two ends that can be made to lose every packet, and to carry them again.

It has a socket for each end: what is sent to one end's socket arrives at that end, from the socket of the other. So
each end sees one steady address, as through a symmetric relay.
"""

from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType
from typing import Self, cast

Address = tuple[str, int]


class LosingRelay:
    """Between `first` and `second`, on ports of its own; each end is known once its address was told."""

    def __init__(self) -> None:
        self.is_losing = False
        self.first = End(self)
        self.second = End(self)
        self.first.other, self.second.other = self.second, self.first

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for end in (self.first, self.second):
            await loop.create_datagram_endpoint(partial(_same, end), local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for end in (self.first, self.second):
            end.transport.close()


class End(asyncio.DatagramProtocol):
    """Stands for one end: its port is where the other sends to."""

    transport: asyncio.DatagramTransport
    other: End

    def __init__(self, relay: LosingRelay) -> None:
        self._relay = relay
        self.address: Address | None = None
        """Where the end itself listens."""

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # which asyncio's own is, and does not say

    def datagram_received(self, data: bytes, _: Address) -> None:
        if self.address is not None and not self._relay.is_losing:
            self.other.transport.sendto(data, self.address)


def _same(end: End) -> End:
    return end
