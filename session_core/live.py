"""What an application holds of a room, whoever decides when to reconnect: states, handlers, telemetry, and time.

`DrivenRoom` (driven.py) reconnects by itself; `ObservedRoom` (observer.py) watches somebody else do it. Both hand what
the room says to the publisher and to the application's handlers, and call the room back in time. A room belongs to one
event loop.

Rule: the publisher has an event before any handler hears of it. Nothing here waits for telemetry.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, overload
from uuid import UUID

from session_core.clock import Clock, Timer
from session_core.events import Event, Moment, Outage, Reason, RoomState, Session, Token, Totals
from session_core.handlers import EVENTS_MAX, EventStream, H, Handler, Participant, Teller
from session_core.instants import us_from_utc
from session_core.leaving import OPEN_ROOMS
from session_core.room import Room
from session_core.signals import Leave, Signal

if TYPE_CHECKING:
    from session_core.publisher import Publisher

CLOSE_TIMEOUT_S: Final = 2.0
"""How long the end of a room waits for its transport to close and for handlers that still run."""


# Those of the operating system, as `secrets.randbits` gives them, whose module brings hashes that nobody here asks for.
_random_bits: Final = random.SystemRandom().getrandbits


def new_session_id(at: Moment, random_bits: Callable[[int], int] | None = None) -> UUID:
    """A name for a session that begins at this moment: a UUID of version 7."""
    bits = random_bits or _random_bits
    milliseconds = (at.utc_us // 1000) & (2**48 - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | bits(12) << 64 | 2 << 62 | bits(62))


def why_left(kind: type[BaseException] | None) -> Reason:
    """The reason of leaving for an `async with` that ends by an exception of this kind, or by none."""
    if kind is None:
        return "leave"
    if issubclass(kind, asyncio.CancelledError):
        return "cancelled"
    return "exit" if issubclass(kind, SystemExit | KeyboardInterrupt) else "exception"


class LiveRoom:
    """A room as an application sees it.

    `state`, `participants` and `local_participant` are as of the transition whose handlers run, else as of now.
    """

    def __init__(self, room: Room, *, clock: Clock, publisher: Publisher | None, token: Token | None) -> None:
        self.publisher = publisher
        self._room = room
        self._clock = clock
        self._token = token
        self._teller = Teller()
        self._deadline: tuple[int, Timer] | None = None
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
        """The room's events from now on, for `async for`; it ends after `disconnected`.

        `events_max` events wait for one iterator. Raises ValueError for less than one.
        """
        return self._teller.stream(events_max)

    def disconnect(self, reason: Reason = "leave") -> None:
        """Leaves at once; does nothing when the room is disconnected already.

        `reason` is one of leave, cancelled, signal, exit, exception; for telemetry.

        Specification: Handling Browser Session Termination and Page Navigation
        """
        if not self._has_ended:
            self._receive(Leave(reason))

    async def closed(self) -> None:
        """Returns when the room has ended and its handlers have run; bounded after the end."""
        async for _ in self.events(events_max=1):
            pass
        running = self._still_running()
        others = {task for task in running if task is not asyncio.current_task()}  # a handler may wait for the others
        if others:
            await asyncio.wait(others, timeout=CLOSE_TIMEOUT_S)

    def _still_running(self) -> set[asyncio.Task[Any]]:
        return set(self._teller.tasks)

    # What the room says

    def _receive(self, signal: Signal) -> None:
        self._take(self._room.receive(signal, self._clock.now()))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if self.publisher is not None:
                self.publisher.publish(event)
            if event.type == "room.connected":
                others = [participant.view() for participant in self._room.participants.values()]
                self._teller.introduce(self._room.local_participant.view(), others)
            if event.type in {"room.connected", "room.connect_failed"}:
                self._join_has_ended(event)
        if self._room.state is RoomState.DISCONNECTED:
            self._end()
        else:
            self._keep_time()
        self._teller.tell(events)

    def _join_has_ended(self, event: Event) -> None:
        """For those who wait for it."""

    # Time

    def _keep_time(self) -> None:
        self._deadline = self._kept(self._deadline, self._room.deadline_us, self._on_deadline)

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

    def _end(self) -> None:
        self._has_ended = True
        if self._deadline is not None:
            self._deadline[1].cancel()
        self._deadline = None
        OPEN_ROOMS.remove(self)
