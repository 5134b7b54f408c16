"""What a room waits for, by the steady clock. It looks at no clock itself: it is told the time and says what is due."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum


class Timer(Enum):
    """What becomes due."""

    WINDOW = "the reconnection window is over"
    FORESIGHT = "the access token is about to expire"
    ALIVE = "a sign of life is due"


class Timers:
    """At most one time of each kind, in microseconds."""

    def __init__(self) -> None:
        self._due_us: dict[Timer, int] = {}

    @property
    def next_us(self) -> int | None:
        """When the first of them is due; None: nothing is waited for."""
        return min(self._due_us.values(), default=None)

    def set(self, timer: Timer, due_us: int) -> None:
        """Wait for this; what was waited for under the same name is forgotten."""
        self._due_us[timer] = due_us

    def stop(self, timer: Timer) -> None:
        """Wait for this no longer."""
        self._due_us.pop(timer, None)

    def clear(self) -> None:
        """Wait for nothing."""
        self._due_us.clear()

    def take_due(self, now_us: int) -> Iterator[tuple[Timer, int]]:
        """What is due by now and since when, earliest first; it is no longer waited for.

        A sign of life comes last: it is about now, not about when it was due. Whatever is set or stopped meanwhile
        counts at once.
        """
        while late := [timer for timer, due_us in self._due_us.items() if due_us <= now_us]:
            first = min(late, key=lambda timer: (timer is Timer.ALIVE, self._due_us[timer]))
            yield first, self._due_us.pop(first)
