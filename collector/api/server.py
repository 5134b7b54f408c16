"""Serves an application over HTTP from a thread of its own, so that no answer holds up whoever reads Kafka.

The address is taken before anything is served: who was told that it listens can connect.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import uvicorn

from collector.errors import AddressTaken

DRAIN_S: Final = 3
"""How long open requests may take to end when the server stops."""
BACKLOG: Final = 256


class Server:
    """One application at one address. `serve` runs until `stop`."""

    def __init__(self, app: Any, host: str, port: int, *, on_stop: Callable[[], None] | None = None) -> None:
        """Takes the address; port 0 is any free one. Raises AddressTaken.

        `on_stop` is called where the app runs, before open requests are waited for: it ends those that have no end.
        """
        self._socket = _bound(host, port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=DRAIN_S,
        )
        self._server = _Uvicorn(config, on_stop)
        shown = f"[{host}]" if ":" in host else host
        self.url: Final = f"http://{shown}:{self._socket.getsockname()[1]}"

    async def serve(self) -> None:
        """Answers requests until `stop` is called."""
        with ThreadPoolExecutor(1, "api") as thread:
            try:
                await asyncio.get_running_loop().run_in_executor(thread, self._server.run, [self._socket])
            finally:
                self.stop()

    async def is_serving(self) -> None:
        """Returns when a request would be answered; `serve` has to be under way."""
        await asyncio.to_thread(self._server.ready.wait)

    def stop(self) -> None:
        """Lets `serve` come to its end. May be called at any time, also before and again."""
        self._server.should_exit = True
        self._server.ready.set()

    def close(self) -> None:
        """Gives the address back."""
        self._socket.close()


class _Uvicorn(uvicorn.Server):
    """Says when it is ready. On a thread that is not the main one it leaves signals alone."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By the protocol's name asyncio knows that this is TCP and sends small things at once; else answers wait 40 ms
    # for the client's acknowledgement of their first part.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise AddressTaken(host, port, error.strerror or str(error)) from None
    return listening
