"""A room that reconnects by itself: the asyncio shell around one `Room`, a transport and the application's handlers.

The room decides (room.py), the transport talks to a server (transport.py), the publisher tells Kafka (publisher.py),
handlers.py calls the application. This file hands the one's words to the other, and calls back in time. A room belongs
to one event loop.

Rules:
1. Nothing here waits for telemetry. A room behaves alike with Kafka up, down or absent.
2. Leaving is at once and synchronous: the terminal event is queued and the server is told before any handler hears.
3. Every wait for a transport is bounded: a join that nobody answers is 53000, an attempt that nobody answers reached
   nobody. What a transport or a token source raises is logged, and means the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, overload

from session_core.clock import Clock, Timer
from session_core.errors import SIGNALING_CONNECTION, ConnectError, Origin, room_error
from session_core.events import Event, Outage, Reason, RoomState, Session, Token, Totals, us_from_utc
from session_core.handlers import EVENTS_MAX, EventStream, H, Handler, Participant, Teller
from session_core.leaving import OPEN_ROOMS
from session_core.publisher import Publisher
from session_core.room import Room
from session_core.signals import (
    AttemptRefused,
    AttemptStarted,
    AttemptUnreached,
    ConnectCancelled,
    ConnectUnanswered,
    Leave,
    Resynchronised,
    Signal,
    TokenReplaced,
)
from session_core.token_source import AnyToken, TokenSource, token_facts, token_text
from session_core.transport import Transport

ATTEMPT_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 2.0
"""How long the end of a room waits for its transport to close and for handlers that still run."""

_ANSWERS: Final = (Resynchronised, AttemptRefused, AttemptUnreached)

logger = logging.getLogger(__name__)


class DrivenRoom:
    """A room that reconnects by itself. Made by connect().

    `state`, `participants` and `local_participant` are as of the transition whose handlers run, else as of now.
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
        self.publisher = publisher
        self._room = room
        self._transport = transport
        self._clock = clock
        self._teller = Teller()
        self._token_source = token_source
        self._token: Token | None = None
        self._attempt_timeout_s = attempt_timeout_s
        self._join_ended: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._deadline: tuple[int, Timer] | None = None
        self._next_attempt: tuple[int, Timer] | None = None
        self._unanswered: Timer | None = None
        self._asking: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._has_ended = False

    @property
    def state(self) -> RoomState:
        """connected, reconnecting or disconnected; disconnected is final."""
        return self._teller.state

    @property
    def participants(self) -> dict[str, Participant]:
        """The others in the room, by sid."""
        return self._teller.participants

    @property
    def local_participant(self) -> Participant:
        """This side."""
        return self._teller.local_participant

    @property
    def session(self) -> Session:
        """Who we are here, as far as it is known."""
        return self._room.session

    @property
    def outage(self) -> Outage | None:
        """The outage that is open now."""
        return self._room.outage

    @property
    def totals(self) -> Totals:
        """How many outages there were, and how long each state lasted."""
        return self._room.totals(self._clock.now())

    @property
    def token_ttl_s(self) -> int | None:
        """Seconds until the access token expires, 0 when it has; None where the token does not tell."""
        if self._token is None:
            return None
        return max((us_from_utc(self._token.expires_at) - self._clock.now().utc_us) // 1_000_000, 0)

    @overload
    def on(self, name: str, handler: H) -> H: ...
    @overload
    def on(self, name: str) -> Callable[[H], H]: ...
    def on(self, name: str, handler: H | None = None) -> H | Callable[[H], H]:
        """Has `handler` called with every event of that name; without a handler, decorates one.

        Names: `reconnecting`, `reconnected`, `disconnected`, `participant_connected`, `participant_reconnecting`,
        `participant_reconnected`, `participant_disconnected`, `token_expiring`, or their camelCase spellings. Raises
        ValueError for any other. When and how handlers are called is said in handlers.py.
        """
        return self._teller.on(name) if handler is None else self._teller.on(name, handler)

    def off(self, name: str, handler: Handler) -> None:
        """Takes back one registration of `handler`; does nothing when there is none."""
        self._teller.off(name, handler)

    def events(self, events_max: int = EVENTS_MAX) -> EventStream:
        """The room's events from now on, for `async for`; it ends after `disconnected`."""
        return self._teller.stream(events_max)

    def disconnect(self, reason: Reason = "leave") -> None:
        """Leaves at once; does nothing when the room is disconnected already."""
        if not self._has_ended:
            self._take(self._room.receive(Leave(reason), self._clock.now()))

    async def closed(self) -> None:
        """Returns when the room has ended, its transport is closed and its handlers have run; bounded after the end."""
        async for _ in self.events(events_max=1):
            pass
        running = {task for task in (self._closing, *self._teller.tasks) if task is not None}
        running.discard(asyncio.current_task())  # a handler may wait for the others
        if running:
            await asyncio.wait(running, timeout=CLOSE_TIMEOUT_S)

    # The join

    async def join(self, token: Token | None, text: str, timeout_s: float) -> None:
        """Joins, for connect(). `token` is what telemetry says of `text`. Raises ConnectError."""
        self._token = token
        self._take(self._room.begin(self._clock.now()))
        self._unanswered = self._later(timeout_s, lambda: self._give_up(ConnectUnanswered()))
        try:
            self._transport.join(text, self.session.room_name, self._deliver)
        except Exception:
            logger.exception("a transport could not begin to join")
            self._deliver(ConnectUnanswered())
        try:
            ended = await self._join_ended
        except asyncio.CancelledError:
            self._take(self._room.receive(ConnectCancelled(), self._clock.now()))
            self.disconnect("cancelled")
            raise
        if ended.type == "room.connect_failed":
            raise ConnectError(ended.error or room_error(SIGNALING_CONNECTION, Origin.LOCAL))

    def _give_up(self, signal: Signal) -> None:
        if self._asking is not None:
            self._asking.cancel()
        try:
            self._transport.abort()
        except Exception:
            logger.exception("a transport could not give up")
        self._deliver(signal)

    # What the transport tells and what time brings

    def _deliver(self, signal: Signal) -> None:
        try:
            if isinstance(signal, _ANSWERS):
                self._stop_waiting()
            self._take(self._room.receive(signal, self._clock.now()))
        except Exception:
            logger.exception("a room could not take %s", type(signal).__name__)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if self.publisher is not None:
                self.publisher.publish(event)
            if event.type == "room.connected":
                others = [participant.view() for participant in self._room.participants.values()]
                self._teller.introduce(self._room.local_participant.view(), others)
            if event.type in {"room.connected", "room.connect_failed"} and not self._join_ended.done():
                self._stop_waiting()
                self._join_ended.set_result(event)
        if self._room.state is RoomState.DISCONNECTED:
            self._end()
        else:
            self._keep_time()
        self._teller.tell(events)

    def _keep_time(self) -> None:
        self._deadline = self._kept(self._deadline, self._room.deadline_us, self._on_deadline)
        self._next_attempt = self._kept(self._next_attempt, self._room.attempt_at_us, self._attempt)

    def _kept(
        self, kept: tuple[int, Timer] | None, wanted_us: int | None, call: Callable[[], None]
    ) -> tuple[int, Timer] | None:
        if kept is not None and kept[0] == wanted_us:
            return kept
        if kept is not None:
            kept[1].cancel()
        return None if wanted_us is None else (wanted_us, self._clock.call_at(wanted_us, call))

    def _on_deadline(self) -> None:
        self._deadline = None
        self._take(self._room.advance(self._clock.now()))

    # Attempts

    def _attempt(self) -> None:
        self._next_attempt = None
        self._take(self._room.receive(AttemptStarted(), self._clock.now()))
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
        except Exception:
            logger.exception("an access token for a reconnection could not be had")
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
            self._transport.attempt(token_text(token))
        except Exception:
            logger.exception("a transport could not make an attempt")
            self._deliver(AttemptUnreached())

    # The end

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            with suppress(Exception):
                self._transport.leave()
        for _, timer in filter(None, (self._deadline, self._next_attempt)):
            timer.cancel()
        self._deadline = self._next_attempt = None
        self._stop_waiting()
        OPEN_ROOMS.remove(self)
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
            logger.warning("a transport did not close in order: %s", str(error) or type(error).__name__)

    def _later(self, after_s: float, call: Callable[[], None]) -> Timer:
        return self._clock.call_at(self._clock.now().steady_us + int(after_s * 1_000_000), call)

    def _stop_waiting(self) -> None:
        waiting, self._unanswered = self._unanswered, None
        if waiting is not None:
            waiting.cancel()
