"""What a room waits for, by the steady clock. It looks at no clock itself: it is told the time and says what is due."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum


class Timer(IntEnum):
    """What becomes due; of two at once, the first here comes first."""

    WINDOW = 0  # the reconnection window is over
    FORESIGHT = 1  # the access token is about to expire
    ALIVE = 2  # a sign of life is due


class Timers:
    """At most one time of each kind, in microseconds."""

    __slots__ = ("_due_us",)

    def __init__(self) -> None:
        self._due_us: list[int | None] = [None] * len(Timer)

    @property
    def next_us(self) -> int | None:
        """When the first of them is due; None: nothing is waited for."""
        return min((due_us for due_us in self._due_us if due_us is not None), default=None)

    def set(self, timer: Timer, due_us: int) -> None:
        """Wait for this; what was waited for under the same name is forgotten."""
        self._due_us[timer] = due_us

    def stop(self, timer: Timer) -> None:
        """Wait for this no longer."""
        self._due_us[timer] = None

    def clear(self) -> None:
        """Wait for nothing."""
        self._due_us = [None] * len(Timer)

    def take_due(self, now_us: int) -> Iterator[tuple[Timer, int]]:
        """What is due by now and since when, earliest first; it is no longer waited for.

        A sign of life comes last: it is about now, not about when it was due. Whatever is set or stopped meanwhile
        counts at once.
        """
        while late := [
            (kind == Timer.ALIVE, due_us, kind)
            for kind, due_us in enumerate(self._due_us)
            if due_us is not None and due_us <= now_us
        ]:
            _, due_us, kind = min(late)
            self._due_us[kind] = None
            yield Timer(kind), due_us
