"""Leaving when the process ends: what `beforeunload` is to a page.

At the interpreter's end every room that is still open leaves, without being asked: the others in the room hear of it at
once, and the terminal event is handed to the outbox and flushed within a bound. SIGTERM and SIGINT do so only where it
was asked for, since an application may have handlers of its own.

Rules:
1. After a signal: rooms leave at once, telemetry is flushed within a bound, then the signal does what it did before.
2. A second signal during the flush ends the flush.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import signal
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from session_core.events import Reason
from session_core.loops import EXIT_WITHIN_S

if TYPE_CHECKING:
    from session_core.publisher import Publisher

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger(__name__)


class Leaver(Protocol):
    """What can leave."""

    @property
    def publisher(self) -> Publisher | None:
        """Where its events go."""

    def disconnect(self, reason: Reason = "leave") -> None:
        """Leaves at once."""


class OpenRooms:
    """The rooms of this process that have not ended, and what is to become of them when it ends."""

    def __init__(self) -> None:
        self._rooms: weakref.WeakSet[Any] = weakref.WeakSet()
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()
        self._before: dict[signal.Signals, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flush: asyncio.Future[Any] | None = None
        self._is_leaving = False
        self._is_hooked = False

    def add(self, room: Leaver, *, on_signals: bool) -> None:
        """A room has opened. With `on_signals`, raises RuntimeError or ValueError outside the main thread's loop."""
        if on_signals:
            self._watch()
            self._watched.add(room)
        self._rooms.add(room)
        if not self._is_hooked:
            self._is_hooked = True
            atexit.register(self._leave_at_exit)

    def remove(self, room: Leaver) -> None:
        """A room has ended."""
        self._rooms.discard(room)
        self._watched.discard(room)
        if not self._watched and not self._is_leaving:
            self._hand_back()

    def _leave_at_exit(self) -> None:
        for publisher in _leave(list(self._rooms), "exit"):
            with suppress(Exception):
                publisher.flush_without_loop()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            loop.add_signal_handler(number, self._arrived, number)
        self._loop = loop

    def _arrived(self, number: signal.Signals) -> None:
        if self._flush is not None:
            self._flush.cancel()
            return
        self._is_leaving = True
        publishers = _leave(list(self._watched), "signal")
        flushes = (publisher.flush(EXIT_WITHIN_S) for publisher in publishers)
        self._flush = asyncio.gather(*flushes, return_exceptions=True)
        # Not a `finally` of a task: one that is cancelled before it began would never come to it.
        self._flush.add_done_callback(lambda _: self._do_what_it_did(number))

    def _do_what_it_did(self, number: signal.Signals) -> None:
        self._flush, self._is_leaving = None, False
        self._hand_back()
        signal.raise_signal(number)

    def _hand_back(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None or loop.is_closed():
            return
        for number, before in self._before.items():
            loop.remove_signal_handler(number)
            # None: it was installed by other than Python, which cannot be asked back.
            signal.signal(number, signal.SIG_DFL if before is None else before)


def _leave(rooms: list[Leaver], reason: Reason) -> set[Publisher]:
    """Has the rooms leave, and says where their last events wait."""
    for room in rooms:
        try:
            room.disconnect(reason)
        except Exception:
            logger.exception("a room could not leave in order")
    return {room.publisher for room in rooms if room.publisher is not None}


OPEN_ROOMS: Final = OpenRooms()
"""One a process, as the interpreter's end and its signals are."""
