"""A wire to PostgreSQL that is cut after a COMMIT went through and before its answer comes back.

That is the moment in which a client cannot know whether its transaction stands. The proxy takes connections one after
the other, in threads of its own, and is armed for one cut at a time.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Final, Self

_COMMIT: Final = b"COMMIT\x00"  # as a statement of its own, and not "ON COMMIT DELETE ROWS"
_CHUNK: Final = 65_536


class LosingProxy:
    """Listens on a port of its own and passes everything on, until a COMMIT comes by and it is armed."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._armed = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
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
        for pair in self._pairs:
            _cut(*pair)

    @property
    def port(self) -> int:
        """Where clients connect instead of to the server."""
        return int(self._listener.getsockname()[1])

    def lose_next_commit_answer(self) -> None:
        """The next COMMIT is passed on and done; its answer and the connection are lost."""
        self._armed.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._pairs.append((client, server))
            losing = threading.Event()
            threading.Thread(target=self._to_server, args=(client, server, losing), daemon=True).start()
            threading.Thread(target=self._to_client, args=(server, client, losing), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        while data := _received(client):
            if self._armed.is_set() and _COMMIT in data:
                self._armed.clear()
                losing.set()
            server.sendall(data)
        _cut(client, server)

    def _to_client(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        while data := _received(server):
            if losing.is_set():
                # The server has answered, so the transaction stands.
                self.cuts += 1
                break
            client.sendall(data)
        _cut(client, server)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_CHUNK)
    except OSError:
        return b""


def _cut(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue
        finally:
            end.close()
