"""What the driver asks of a signaling technology, and all it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from session_core.signals import Signal

Deliver = Callable[[Signal], None]
"""Takes a signal. Never raises."""


class Transport(Protocol):
    """Signaling to one room over some technology. What it sees it delivers as signals, in the loop's thread.

    No method blocks. A transport serves one room once.
    """

    def join(self, token: str, room_name: str | None, deliver: Deliver) -> None:
        """Begins to join: `Joined`, `ConnectRefused` or `ConnectUnanswered` is delivered, then all that happens."""

    def attempt(self, token: str) -> None:
        """Makes one attempt to bring signaling back.

        `Resynchronised`, `AttemptRefused`, `AttemptUnreached`, or what ended the session (`ServerError`,
        `RoomCompleted`, `Removed`, `SignalingGivenUp`) is delivered.
        """

    def abort(self) -> None:
        """Gives up the join or attempt that is under way; nothing of it is delivered any more."""

    def leave(self) -> None:
        """Tells the server at once, as well as it can, that we leave. Called once, at the end, whatever ended it."""

    async def close(self) -> None:
        """Frees what it holds."""
