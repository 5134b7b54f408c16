"""Who is told what a room says: handlers by name, iterators, and the states that are shown meanwhile.

Rules:
1. Transitions are told one after the other. What a handler sets off is told after what it was called for: while the
   handlers of one transition run, every state shown is the one of that transition.
2. Room first, then the participant whom it is about; within each, in the order of registration.
3. A plain handler runs at once. A coroutine function is started as a task when its turn comes, and nobody waits for
   it: what it wants to know of the transition is in the event, not in `room.state`.
4. A handler that raises is reported, to this module's logger and to the event loop; the room does not notice.
5. An iterator has a bounded queue. One that lags loses its oldest events, and counts them in `missed`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Self, TypeVar, overload

from session_core.events import Event, ParticipantView, RoomState

EVENTS_MAX: Final = 1_000
"""Events that wait for one iterator."""

ROOM_NAMES: Final = {
    "reconnecting": "room.reconnecting",
    "reconnected": "room.reconnected",
    "disconnected": "room.disconnected",
    "participant_connected": "participant.connected",
    "participant_reconnecting": "participant.reconnecting",
    "participant_reconnected": "participant.reconnected",
    "participant_disconnected": "participant.disconnected",
    "token_expiring": "token.expiring",
}
"""What `room.on` takes, and the type of the event that the handler gets. The camelCase spellings work too."""

PARTICIPANT_NAMES: Final = ("reconnecting", "reconnected", "disconnected")
"""What `on` of a participant takes."""

# Told to handlers and iterators; the rest is for telemetry alone.
_TOLD: Final = frozenset({*ROOM_NAMES.values(), "local.reconnecting", "local.reconnected", "local.disconnected"})

Handler = Callable[[Event], Awaitable[object] | object]
H = TypeVar("H", bound=Handler)

logger = logging.getLogger(__name__)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_PARTICIPANT_SPELLINGS: Final = {name: name for name in PARTICIPANT_NAMES}
_SPELLINGS: Final = {spelling: name for name in ROOM_NAMES for spelling in (name, _camel(name))}


class Emitter:
    """What has handlers."""

    def __init__(self, spellings: dict[str, str]) -> None:
        """`spellings`: every spelling of a name, and the name."""
        self._spellings = spellings
        self._handlers: dict[str, list[Handler]] = {}

    @overload
    def on(self, name: str, handler: H) -> H: ...
    @overload
    def on(self, name: str) -> Callable[[H], H]: ...
    def on(self, name: str, handler: H | None = None) -> H | Callable[[H], H]:
        """Has `handler` called with every event of that name; without a handler, decorates one.

        Raises ValueError for a name that is no event's. See this module's rules for when and how it is called.
        """
        if handler is None:
            return lambda decorated: self.on(name, decorated)
        self._handlers.setdefault(self._named(name), []).append(handler)
        return handler

    def off(self, name: str, handler: Handler) -> None:
        """Takes back one registration of `handler`; does nothing when there is none."""
        registered = self._handlers.get(self._named(name), [])
        if handler in registered:
            registered.remove(handler)

    def handlers_of(self, name: str) -> tuple[Handler, ...]:
        """The handlers of an event's name in the order of registration."""
        return tuple(self._handlers.get(name, ()))

    def _named(self, name: str) -> str:
        if name not in self._spellings:
            known = ", ".join(dict.fromkeys(self._spellings.values()))
            raise ValueError(f"there is no event {name!r}; there are {known}")
        return self._spellings[name]


class Participant(Emitter):
    """Somebody in the room. `state` is as of the transition that is being told, then as of the last one told."""

    def __init__(self, sid: str, identity: str | None, state: RoomState) -> None:
        super().__init__(_PARTICIPANT_SPELLINGS)
        self.sid = sid
        self.identity = identity
        self.state = state

    def __repr__(self) -> str:
        return f"Participant(sid={self.sid!r}, identity={self.identity!r}, state={self.state.value!r})"


