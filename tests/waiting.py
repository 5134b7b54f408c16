"""Waiting for a condition with a deadline: the only place in tests that sleeps."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Answer = TypeVar("Answer")


@overload
async def eventually(
    condition: Callable[[], Awaitable[Answer]], within_s: float = 10.0, every_s: float = 0.02
) -> Answer: ...
@overload
async def eventually(condition: Callable[[], Answer], within_s: float = 10.0, every_s: float = 0.02) -> Answer: ...
async def eventually(condition: Callable[[], Any], within_s: float = 10.0, every_s: float = 0.02) -> Any:
    """Asks `condition` (plain or async) until its answer is truthy, and returns that answer.

    An `AssertionError` or another exception of the condition counts as "not yet". After `within_s` seconds an
    `AssertionError` tells the last answer or exception; a condition that never answers is cut off too.
    """
    last = _Last()
    try:
        async with asyncio.timeout(within_s):
            while True:
                try:
                    asked = condition()
                    answer = await asked if inspect.isawaitable(asked) else asked
                except Exception as error:  # noqa: BLE001 - whatever it was, the deadline tells it
                    last.error = error
                else:
                    if answer:
                        return answer
                    last.saw(answer)
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise last.verdict(within_s) from last.error


def wait_until(condition: Callable[[], Answer], within_s: float = 10.0, every_s: float = 0.02) -> Answer:
    """The twin of `eventually` for code without a loop.

    Here only `AssertionError` and `OSError` count as "not yet"; any other exception, as of a server that died, ends
    the wait at once.
    """
    last = _Last()
    deadline = time.monotonic() + within_s  # noqa: TID251 - a deadline needs a clock, and tests have it here alone
    while True:
        try:
            answer = condition()
        except (AssertionError, OSError) as error:
            last.error = error
        else:
            if answer:
                return answer
            last.saw(answer)
        if time.monotonic() >= deadline:  # noqa: TID251 - as above
            raise last.verdict(within_s) from last.error
        time.sleep(every_s)  # noqa: TID251 - waiting for a condition ends in a pause between two looks


class _Last:
    """What the condition said last."""

    def __init__(self) -> None:
        self.answer: object = "nothing yet"
        self.error: Exception | None = None

    def saw(self, answer: object) -> None:
        self.answer = answer
        self.error = None

    def verdict(self, within_s: float) -> AssertionError:
        said = f"the condition last raised {self.error!r}" if self.error else f"the condition last gave {self.answer!r}"
        return AssertionError(f"not within {within_s:g} s: {said}")
