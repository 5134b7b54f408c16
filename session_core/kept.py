"""What is kept of an outbox beside its memory, so that another process can go on where this one ended.

Not here: where it is kept (disk.py), nor what is kept and dropped (outbox.py).

Rules:
1. A session that did not end was ended by the restart of its process: no error code, origin `restart`, the outage that
   was open, the next number. It happened when the session was last heard of: later than that nobody knows.
2. A session that never joined did not join: its end is `room.connect_failed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec.structs import replace

from session_core import wire
from session_core.errors import Origin
from session_core.events import PublishedType


class Standing(NamedTuple):
    """How a session stands: the next number, what follows the last one, and the bytes of its last message.

    `state` is that of its room, None before the first `room.*`.
    """

    session_id: UUID
    next_seq: int
    n: int
    state: wire.State | None
    ended: bool
    last: bytes


class Left(NamedTuple):
    """A session as a process left it."""

    standing: Standing
    last: wire.Message
    lost: wire.Lost


class Leftovers(NamedTuple):
    """What a process left behind: its sessions, and the messages that still wait, in order, with their bytes.

    `name` is that of the file it was read from. `ends_sessions`: whether its sessions ended with it.
    """

    name: str
    sessions: tuple[Left, ...]
    waiting: tuple[tuple[wire.Message, bytes], ...]
    ends_sessions: bool = True

    @property
    def unfinished(self) -> int:
        """Sessions that did not end."""
        return sum(not left.standing.ended for left in self.sessions)


class Keeper(Protocol):
    """Is told of every change of an outbox, from within it. Never raises, never waits."""

    def keep(self, ordinal: int, value: bytes) -> None:
        """A message waits now; its bytes."""

    def let_go(self, ordinal: int) -> None:
        """It waits no more: it arrived, or was dropped or replaced."""

    def remember(self, standing: Standing) -> None:
        """A session has said something."""

    def lose(self, session_id: UUID, lost: Mapping[str, Mapping[str, int]]) -> None:
        """A session has lost something: all that it lost so far."""

    def forget(self, session_id: UUID) -> None:
        """A session has ended, and everything of it was told."""


class MemoryOnly:
    """The keeper that keeps nothing: what waits dies with the process."""

    def keep(self, ordinal: int, value: bytes) -> None:
        """Keeps nothing."""

    def let_go(self, ordinal: int) -> None:
        """Had nothing."""

    def remember(self, standing: Standing) -> None:
        """Keeps nothing."""

    def lose(self, session_id: UUID, lost: Mapping[str, Mapping[str, int]]) -> None:
        """Keeps nothing."""

    def forget(self, session_id: UUID) -> None:
        """Had nothing."""


def ended_by_restart(left: Left) -> wire.Message:
    """The terminal event of a session whose process died."""
    standing, last = left.standing, left.last
    joined = standing.state not in {None, "connecting"}
    data = replace(
        bare(last.data, standing.next_seq),
        from_state=standing.state or "connecting",
        to_state="disconnected",
        origin=Origin.RESTART,
        outage=last.data.outage if standing.state == "reconnecting" else None,
        client=last.data.client,
    )
    kind: PublishedType = "room.disconnected" if joined else "room.connect_failed"
    return replace(last, id=str(standing.next_seq), type=kind, data=data)


def bare(data: wire.Data, seq: int) -> wire.Data:
    """Who a session is and what it summed up, without what its last event told."""
    return replace(
        data,
        seq=seq,
        from_state=None,
        to_state=None,
        subject_sid=None,
        error=None,
        reason=None,
        origin=None,
        outage=None,
        token=None,
        policy=None,
        client=None,
    )
