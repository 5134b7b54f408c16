"""One round: collectors at work, faults by the round's seed, and a look at what they left.

A seed says which faults, when, on whom, and what is sent in which order. How far everybody was at that moment it cannot
say: a round that failed is run again with its seed, and more than once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.faults.kinds import KINDS, Kind
from tests.faults.promised import Promised, disordered
from tests.faults.scene import PARTITIONS, Scene, Servers, scene
from tests.faults.verdict import assert_exactly_once, ends_of, log_of, until_stored
from tests.histories import Life, fleet

LIVES: Final = (60, 250)
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
    settings: dict[str, object]

    @property
    def seconds(self) -> float:
        """How long its faults last."""
        return sum(strike.after_s + strike.lasts_s for strike in self.strikes)

    def __str__(self) -> str:
        told = ", ".join(f"{s.kind.name} after {s.after_s:.2f} s for {s.lasts_s:.2f} s" for s in self.strikes)
        how = "all at once" if self.at_once else "one by one"
        return f"seed {self.seed}: {self.lives} lives, {self.settings}, {how}: {told}"


def plan(seed: int) -> Plan:
    """The plan of a seed. Seeds in a row go through all kinds."""
    random = Random(seed)
    kinds = [KINDS[seed % len(KINDS)], *random.sample(KINDS, random.choice((0, 0, 1, 1, 2)))]
    targets = [kind.target for kind in kinds]
    strikes = tuple(Strike(kind, random.uniform(0, 0.5), random.uniform(kind.least_s, kind.most_s)) for kind in kinds)
    settings = {
        "batch_records_max": random.choice((50, 200, 1000)),
        "batch_wait_ms": random.choice((0, 20, 100)),
        "sessions_max": random.choice((20, 60_000)),
    }
    at_once = len(set(targets)) == len(targets) > 1 and random.random() < 0.5
    return Plan(seed, strikes, at_once, random.randint(*LIVES), settings)


def play(servers: Servers, planned: Plan, folder: Path) -> None:
    """Plays a round. An AssertionError says what is wrong, with the plan and what everybody says."""
    random = Random(planned.seed + 1)
    lives = _lives(planned)
    with scene(servers, folder, planned.settings) as here:
        here.note("collectors are started")
        sendings = disordered(lives, random)
        pace = min(PER_SECOND_MAX, int(len(sendings) / (planned.seconds + 0.5)))
        promised = Promised(servers.cluster.bootstrap, here.topic, PARTITIONS, sendings, pace)
        try:
            promised.begin()
            _strike_all(here, planned, promised, random)
            promised.hurry()
            here.note("all is promised")
            log = log_of(here)
            here.note(f"the log holds {len(log)} records")
            until_stored(here, ends_of(log))
            here.note("all is stored")
            assert_exactly_once(here, promised, log, _now_us())
            servers.cluster.until_whole()
            here.note("all is as it should be")
        except AssertionError as error:
            error.add_note(f"{planned}\n{here.report()}")
            raise
        finally:
            print(*here.told, sep="\n")
            promised.close()


def _lives(planned: Plan) -> list[Life]:
    return fleet(planned.lives, begun_us=_now_us() - HOUR_US, every_us=20_000, first=planned.seed * LIVES[1])


def _strike_all(here: Scene, planned: Plan, promised: Promised, random: Random) -> None:
    with ExitStack() as together:
        for strike in planned.strikes:
            promised.until_over(strike.after_s)
            here.tend()
            together.enter_context(_struck(here, strike, random))
            promised.until_over(strike.lasts_s)
            if not planned.at_once:
                together.close()


@contextmanager
def _struck(here: Scene, strike: Strike, random: Random) -> Iterator[None]:
    with strike.kind.begin(here, random):
        here.note(f"{strike.kind.name}: begun")
        yield
    here.note(f"{strike.kind.name}: mended")


def _now_us() -> int:
    return time.time_ns() // 1000  # noqa: TID251 - brokers stamp with the real time
