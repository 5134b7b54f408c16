"""The attempts to bring signaling back: when the next one is wanted, and how many were refused.

It starts none itself: whoever drives the room asks `wanted_at_us` and tells what came of it. What an attempt counts for
is said in policy.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from session_core.policy import ReconnectPolicy


class Attempts:
    """The attempts since the last successful resynchronisation. Times are of the steady clock, in microseconds."""

    __slots__ = ("_delays", "_jitter", "_policy", "in_flight", "refused", "wanted_at_us")

    def __init__(self, policy: ReconnectPolicy, jitter: Callable[[], float]) -> None:
        self._policy = policy
        self._jitter = jitter
        self.refused = 0
        self.wanted_at_us: int | None = None
        self.in_flight = False
        self._delays: Iterator[int] | None = None

    @property
    def used_up(self) -> bool:
        """Whether as many were refused as the policy allows."""
        return self._policy.attempts_max is not None and self.refused >= self._policy.attempts_max

    def schedule(self, now_us: int) -> None:
        """Signaling is down: want an attempt after the next delay."""
        self.in_flight = False
        if self._policy.drives:
            # Made when it is needed: most sessions never are, and it is a seventh of what one weighs.
            self._delays = self._delays or self._policy.delays(self._jitter)
            self.wanted_at_us = now_us + next(self._delays)

    def start(self) -> None:
        """An attempt has begun: none is wanted until it is answered."""
        self.in_flight = True
        self.wanted_at_us = None

    def refuse(self, now_us: int) -> None:
        """Somebody answered the attempt and refused."""
        self.refused += 1
        self.schedule(now_us)

    def succeed(self) -> None:
        """Signaling is back: count and delays begin anew."""
        self.stop()
        self.refused = 0
        self._delays = None

    def stop(self) -> None:
        """Nobody wants signaling back."""
        self.wanted_at_us = None
        self.in_flight = False
