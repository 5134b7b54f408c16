"""When a room gives up and how long it waits: window, attempts, delays.

A policy is a frozen value; named profiles are other values of the same code. It decides nothing by itself: the room
asks it. Randomness comes in as a callable.

Rules:
1. The window runs from the start of an outage and is not restarted within it. The server may set another window.
2. An attempt counts towards the limit only if somebody answered and refused. One that reached nobody does not count.
3. Delays grow with every attempt, counted or not. Only a successful resynchronisation begins count and delays anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from session_core.bounds import DAY_MS, INT_MAX, WORD_MAX, clip
from session_core.errors import PolicyError
from session_core.events import Policy

WINDOW_MS: Final = 30_000
ATTEMPTS_MAX: Final = 12
DELAY_FIRST_MS: Final = 80
DELAY_FACTOR: Final = 1.5
DELAY_MAX_MS: Final = 10_000
JITTER: Final = 0.2

DELAY_FACTOR_MAX: Final = 1000


class WindowCode(StrEnum):
    """What a room is disconnected with whose window is over."""

    DOWN = "down"  # by what is down then: 53002 if signaling is, else 53405
    CAUSE = "cause"  # the code it began reconnecting with


class ReconnectPolicy(Struct, frozen=True, kw_only=True):
    """How long a room tries to come back. Raises PolicyError if its values could not work.

    `window_ms` None: the room never gives up by time. `attempts_max` None: nor by attempts. `drives` False: somebody
    else makes the attempts, and the room asks for none. `jitter` is the share of a delay by which it may be shorter or
    longer.
    `remembers_hidden_failure`: whether media that failed while signaling was down has to be well again before the room
    is reconnected; if not, being on its way is enough.
    `sdk_participants`: whether the server's words on participants are taken as twilio-video.js takes them: whom it
    forgets, and what it makes of a state that it does not know.

    Specification: Room Reconnection States and Events
    """

    name: str
    window_ms: int | None = WINDOW_MS
    window_code: WindowCode = WindowCode.DOWN
    attempts_max: int | None = ATTEMPTS_MAX
    delay_first_ms: int = DELAY_FIRST_MS
    delay_factor: float = DELAY_FACTOR
    delay_max_ms: int = DELAY_MAX_MS
    jitter: float = JITTER
    remembers_hidden_failure: bool = True
    sdk_participants: bool = False
    drives: bool = True

    def __post_init__(self) -> None:
        self._require("name", 1, len(self.name), WORD_MAX, "characters")
        if clip(self.name) != self.name:
            raise PolicyError("name", "holds a control character or half a surrogate pair, which no store takes")
        if self.window_ms is not None:
            self._require_whole("window_ms", 1, self.window_ms, DAY_MS)
        if self.attempts_max is not None:
            self._require_whole("attempts_max", 1, self.attempts_max, INT_MAX)
        self._require_whole("delay_first_ms", 1, self.delay_first_ms, DAY_MS)
        self._require("delay_factor", 1, self.delay_factor, DELAY_FACTOR_MAX)
        self._require_whole("delay_max_ms", self.delay_first_ms, self.delay_max_ms, DAY_MS)
        self._require("jitter", 0, self.jitter, 1)

    @classmethod
    def documented(
        cls,
        *,
        window_ms: int = WINDOW_MS,
        attempts_max: int = ATTEMPTS_MAX,
        delay_first_ms: int = DELAY_FIRST_MS,
        delay_factor: float = DELAY_FACTOR,
        delay_max_ms: int = DELAY_MAX_MS,
        jitter: float = JITTER,
    ) -> ReconnectPolicy:
        """What the page "Reconnection States and Events" promises: 53000 for attempts used up, 53002 for time over.

        Specification: Room Reconnection States and Events
        """
        return cls(
            name="documented",
            window_ms=window_ms,
            attempts_max=attempts_max,
            delay_first_ms=delay_first_ms,
            delay_factor=delay_factor,
            delay_max_ms=delay_max_ms,
            jitter=jitter,
        )

    @classmethod
    def twilio_js(cls) -> ReconnectPolicy:
        """What twilio-video.js 2.35 does: it gives up by time alone, with the code it began reconnecting with.

        Its window and delays are no application's to set. Its jitter is as long as the delay itself.
        """
        return cls(
            name="twilio_js",
            window_code=WindowCode.CAUSE,
            attempts_max=None,
            jitter=1.0,
            remembers_hidden_failure=False,
            sdk_participants=True,
        )

    @classmethod
    def observed(cls) -> ReconnectPolicy:
        """An SDK that was there before us owns window and attempts; only it ends the room."""
        return cls(name="observed", window_ms=None, attempts_max=None, drives=False)

    def delays(self, jitter: Callable[[], float]) -> Iterator[int]:
        """The microseconds to wait before each attempt in turn, without end; whole milliseconds, as the SDK's.

        `jitter` gives a number from 0 to 1 for each: 0.5 is the plain delay. Never longer than `delay_max_ms`.
        """
        longest_us = self.delay_max_ms * 1000
        delay_us = float(self.delay_first_ms * 1000)
        while True:
            varied_us = delay_us * (1 + self.jitter * (2 * jitter() - 1))
            yield min(int(varied_us // 1000) * 1000, longest_us)
            delay_us = min(delay_us * self.delay_factor, longest_us)

    def facts(self) -> Policy:
        """What telemetry says of this policy."""
        if not self.drives:
            return Policy(name=self.name)
        return Policy(
            name=self.name,
            window_ms=self.window_ms,
            attempts_max=self.attempts_max,
            delay_first_ms=self.delay_first_ms,
            delay_factor=self.delay_factor,
            delay_max_ms=self.delay_max_ms,
            jitter=self.jitter,
        )

    def _require_whole(self, field: str, least: int, value: float, most: int) -> None:
        self._require(field, least, value, most)
        if not isinstance(value, int):
            # The room would do with it; whoever reads what is told of the policy would refuse the whole event.
            raise PolicyError(field, f"is {value}; it must be a whole number")

    def _require(self, field: str, least: float, value: float, most: float, unit: str = "") -> None:
        # Written so that a NaN, which is neither, is refused too.
        if not least <= value <= most:
            raise PolicyError(field, f"is {value}; it must be from {least} to {most} {unit}".rstrip())
