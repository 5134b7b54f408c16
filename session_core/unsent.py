"""What the command `roomwatch outbox` does with a file that a process left behind: it shows it, and it sends it.

Neither takes a file from a process that lives. The next start of the application does the same by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from session_core.errors import OutboxFileError
from session_core.kafka import KafkaSecurity, KafkaSink
from session_core.kept import Leftovers
from session_core.outbox import Outbox
from session_core.outbox_file import Lock, read
from session_core.publisher import Publisher
from session_core.sink import Sink

# Where to send to is for who calls, who need know no other module for it.
__all__ = ["Drained", "KafkaSecurity", "KafkaSink", "drain", "send", "shown"]


class Drained(NamedTuple):
    """How many events were sent and how many were not."""

    sent: int
    left: int


def shown(file: str) -> str:
    """What is in an outbox, in words. Raises OutboxFileError."""
    path = Path(file)
    left, _ = read(path)
    size = sum(len(value) for _, value in left.waiting)
    lines = [
        f"{path}",
        f"  sessions    {len(left.sessions)}",
        f"  unfinished  {left.unfinished}",
        f"  events      {len(left.waiting)}",
        f"  bytes       {size}",
    ]
    if left.waiting:
        times = [message.time for message, _ in left.waiting]
        lines.append(f"  from        {min(times).isoformat()}")
        lines.append(f"  to          {max(times).isoformat()}")
    return "\n".join(lines)


def drain(file: str, sink: Sink, within_s: float, *, before: Callable[[], None]) -> Drained:
    """Sends what is in an outbox, ends its unfinished sessions, and removes it when all has arrived.

    `before` is called when the file can be sent and nothing of it was. Raises what that raises, and OutboxFileError,
    also for a file that a process which lives has in use.
    """
    path = Path(file)
    if not path.is_file():
        raise OutboxFileError(str(path), "missing", "there is no such file")
    lock = Lock.take(path)
    if lock is None:
        raise OutboxFileError(str(path), "in-use", "a process that lives has it in use, and sends it by itself")
    try:
        left, _ = read(path, ends_sessions=not lock.is_cut)
        before()
        drained = asyncio.run(send(left, sink, within_s))
        if not drained.left:
            lock.remove()
    finally:
        lock.release()
    return drained


async def send(left: Leftovers, sink: Sink, within_s: float) -> Drained:
    """Sends all of it in order, again and again until it has arrived or the time is up."""
    outbox = Outbox(events_max=len(left.waiting) + left.unfinished + 1, bytes_max=2**40)
    for _ in outbox.adopt(left):
        pass
    counts = await Publisher(sink, outbox=outbox, memory_only=True).close(within_s)
    return Drained(counts.published, counts.pending)
