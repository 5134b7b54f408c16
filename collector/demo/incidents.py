"""What goes wrong in the live fleet, and when: the script of a minute, played again and again.

    quiet · a region's signaling is away · media breaks in one release · the broker is away for 20 s · clients are
    away past their window · tokens have expired · people leave while reconnecting · a process that embeds the core is
    killed and started again · joins fail · a host ends a room for all

Each scene does something to the memory server, the broker or a process, never to a room: what rooms make of it is for
the session core to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Final, NamedTuple

from collector.demo.broker import EmbeddedBroker
from collector.demo.embedding import EmbeddingProcess
from collector.demo.fleet import Fleet, Person
from collector.demo.population import BAD_RELEASE
from session_core.errors import TOKEN_EXPIRED
from session_core.events import RoomState
from session_core.transports.memory import Fault

SCRIPT_S: Final = 60.0
REGION: Final = "ie1"
ROOM_FULL: Final = 53105
BROKER_AWAY_S: Final = 20.0


class Scene(NamedTuple):
    """When it begins, seconds into the script, what is said of it, and what it does."""

    at_s: float
    words: str
    act: Callable[[], Coroutine[None, None, None]]


class Incidents:
    """Plays the script. `now` says what is going on."""

    def __init__(self, fleet: Fleet, broker: EmbeddedBroker, embedding: EmbeddingProcess, rng: Random) -> None:
        self._fleet = fleet
        self._server = fleet.server
        self._broker = broker
        self._embedding = embedding
        self._rng = rng
        self.now = "quiet"

    def script(self) -> Sequence[Scene]:
        """All scenes, in order."""
        return (
            Scene(5, f"signaling of {REGION} is away", self.region_away),
            Scene(15, f"media breaks in release {BAD_RELEASE}", self.media_breaks),
            Scene(20, "the broker is away for 20 s", self.broker_away),
            Scene(22, "clients are away past their window; so is the broker", self.clients_away),
            Scene(28, "access tokens have expired; the broker is away", self.tokens_expired),
            Scene(33, "people leave while reconnecting; the broker is away", self.leave_while_reconnecting),
            Scene(37, "an embedding process is killed; the broker is away", self.process_killed),
            Scene(43, "joins fail", self.joins_fail),
            Scene(49, "a host ends a room for all", self.host_ends_room),
            Scene(53, "quiet", self.quiet),
        )

    async def play(self) -> None:
        """The script, again and again. A scene that lasts goes on beside the next."""
        async with asyncio.TaskGroup() as group:
            while True:
                passed_s = 0.0
                for scene in self.script():
                    await asyncio.sleep(scene.at_s - passed_s)
                    passed_s = scene.at_s
                    self.now = scene.words
                    group.create_task(scene.act())
                await asyncio.sleep(SCRIPT_S - passed_s)

    async def end(self, playing: asyncio.Task[None]) -> None:
        """Ends the play; whatever was broken is mended. Raises what went wrong in it."""
        playing.cancel()
        await asyncio.wait({playing})
        self._broker.bring_up()
        if not playing.cancelled():
            playing.result()

    async def quiet(self) -> None:
        """Nothing is wrong."""

    async def region_away(self) -> None:
        """Everybody in the region loses signaling; most get it back in seconds, some are refused until they give up."""
        hit = [person for person in self._fleet.present if person.region == REGION]
        away = self._server.fail("unreachable", region=REGION)
        refused = [self._fail_for(person, "refusing") for person in self._some(hit, 0.25)]
        self._server.drop(region=REGION)
        await asyncio.sleep(self._rng.uniform(2.5, 4))
        away.end()
        await self._end_after(4, refused)

    async def media_breaks(self) -> None:
        """The release loses its media; for half of its users it comes back in time."""
        hit = [person for person in self._fleet.present if person.client.app_version == BAD_RELEASE]
        self._ice(hit, "failed")
        await asyncio.sleep(self._rng.uniform(1.5, 3))
        back = self._some(hit, 0.5)
        self._ice(back, "checking")
        await asyncio.sleep(0.3)
        self._ice(back, "connected")

    async def broker_away(self) -> None:
        """No broker: rooms must not notice, telemetry must wait."""
        self._broker.take_down()
        try:
            await asyncio.sleep(BROKER_AWAY_S)
        finally:
            self._broker.bring_up()

    async def clients_away(self) -> None:
        """Some people's networks are gone for longer than the window."""
        await self._end_after(11, self._cut_off(self._some(self._fleet.present, 0.04), "unreachable"))

    async def tokens_expired(self) -> None:
        """Some drop for a moment, and find at their return that their token has expired."""
        await self._end_after(6, self._cut_off(self._some(self._fleet.present, 0.03), "resync", TOKEN_EXPIRED))

    async def leave_while_reconnecting(self) -> None:
        """Some people do not wait for the end of it."""
        hit = self._some(self._fleet.present, 0.03)
        faults = self._cut_off(hit, "unreachable")
        await asyncio.sleep(2)
        for person in hit:
            if person.room is not None and person.room.state is RoomState.RECONNECTING:
                person.room.disconnect()
        await self._end_after(1, faults)

    async def joins_fail(self) -> None:
        """A full room, a busy server, a server that does not answer."""
        there = list(self._fleet.rooms())
        faults = []
        for kind, code in (("join", ROOM_FULL), ("busy", 0), ("unreachable", 0)):
            name, people = self._rng.choice(there)
            faults.append(self._server.fail(kind, code=code, room=name))  # type: ignore[arg-type]  # of FaultKind
            self._fleet.admit(f"guest-{kind}", name, people[0].region)
        await self._end_after(4, faults)

    async def host_ends_room(self) -> None:
        """One room is over for all who are in it, also for those who are just coming back."""
        name, people = self._rng.choice(list(self._fleet.rooms()))
        faults = self._cut_off(people[:1], "unreachable")
        self._server.complete(name)
        await self._end_after(1, faults)

    async def process_killed(self) -> None:
        """A process dies as processes do, its telemetry with it as far as it was not sent; another takes its place."""
        await self._embedding.kill()
        await asyncio.sleep(2)
        await self._embedding.start()

    def _some(self, people: list[Person], share: float) -> list[Person]:
        return self._rng.sample(people, min(len(people), max(2, round(len(people) * share))))

    def _fail_for(self, person: Person, kind: str, code: int = 0) -> Fault:
        return self._server.fail(kind, code=code, room=person.room_name, identity=person.identity)  # type: ignore[arg-type]

    def _cut_off(self, people: list[Person], kind: str, code: int = 0) -> list[Fault]:
        faults = [self._fail_for(person, kind, code) for person in people]
        for person in people:
            self._server.drop(room=person.room_name, identity=person.identity)
        return faults

    def _ice(self, people: list[Person], state: str) -> None:
        for person in people:
            self._server.ice(state, room=person.room_name, identity=person.identity)

    async def _end_after(self, seconds: float, faults: list[Fault]) -> None:
        await asyncio.sleep(seconds)
        for fault in faults:
            fault.end()
