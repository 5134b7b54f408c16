"""A room that reconnects by itself: the asyncio shell around one `Room`, a transport and the application's handlers.

The room decides (room.py), the transport talks to a server (transport.py), live.py tells telemetry and the application
what came of it. This file hands the one's words to the other, and makes the attempts in time.

Rules:
1. Nothing here waits for telemetry. A room behaves alike with Kafka up, down or absent.
2. Leaving is at once and synchronous: the terminal event is queued and the server is told before any handler hears.
3. Every wait for a transport is bounded: a join that nobody answers is 53000, an attempt that nobody answers reached
   nobody. What a transport or a token source raises is logged, and means the same.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, get_args

from session_core.clock import Clock, Timer
from session_core.errors import SIGNALING_CONNECTION, ConnectError, Origin, room_error
from session_core.events import Event, Token
from session_core.live import CLOSE_TIMEOUT_S, LiveRoom
from session_core.room import Room
from session_core.signals import (
    AttemptRefused,
    AttemptStarted,
    AttemptUnreached,
    ConnectCancelled,
    ConnectUnanswered,
    MediaSignal,
    Resynchronised,
    Signal,
    TokenReplaced,
)
from session_core.token_source import AnyToken, TokenSource, token_facts, token_text, without
from session_core.transport import Transport

if TYPE_CHECKING:
    from session_core.publisher import Publisher

ATTEMPT_TIMEOUT_S: Final = 10.0

_MEDIA: Final[tuple[type, ...]] = get_args(MediaSignal)
_ANSWERS: Final = (Resynchronised, AttemptRefused, AttemptUnreached)

logger = logging.getLogger(__name__)


class DrivenRoom(LiveRoom):
    """A room that reconnects by itself. Made by connect().

    Specification: Room Reconnection States and Events
    """

    def __init__(
        self,
        room: Room,
        *,
        transport: Transport,
        clock: Clock,
        publisher: Publisher | None,
        token_source: TokenSource,
        attempt_timeout_s: float = ATTEMPT_TIMEOUT_S,
    ) -> None:
        super().__init__(room, clock=clock, publisher=publisher, token=None)
        self._transport = transport
        self._token_source = token_source
        self._token_text = ""
        self._attempt_timeout_s = attempt_timeout_s
        self._join_ended: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._next_attempt: tuple[int, Timer] | None = None
        self._unanswered: Timer | None = None
        self._asking: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def feed(self, signal: MediaSignal) -> None:
        """Takes what became of a peer connection: for those who have the media where the transport has not.

        To be called in the room's event loop. It raises nothing, and does nothing after the end. What is no signal of
        media is logged and ignored: the rest is the transport's to deliver.
        """
        if isinstance(signal, _MEDIA):
            self._deliver(signal)
        else:
            logger.error("feed() takes IceState, PeerClosed and DtlsFailed, not %s", type(signal).__name__)

    async def closed(self) -> None:
        """Returns when the room has ended, its transport is closed and its handlers have run; bounded after the end."""
        await super().closed()

    def _still_running(self) -> set[asyncio.Task[Any]]:
        return super()._still_running() | ({self._closing} if self._closing is not None else set())

    # The join

    async def join(self, token: Token | None, text: str, timeout_s: float) -> None:
        """Joins, for connect(). `token` is what telemetry says of `text`. Raises ConnectError."""
        self._token, self._token_text = token, text
        self._take(self._room.begin(self._clock.now()))
        self._unanswered = self._later(timeout_s, lambda: self._give_up(ConnectUnanswered()))
        try:
            self._transport.join(text, self.session.room_name, self._deliver)
        except Exception:  # noqa: BLE001 - logged with its traceback, but without the token
            self._log_fault("a transport could not begin to join")
            self._deliver(ConnectUnanswered())
        try:
            ended = await self._join_ended
        except asyncio.CancelledError:
            self._receive(ConnectCancelled())
            self.disconnect("cancelled")
            raise
        if ended.type == "room.connect_failed":
            raise ConnectError(ended.error or room_error(SIGNALING_CONNECTION, Origin.LOCAL))

    def _give_up(self, signal: Signal) -> None:
        if self._asking is not None:
            self._asking.cancel()
        try:
            self._transport.abort()
        except Exception:  # noqa: BLE001 - logged with its traceback, but without the token
            self._log_fault("a transport could not give up")
        self._deliver(signal)

    # What the transport tells and what time brings

    def _deliver(self, signal: Signal) -> None:
        try:
            if isinstance(signal, _ANSWERS):
                self._stop_waiting()
            self._receive(signal)
        except Exception:  # noqa: BLE001 - logged with its traceback, but without the token
            self._log_fault(f"a room could not take {type(signal).__name__}")

    def _join_has_ended(self, event: Event) -> None:
        if not self._join_ended.done():
            self._stop_waiting()
            self._join_ended.set_result(event)

    def _keep_time(self) -> None:
        super()._keep_time()
        self._next_attempt = self._kept(self._next_attempt, self._room.attempt_at_us, self._attempt)

    # Attempts

    def _attempt(self) -> None:
        self._next_attempt = None
        self._receive(AttemptStarted())
        if self._has_ended:
            return
        self._unanswered = self._later(self._attempt_timeout_s, lambda: self._give_up(AttemptUnreached()))
        token = self._token_source.fixed
        if token is None:
            self._asking = asyncio.get_running_loop().create_task(self._attempt_with_a_fresh_token())
        else:
            self._attempt_with(token)

    async def _attempt_with_a_fresh_token(self) -> None:
        try:
            token = await self._token_source.ask()
        except Exception:  # noqa: BLE001 - logged with its traceback, but without the token
            self._log_fault("an access token for a reconnection could not be had")
            self._deliver(AttemptUnreached())
            return
        facts = token_facts(token, self._clock.now())
        if facts is not None and facts != self._token:
            self._token = facts
            self._deliver(TokenReplaced(facts))
        # Whoever gave the token, or heard that it expires, may have left meanwhile.
        if not self._has_ended:
            self._attempt_with(token)

    def _attempt_with(self, token: AnyToken) -> None:
        try:
            self._token_text = token_text(token)
            self._transport.attempt(self._token_text)
        except Exception:  # noqa: BLE001 - logged with its traceback, but without the token
            self._log_fault("a transport could not make an attempt")
            self._deliver(AttemptUnreached())

    # The end

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            with suppress(Exception):
                self._transport.leave()
        super()._end()
        if self._next_attempt is not None:
            self._next_attempt[1].cancel()
        self._next_attempt = None
        self._stop_waiting()
        if self._closing is None:
            with suppress(RuntimeError):  # no loop runs any more: its transports' sockets went with it
                self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._transport.close()
        except Exception as error:  # noqa: BLE001 - the room has ended; how its transport does is for the log
            said = str(error) or type(error).__name__
            logger.warning("a transport did not close in order: %s", without(self._token_text, said))

    def _log_fault(self, sentence: str) -> None:
        """An application's fault with its traceback, whose texts may hold the URL, and it the token."""
        logger.error("%s\n%s", sentence, without(self._token_text, traceback.format_exc()))

    def _later(self, after_s: float, call: Callable[[], None]) -> Timer:
        return self._clock.call_at(self._clock.now().steady_us + int(after_s * 1_000_000), call)

    def _stop_waiting(self) -> None:
        waiting, self._unanswered = self._unanswered, None
        if waiting is not None:
            waiting.cancel()
