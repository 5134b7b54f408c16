"""One round: collectors at work, faults by the round's seed, and a look at what they left.

A seed says which faults, when, on whom, and what is sent in which order. How far everybody was at that moment it cannot
say: a round that failed is run again with its seed, and more than once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Final, NamedTuple

from tests.faults.kinds import KINDS, Kind
from tests.faults.promised import Promised, disordered
from tests.faults.scene import PARTITIONS, Scene
from tests.faults.summing import summing
from tests.faults.verdict import assert_exactly_once, until_stored
from tests.histories import Life, fleet

log = logging.getLogger(__name__)

LIVES: Final = (40, 160)
PER_SECOND_MAX: Final = 3_000
HOUR_US: Final = 3_600_000_000


class Strike(NamedTuple):
    """A fault of the plan: after so long, for so long."""

    kind: Kind
    after_s: float
    lasts_s: float


class Plan(NamedTuple):
    """What a seed says."""

    seed: int
    strikes: tuple[Strike, ...]
    at_once: bool
    """Whether faults last until the last of them is over, else one follows the other."""
    lives: int

    @property
    def seconds(self) -> float:
        """How long its faults last."""
        return sum(strike.after_s + strike.lasts_s for strike in self.strikes)

    def __str__(self) -> str:
        told = ", ".join(f"{s.kind.name} after {s.after_s:.2f} s for {s.lasts_s:.2f} s" for s in self.strikes)
        how = "all at once" if self.at_once else "one by one"
        return f"ROOMWATCH_FAULTS_SEED={self.seed}: {self.lives} lives; {how}: {told}"


def plan(seed: int) -> Plan:
    """The plan of a seed. Seeds in a row go through all kinds."""
    random = Random(seed)
    kinds = [KINDS[seed % len(KINDS)]]
    for other in random.sample(KINDS, random.choice((0, 0, 1, 1, 2))):
        if other.target not in {kind.target for kind in kinds}:
            kinds.append(other)
    strikes = tuple(Strike(kind, random.uniform(0, 0.5), random.uniform(kind.least_s, kind.most_s)) for kind in kinds)
    return Plan(seed, strikes, random.random() < 0.5, random.randint(*LIVES))


def play(scene: Scene, planned: Plan) -> None:
    """Plays a round. An AssertionError says what is wrong, with the plan and what everybody says."""
    random = Random(planned.seed + 1)
    scene.note(str(planned))
    sendings = disordered(_lives(planned), random)
    pace = min(PER_SECOND_MAX, int(len(sendings) / (planned.seconds + 0.5)))
    promised = Promised(scene.servers.cluster.bootstrap, scene.topic, PARTITIONS, sendings, pace)
    try:
        scene.until_ready()
        with summing(scene.engine, now_us):
            promised.begin()
            _strike_all(scene, planned, promised, random)
            promised.hurry()
            scene.note(f"all is promised; {promised.sent_again} were sent again")
            until_stored(scene)
        scene.note("all is stored")
        assert_exactly_once(scene, promised.stored_keys(), now_us)
        scene.servers.cluster.until_whole()
        scene.note("all is as it should be")
    except AssertionError as error:
        error.add_note(scene.report())
        log.exception("the round failed")
        raise
    finally:
        promised.close()


def _lives(planned: Plan) -> list[Life]:
    return fleet(planned.lives, begun_us=now_us() - HOUR_US, every_us=20_000, first=planned.seed * LIVES[1])


def _strike_all(scene: Scene, planned: Plan, promised: Promised, random: Random) -> None:
    with ExitStack() as together:
        for strike in planned.strikes:
            promised.until_over(strike.after_s)
            together.enter_context(_struck(scene, strike, random))
            promised.until_over(strike.lasts_s)
            if not planned.at_once:
                together.close()


@contextmanager
def _struck(scene: Scene, strike: Strike, random: Random) -> Iterator[None]:
    mend = strike.kind.begin(scene, random)
    scene.note(f"{strike.kind.name}: begun")
    try:
        yield
    finally:
        mend()
        scene.note(f"{strike.kind.name}: mended")


def now_us() -> int:
    """The time, as brokers and collectors have it."""
    return time.time_ns() // 1000  # noqa: TID251 - brokers stamp with the real time
