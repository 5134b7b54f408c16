"""The live fleet: some two hundred people in fifty rooms, each a room of the real session core over one memory server.

People come and go; who is dropped tries once more after a moment, in a new session that names the old one. What goes
wrong is done to them by incidents.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import UUID

from collector.demo.population import BAD_RELEASE, NAMES, REGIONS, SUBJECTS, draw_client, pick
from session_core.clock import SystemClock
from session_core.driven import DrivenRoom
from session_core.driver import connect
from session_core.errors import ConnectError
from session_core.events import Client, RoomState
from session_core.policy import ReconnectPolicy
from session_core.publisher import Publisher
from session_core.token import AccessToken
from session_core.transports.memory import MemoryServer, MemoryTransport

ROOMS: Final = 50
PEOPLE_A_ROOM: Final = (3, 4, 4, 5, 5)
STAY_S: Final = (60, 300)
PAUSE_S: Final = (1, 5)
EVERYDAY_S: Final = 2.0
"""Somebody's network is gone for a moment this often, on average: nothing is ever quite quiet."""
BAD_RELEASE_SHARE: Final = 0.12
LATENCY_S: Final = 0.08
JOIN_WITHIN_S: Final = 3.0

POLICY: Final = ReconnectPolicy.documented(window_ms=8_000, attempts_max=6, delay_max_ms=1_500)
"""Short windows, so that a minute is enough to see every end."""


@dataclass(eq=False)
class Person:
    """Somebody in a room: who they are, what they run on, and their room while they are in it."""

    identity: str
    room_name: str
    client: Client
    room: DrivenRoom | None = None

    @property
    def region(self) -> str:
        """The signaling region that serves them."""
        return self.client.region or ""

    @property
    def is_there(self) -> bool:
        """Whether they are in the room, reconnecting or not."""
        return self.room is not None and self.room.state in {RoomState.CONNECTED, RoomState.RECONNECTING}


class Fleet:
    """Everybody who is there. Enter it to have people come; leave it to have them leave."""

    def __init__(self, publisher: Publisher, rng: Random, *, rooms: int = ROOMS, numbers_from: int = 1) -> None:
        self.server = MemoryServer(latency_s=LATENCY_S, numbers_from=numbers_from)
        self.people: list[Person] = []
        self.trouble: BaseException | None = None
        self._publisher = publisher
        self._rng = rng
        self._rooms = [f"{SUBJECTS[number % len(SUBJECTS)]}-{numbers_from + number}" for number in range(rooms)]
        self._clock = SystemClock()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def present(self) -> list[Person]:
        """Who is in a room now."""
        return [person for person in self.people if person.is_there]

    def start(self) -> None:
        """Has the first people come, over the next seconds."""
        for name in self._rooms:
            region = pick(self._rng, REGIONS)
            identities = self._rng.sample(NAMES, self._rng.choice(PEOPLE_A_ROOM))
            for identity in identities:
                self.admit(identity, name, region, after_s=self._rng.uniform(0, 2))
        self._add(self._everyday())

    async def stop(self) -> None:
        """Has everybody leave. Raises what went wrong with anybody, which stops them all."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self.trouble is not None:
            raise self.trouble

    def admit(self, identity: str, room_name: str, region: str, *, after_s: float = 0.0) -> None:
        """Has somebody come."""
        version = BAD_RELEASE if self._rng.random() < BAD_RELEASE_SHARE else None
        person = Person(identity, room_name, draw_client(self._rng, region, version))
        self._add(self._attend(person, after_s))

    def rooms(self) -> Iterator[tuple[str, list[Person]]]:
        """The rooms that somebody is in, and who."""
        for name in self._rooms:
            there = [person for person in self.present if person.room_name == name]
            if there:
                yield name, there

    def _add(self, doing: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.trouble = error
            self._stopping.set()

    async def _everyday(self) -> None:
        """Now and then somebody's network is gone for a moment."""
        while not self._stopping.is_set():
            await self._pause(self._rng.expovariate(1 / EVERYDAY_S))
            if there := self.present:
                hit = self._rng.choice(there)
                away = self.server.fail("unreachable", room=hit.room_name, identity=hit.identity)
                self.server.drop(room=hit.room_name, identity=hit.identity)
                asyncio.get_running_loop().call_later(self._rng.expovariate(1.0), away.end)

    async def _attend(self, person: Person, after_s: float) -> None:
        """Comes, stays, leaves; comes back after a drop; and makes place for somebody else."""
        self.people.append(person)
        previous: UUID | None = None
        await self._pause(after_s)
        while not self._stopping.is_set():
            room = await self._join(person, previous)
            if room is not None:
                person.room = room
                previous = room.session.session_id
                await self._stay(room)
                person.room = None
                await room.closed()
            await self._pause(self._rng.uniform(*PAUSE_S))
            if room is None or room.totals.outages == 0:
                previous = None
                person.client = draw_client(self._rng, person.region)

    async def _join(self, person: Person, previous: UUID | None) -> DrivenRoom | None:
        transport = MemoryTransport(self.server, identity=person.identity, room=person.room_name, region=person.region)
        try:
            room = await connect(
                self._token(person),
                transport=transport,
                policy=POLICY,
                publisher=self._publisher,
                client=person.client,
                room_name=person.room_name,
                previous_session_id=previous,
                connect_timeout_s=JOIN_WITHIN_S,
                random_bits=self._rng.getrandbits,
                jitter=self._rng.random,
            )
        except ConnectError:
            return None
        self.server.ice("connected", room=person.room_name, identity=person.identity)
        return room

    async def _stay(self, room: DrivenRoom) -> None:
        """Stays as long as one wants to, the room is there and the demo goes on."""
        over = asyncio.ensure_future(room.closed())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({over, stopping}, timeout=self._rng.uniform(*STAY_S), return_when=asyncio.FIRST_COMPLETED)
        room.disconnect()
        for waiting in (over, stopping):
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), timeout=seconds)

    def _token(self, person: Person) -> AccessToken:
        """A token as an application's server would make it; some are made for a life that a long call outlives."""
        return AccessToken.mint(
            "ACdemo",
            "SKdemo",
            "a-secret-of-the-demo-that-opens-nothing",
            identity=person.identity,
            at=self._clock.now().utc,
            room=person.room_name,
            ttl_s=self._rng.choice((86_400, 86_400, 3_600, 240)),
        )
