"""The faults, as a table. Each begins at once, and says how it is mended when its time is over.

What strikes the same target is never struck by two in one round.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from tests.faults.scene import SESSION_TIMEOUT_S, Scene

Mend = Callable[[], object]


class Kind(NamedTuple):
    """A kind of fault; it lasts from `least_s` to `most_s`."""

    name: str
    target: str
    begin: Callable[[Scene, Random], Mend]
    least_s: float
    most_s: float


def _kill_collector(scene: Scene, random: Random) -> Mend:
    victim = random.choice(scene.collectors)
    victim.kill()
    return victim.start


def _halt_collector(scene: Scene, random: Random) -> Mend:
    victim = random.choice(scene.collectors)
    victim.halt()
    return victim.go_on


def _come_and_go(scene: Scene, random: Random) -> Mend:
    """Four rebalances: one more, one less, one more, one less."""
    leaves = random.choice(scene.collectors)
    scene.spare.start()

    def go_and_come() -> None:
        leaves.end()
        leaves.start()
        scene.spare.end()

    return go_and_come


def _kill_broker(scene: Scene, random: Random) -> Mend:
    victim = random.choice(scene.servers.cluster.brokers)
    victim.kill()
    return victim.start


def _halt_broker(scene: Scene, random: Random) -> Mend:
    victim = random.choice(scene.servers.cluster.brokers)
    victim.halt()
    return victim.go_on


def _cut_off_broker(scene: Scene, random: Random) -> Mend:
    wire = random.choice(scene.servers.cluster.brokers).wire
    wire.cut_after(_any_bytes(random))
    return wire.mend


def _stall_broker(scene: Scene, random: Random) -> Mend:
    wire = random.choice(scene.servers.cluster.brokers).wire
    wire.stall()
    return wire.mend


def _kill_database(scene: Scene, random: Random) -> Mend:
    del random
    scene.servers.database.kill()
    return scene.servers.database.start


def _halt_database(scene: Scene, random: Random) -> Mend:
    del random
    halted = scene.servers.database.halt()
    return lambda: scene.servers.database.go_on(halted)


def _cut_off_database(scene: Scene, random: Random) -> Mend:
    scene.servers.wire.cut_after(_any_bytes(random))
    return scene.servers.wire.mend


def _stall_database(scene: Scene, random: Random) -> Mend:
    del random
    scene.servers.wire.stall()
    return scene.servers.wire.mend


def _fill_disk(scene: Scene, random: Random) -> Mend:
    del random
    scene.servers.disk.fill()
    return scene.servers.disk.free


def _any_bytes(random: Random) -> list[int]:
    """As many cuts as a wire may see in a second or two: some within a message's head, some behind whole batches."""
    return [int(10 ** random.uniform(0, 5)) for _ in range(random.randint(2, 12))]


KINDS: Final = (
    Kind("a collector is killed", "collectors", _kill_collector, 0.1, 1.0),
    Kind("the database is killed", "database", _kill_database, 0.1, 1.5),
    Kind("a collector is halted", "collectors", _halt_collector, 0.1, 1.5),
    Kind("a broker's connections are cut", "a broker's wire", _cut_off_broker, 0.5, 2.0),
    Kind("a broker is killed", "brokers", _kill_broker, 0.1, 2.0),
    Kind("the database's disk is full", "database", _fill_disk, 0.5, 2.0),
    Kind("collectors come and go", "collectors", _come_and_go, 0.5, 2.0),
    Kind("the database's connections are cut", "the database's wire", _cut_off_database, 0.5, 2.0),
    Kind("a collector is halted past its session", "collectors", _halt_collector, SESSION_TIMEOUT_S + 0.5, 4.5),
    Kind("the database is halted", "database", _halt_database, 0.1, 3.0),
    Kind("the database's connections stall", "the database's wire", _stall_database, 0.5, 4.5),
    Kind("a broker's connections stall", "a broker's wire", _stall_broker, 0.5, 3.0),
    Kind("a broker is halted", "brokers", _halt_broker, 0.5, 3.0),
)
