"""A wire to a server on this machine that stalls, or is cut after any number of bytes, in the middle of anything.

Threads carry it, so that a test without a loop can use it. It lives on when its server goes and comes back.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 65_536
_RESET: Final = struct.pack("ii", 1, 0)

Pair = tuple[socket.socket, socket.socket]


class CuttingWire:
    """Listens on a port of its own and passes everything on to `server_port`, in both directions."""

    def __init__(self, server_port: int, port: int = 0) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", port))
        self._lock = threading.Lock()
        self._due: list[int] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._pairs: set[Pair] = set()
        self._cut: set[Pair] = set()
        self.cuts = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Closing alone does not wake who waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(timeout=5)
        self.mend()
        self.cut_all()

    @property
    def port(self) -> int:
        """Where clients connect instead of to the server."""
        return int(self._listener.getsockname()[1])

    def cut_after(self, counts: Iterable[int]) -> None:
        """Cuts once for each count: the connection that carries the last of so many bytes since the cut before."""
        with self._lock:
            self._due = [max(1, count) for count in counts]

    def stall(self) -> None:
        """Takes connections and what they say, and passes nothing on: what a network does that loses packets."""
        self._flowing.clear()

    def mend(self) -> None:
        """Cuts nothing any more, and passes on what was held back."""
        self.cut_after(())
        self._flowing.set()

    def cut_all(self) -> None:
        """Resets every connection; new ones are taken."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._reset(pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        threading.Thread(target=self._pump, args=(server, client, pair), daemon=True).start()
        self._pump(client, server, pair)

    def _pump(self, source: socket.socket, target: socket.socket, pair: Pair) -> None:
        try:
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                passing, is_cut = self._passing(data, pair)
                target.sendall(passing)
                if is_cut:
                    break
        except OSError:
            pass  # a connection that broke; the other side is told below
        self._reset(pair)

    def _passing(self, data: bytes, pair: Pair) -> tuple[bytes, bool]:
        """What is passed on of this, and whether the connection is cut behind it: nothing passes any more then."""
        with self._lock:
            if pair in self._cut:
                return b"", True
            if not self._due:
                return data, False
            if self._due[0] > len(data):
                self._due[0] -= len(data)
                return data, False
            self.cuts += 1
            self._cut.add(pair)
            return data[: self._due.pop(0)], True

    def _reset(self, pair: Pair) -> None:
        with self._lock:
            self._cut.discard(pair)
            if pair not in self._pairs:
                return
            self._pairs.discard(pair)
        for end in pair:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                end.close()