class EventStream:
    """The events of a room from now on, for one `async for`. It ends after the room's `disconnected`.

    `missed` counts the events that were dropped because the iterator lagged.
    """

    def __init__(self, events_max: int) -> None:
        self.missed = 0
        self._events: deque[Event] = deque()
        self._events_max = events_max
        self._waiting: asyncio.Future[None] | None = None
        self._has_ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._has_ended:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._events.popleft()

    def put(self, event: Event) -> None:
        """Queues an event and drops the oldest where there is no room."""
        if len(self._events) == self._events_max:
            self._events.popleft()
            self.missed += 1
        self._events.append(event)
        self._wake()

    def end(self) -> None:
        """Lets the iterator end when it has given all it has."""
        self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done() and not waiting.get_loop().is_closed():
            waiting.set_result(None)


class Teller(Emitter):
    """Tells handlers and iterators of a room's events, one transition at a time, and shows the states of each."""

    def __init__(self) -> None:
        super().__init__(_SPELLINGS)
        self.state = RoomState.CONNECTING
        self.participants: dict[str, Participant] = {}
        self.local_participant = Participant("", None, RoomState.CONNECTING)
        self.tasks: set[asyncio.Task[Any]] = set()
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._queue: deque[Event] = deque()
        self._is_telling = False

    def introduce(self, local: ParticipantView, others: Iterable[ParticipantView]) -> None:
        """Who is there when the room is joined: news to nobody."""
        self.local_participant.sid, self.local_participant.identity = local.sid, local.identity
        self.local_participant.state = RoomState.CONNECTED
        self.participants = {other.sid: Participant(other.sid, other.identity, other.state) for other in others}

    def stream(self, events_max: int) -> EventStream:
        """An iterator over what is told from now on."""
        stream = EventStream(events_max)
        self._streams.add(stream)
        if self.state is RoomState.DISCONNECTED:
            stream.end()
        return stream

    def tell(self, events: Iterable[Event]) -> None:
        """Tells of events now, or after what is being told."""
        self._queue.extend(events)
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._queue:
                self._tell_one(self._queue.popleft())
        finally:
            self._is_telling = False

    def _tell_one(self, event: Event) -> None:
        whom = self._show(event)
        if event.type not in _TOLD:
            return
        for stream in tuple(self._streams):
            stream.put(event)
            if event.type == "room.disconnected":
                stream.end()
        subject, _, name = event.type.partition(".")
        if subject != "local":
            self._call(self.handlers_of({"room": name}.get(subject, f"{subject}_{name}")), event)
        if whom is not None:
            self._call(whom.handlers_of(name), event)

    def _show(self, event: Event) -> Participant | None:
        """Moves what is shown to where it was at this event; whom the event is about, if it is a participant."""
        if event.type.startswith("room."):
            self.state = event.state
        view = event.participant
        if view is None:
            return None
        if event.type.startswith("local."):
            whom = self.local_participant
        else:
            whom = self.participants.get(view.sid) or Participant(view.sid, view.identity, view.state)
            self.participants[view.sid] = whom
        whom.state = view.state
        if event.type == "participant.disconnected":
            del self.participants[view.sid]
        return whom

    def _call(self, handlers: tuple[Handler, ...], event: Event) -> None:
        for handler in handlers:
            try:
                answer = handler(event)
                if inspect.isawaitable(answer):
                    self._start(handler, answer, event)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - an application's fault is not the room's
                _report(handler, event, error)

    def _start(self, handler: Handler, answer: Awaitable[object], event: Event) -> None:
        async def run() -> None:
            try:
                await answer
            except Exception as error:  # noqa: BLE001 - as above
                _report(handler, event, error)

        running = run()
        try:
            task = asyncio.get_running_loop().create_task(running)
        except RuntimeError:
            running.close()
            if inspect.iscoroutine(answer):
                answer.close()
            logger.warning("%s was not run for %s: no event loop runs any more", handler, event.type)
            return
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def _report(handler: Handler, event: Event, error: BaseException) -> None:
    logger.error("%s raised %s for %s; the room goes on", handler, type(error).__name__, event.type)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    loop.call_exception_handler(
        {"message": f"a handler of {event.type} raised", "exception": error, "handler": handler, "event": event}
    )
