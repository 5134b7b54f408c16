"""The faults, as a table. Each begins, lasts, and is mended: a context manager around the time that it lasts.

What strikes the same target is never struck by two at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Final, NamedTuple

from tests.faults.scene import SESSION_TIMEOUT_S, Scene

Begin = Callable[[Scene, Random], AbstractContextManager[None]]


class Kind(NamedTuple):
    """A kind of fault; it lasts from `least_s` to `most_s`."""

    name: str
    target: str
    begin: Begin
    least_s: float
    most_s: float


@contextmanager
def _collector_killed(scene: Scene, random: Random) -> Iterator[None]:
    victim = random.choice(scene.collectors)
    victim.kill()
    yield
    victim.start()


@contextmanager
def _collector_halted(scene: Scene, random: Random) -> Iterator[None]:
    victim = random.choice(scene.collectors)
    victim.halt()
    yield
    victim.go_on()


@contextmanager
def _rebalances(scene: Scene, random: Random) -> Iterator[None]:
    leaves = random.choice(scene.collectors)
    scene.spare.start()
    yield
    leaves.end()
    leaves.start()
    scene.spare.end()


@contextmanager
def _broker_killed(scene: Scene, random: Random) -> Iterator[None]:
    victim = random.choice(scene.servers.cluster.brokers)
    victim.kill()
    yield
    victim.start()


@contextmanager
def _broker_halted(scene: Scene, random: Random) -> Iterator[None]:
    victim = random.choice(scene.servers.cluster.brokers)
    victim.halt()
    yield
    victim.go_on()


@contextmanager
def _broker_cut_off(scene: Scene, random: Random) -> Iterator[None]:
    wire = random.choice(scene.servers.cluster.brokers).wire
    wire.cut_after(_any_bytes(random))
    yield
    wire.mend()


@contextmanager
def _database_killed(scene: Scene, random: Random) -> Iterator[None]:
    del random
    scene.servers.database.kill()
    yield
    scene.servers.database.start()


@contextmanager
def _database_halted(scene: Scene, random: Random) -> Iterator[None]:
    del random
    halted = scene.servers.database.halt()
    yield
    scene.servers.database.go_on(halted)


@contextmanager
def _database_cut_off(scene: Scene, random: Random) -> Iterator[None]:
    scene.servers.wire.cut_after(_any_bytes(random))
    yield
    scene.servers.wire.mend()


@contextmanager
def _disk_full(scene: Scene, random: Random) -> Iterator[None]:
    del random
    scene.servers.disk.fill()
    yield
    scene.servers.disk.free()


def _any_bytes(random: Random) -> list[int]:
    """As many cuts as a wire may see in a second or two: some within a message's head, some behind whole batches."""
    return [int(10 ** random.uniform(0, 5)) for _ in range(random.randint(2, 12))]


KINDS: Final = (
    Kind("a collector is killed", "collectors", _collector_killed, 0.1, 1.0),
    Kind("the database is killed", "database", _database_killed, 0.1, 1.5),
    Kind("a collector is halted", "collectors", _collector_halted, 0.1, 1.5),
    Kind("a broker's connections are cut", "wires", _broker_cut_off, 0.5, 2.0),
    Kind("a broker is killed", "brokers", _broker_killed, 0.1, 2.0),
    Kind("the database's disk is full", "database", _disk_full, 0.5, 2.0),
    Kind("collectors come and go", "collectors", _rebalances, 0.5, 2.0),
    Kind("the database's connections are cut", "database wire", _database_cut_off, 0.5, 2.0),
    Kind("a collector is halted past its session", "collectors", _collector_halted, SESSION_TIMEOUT_S + 0.5, 4.5),
    Kind("the database is halted", "database", _database_halted, 0.1, 3.0),
    Kind("a broker is halted", "brokers", _broker_halted, 0.5, 3.0),
)
