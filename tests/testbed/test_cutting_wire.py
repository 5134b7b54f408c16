"""The wire that is cut in the middle of whatever passes."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from tests.servers.cutting_wire import CuttingWire
from tests.waiting import wait_until


@pytest.fixture
def wire() -> Iterator[CuttingWire]:
    """To a server that says everything back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while data := client.recv(1024):
                client.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    with CuttingWire(listener.getsockname()[1]) as made:
        yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(timeout=5)


def said_back(client: socket.socket, words: bytes) -> bytes:
    """What comes back of these words, until all did or the connection broke."""
    heard = b""
    with contextlib.suppress(OSError):
        client.sendall(words)
        while len(heard) < len(words) and (data := client.recv(1024)):
            heard += data
    return heard


def connect(wire: CuttingWire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=30)


def test_a_wire_passes_everything_on_until_it_is_told_otherwise(wire: CuttingWire) -> None:
    with connect(wire) as client:
        assert said_back(client, b"hello") == b"hello"
        assert said_back(client, b"again") == b"again"
    assert wire.cuts == 0


def test_a_wire_is_cut_behind_the_byte_that_was_named_and_takes_the_next_connection(wire: CuttingWire) -> None:
    with connect(wire) as client:
        said_back(client, b"hello")
        wire.cut_after([5 + 2, 3])
        assert said_back(client, b"hello") in {b"he", b""}  # a reset may overtake what was on its way
    with connect(wire) as client:
        assert said_back(client, b"hello") == b""
    wait_until(lambda: wire.cuts == 2)
    with connect(wire) as client:
        assert said_back(client, b"hello") == b"hello"


def test_a_mended_wire_is_not_cut_any_more(wire: CuttingWire) -> None:
    wire.cut_after([3])
    wire.mend()
    with connect(wire) as client:
        assert said_back(client, b"hello") == b"hello"
    assert wire.cuts == 0


def test_a_wire_that_stalls_holds_back_until_it_is_mended(wire: CuttingWire) -> None:
    with connect(wire) as client, ThreadPoolExecutor(1) as asking:
        wire.stall()
        heard = asking.submit(said_back, client, b"hello")
        assert not wait({heard}, timeout=0.2).done
        wire.mend()
        assert heard.result(timeout=30) == b"hello"
