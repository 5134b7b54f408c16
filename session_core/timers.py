"""What a room waits for, by the steady clock. It looks at no clock itself: it is told the time and says what is due."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

NEVER: Final = math.inf
"""Later than any time of a clock, which is a whole number."""


class Timer(IntEnum):
    """What becomes due; of two at once, the first here comes first."""

    WINDOW = 0  # the reconnection window is over
    FORESIGHT = 1  # the access token is about to expire
    ALIVE = 2  # a sign of life is due


WINDOW, FORESIGHT, ALIVE = Timer


class Timers:
    """At most one time of each kind, in microseconds. `next_us` is the first of them; NEVER: nothing is waited for."""

    __slots__ = ("_due_us", "next_us")

    def __init__(self) -> None:
        self.clear()

    def set(self, timer: Timer, due_us: int) -> None:
        """Wait for this; what was waited for under the same name is forgotten."""
        self._due_us[timer] = due_us
        self._find_next()

    def stop(self, timer: Timer) -> None:
        """Wait for this no longer."""
        self._due_us[timer] = NEVER
        self._find_next()

    def clear(self) -> None:
        """Wait for nothing."""
        self._due_us: list[float] = [NEVER] * len(Timer)
        self.next_us = NEVER

    def take_due(self, now_us: int) -> Iterator[tuple[Timer, int]]:
        """What is due by now and since when, earliest first; it is no longer waited for.

        A sign of life comes last: it is about now, not about when it was due. Whatever is set or stopped meanwhile
        counts at once.
        """
        while self.next_us <= now_us:
            _, due_us, kind = min(
                (kind == ALIVE, due_us, kind) for kind, due_us in enumerate(self._due_us) if due_us <= now_us
            )
            self.stop(Timer(kind))
            yield Timer(kind), int(due_us)

    def _find_next(self) -> None:
        # Kept, since a room asks twice for every signal that it takes.
        self.next_us = min(self._due_us)
