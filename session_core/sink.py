"""What a sink is, and one that keeps in memory what it is sent. The one that is Kafka is in kafka.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from session_core.errors import SinkError
from session_core.outbox import Record


class Sink(Protocol):
    """Where records go. Used by one task at a time.

    One that also has an `address`, a text that is the same for all sinks that send to the same place and for no others,
    has what waits for it kept on disk too; None says that nothing shall be. A sink around another one passes it on.

    One that may have to wait before it can send does so in an async `connect`, which raises SinkError like `send`: what
    is sent says when it was, and a collector corrects the client's clock by that.
    """

    async def send(self, records: Sequence[Record]) -> None:
        """Returns when all have arrived. Raises SinkError, and should do so within a bound of its own."""

    async def close(self) -> None:
        """Frees what the sink holds. A later `send` begins anew."""


class MemorySink:
    """A sink that keeps what it is sent; for tests and trials. It can be away, and can refuse what `refuses` says."""

    address: str | None = None
    """None: nowhere that outlives the process, so that nothing for it is kept on disk unless a `folder` is given."""

    def __init__(self, *, refuses: Callable[[Record], bool] = lambda _: False) -> None:
        self.records: list[Record] = []
        self.is_away = False
        self.sends = 0
        self._refuses = refuses

    async def send(self, records: Sequence[Record]) -> None:
        """Keeps the records. Raises SinkError while it is away, and for a batch with a record that it refuses."""
        self.sends += 1
        if self.is_away:
            raise SinkError("the memory is away")
        if any(self._refuses(record) for record in records):
            raise SinkError("a record is refused", retriable=False)
        self.records += records

    async def close(self) -> None:
        """Does nothing: there is nothing to free."""


async def connected(sink: Sink) -> None:
    """Has it connect, where it has to. Raises what its `connect` raises."""
    connect = getattr(sink, "connect", None)
    if connect is not None:
        await connect()


def said(error: BaseException) -> str:
    """What a sink raised, in words."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - an error that cannot even be told is a sink's fault too
        return type(error).__name__
