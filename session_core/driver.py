"""connect(): how an application gets a room.

    async with connect(token, transport=transport, publisher=publisher) as room:
        room.on("reconnecting", lambda event: print(event.error))
        ...

What the room then does by itself is in driven.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from session_core.clock import Clock, SystemClock
from session_core.driven import ATTEMPT_TIMEOUT_S, DrivenRoom
from session_core.events import Client, Moment, Session, Token
from session_core.leaving import OPEN_ROOMS
from session_core.live import new_session_id, why_left
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.token import AccessToken
from session_core.token_source import TokenGiver, TokenSource, token_facts, token_text
from session_core.transport import Transport

if TYPE_CHECKING:
    from session_core.publisher import Publisher

CONNECT_TIMEOUT_S: Final = 15.0
TIMEOUT_MAX_S: Final = 86_400.0


def connect(
    token: str | AccessToken | TokenGiver,
    *,
    transport: Transport,
    policy: ReconnectPolicy | None = None,
    publisher: Publisher | None = None,
    client: Client | None = None,
    room_name: str | None = None,
    previous_session_id: UUID | None = None,
    leave_on_signals: bool = False,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    attempt_timeout_s: float = ATTEMPT_TIMEOUT_S,
    clock: Clock | None = None,
    jitter: Callable[[], float] | None = None,
    random_bits: Callable[[int], int] | None = None,
) -> Connecting:
    """Joins a room, by `await` or by `async with`, which leaves at its end.

    `token` is a string, or what is asked for one, plainly or as a coroutine, before the join and at each attempt to
    reconnect. `policy` is ReconnectPolicy.documented() unless given. Without a `publisher` nothing is published.
    `previous_session_id` names the session that this one replaces after a rejoin. With `leave_on_signals` SIGTERM and
    SIGINT make the room leave before they do what they did; in the main thread, else it raises RuntimeError or
    ValueError. `clock`, `jitter`, `random_bits`: for simulations.

    Awaiting raises ConnectError, whose `error.code` says why: 53000 when no server answered, 53006 when it is busy, or
    the server's own; TokenError for what is no token; what a callable `token` raises. No join is tried twice. Calling
    raises ValueError for a timeout, in seconds, that is no time.

    Specification: Room Reconnection States and Events
    """
    _require_seconds(connect_timeout_s=connect_timeout_s, attempt_timeout_s=attempt_timeout_s)
    clock, source = clock or SystemClock(), TokenSource(token)

    def make_room(now: Moment, facts: Token | None) -> Room:
        named = new_session_id(now, random_bits)
        return Room(
            Session(session_id=named, previous_session_id=previous_session_id, room_name=room_name),
            policy=policy or ReconnectPolicy.documented(),
            client=client,
            # The process's generator, to spread load: one of its own would be a third of what a driven room weighs.
            jitter=jitter or random.random,  # noqa: TID251
            token=facts,
        )

    async def join() -> DrivenRoom:
        text = token_text(first := await source.ask())
        facts = token_facts(first, clock.now())
        room = DrivenRoom(
            make_room(clock.now(), facts),
            transport=transport,
            clock=clock,
            publisher=publisher,
            token_source=source,
            attempt_timeout_s=attempt_timeout_s,
        )
        OPEN_ROOMS.add(room, on_signals=leave_on_signals)
        await room.join(facts, text, connect_timeout_s)
        return room

    return Connecting(join)


class Connecting:
    """What connect() gives: a room to be, to await or to enter. Once."""

    def __init__(self, join: Callable[[], Coroutine[Any, Any, DrivenRoom]]) -> None:
        self._join = join
        self._room: DrivenRoom | None = None

    def __await__(self) -> Generator[Any, None, DrivenRoom]:
        return self._join().__await__()

    async def __aenter__(self) -> DrivenRoom:
        self._room = await self
        return self._room

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._room is not None:
            self._room.disconnect(why_left(kind))
            await self._room.closed()


def _require_seconds(**given: float) -> None:
    for name, value in given.items():
        if not 0 < value <= TIMEOUT_MAX_S:  # so written, a NaN is refused too
            raise ValueError(f"connect: {name} is {value}; it must be above 0 and at most {TIMEOUT_MAX_S:g} seconds")
