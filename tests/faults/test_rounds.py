"""Rounds of faults against real brokers, a real database and collectors as processes.

ROOMWATCH_FAULTS_SEED begins with another seed than chance does, ROOMWATCH_FAULTS_ROUNDS says how many rounds there are.
A round that failed tells its seed: with that and one round, it is played again.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import pytest

from collector.store.stretches import Stretches
from tests.faults.kinds import KINDS
from tests.faults.rounds import now_us, plan, play
from tests.faults.scene import Scene
from tests.faults.scenes import Scenes
from tests.faults.summing import AHEAD_US
from tests.faults.verdict import assert_exactly_once

ROUNDS: Final = int(os.environ.get("ROOMWATCH_FAULTS_ROUNDS") or 25)  # noqa: TID251 - as said above

COUNTED: Final = (
    ("events", "seq"),
    ("sessions", "connected_ms"),
    ("outages", "attempts"),
    ("rollups", "n"),
    ("rollup_fives", "n"),
    ("rollup_hours", "n"),
    ("kafka_offsets", "next_offset"),
)

log = logging.getLogger(__name__)

# One worker plays them all: a cluster for each would take longer to start than it saves.
pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600)]


def test_rounds_in_a_row_go_through_all_kinds_of_faults() -> None:
    struck = {strike.kind.name for seed in range(7, 7 + len(KINDS)) for strike in plan(seed).strikes}
    assert struck == {kind.name for kind in KINDS}


def test_the_verdict_notices_whatever_is_changed_in_the_store(first_seed: int, scenes: Scenes) -> None:
    quiet = plan(first_seed)._replace(strikes=())
    with scenes.round_of(first_seed) as scene:
        play(scene, quiet)
        with scene.at_rest():
            Stretches(scene.engine).sum_up(now_us() + AHEAD_US)
            for table, column in COUNTED:
                with changed(scene, table, column), pytest.raises(AssertionError):
                    assert_exactly_once(scene, set(), now_us)
            assert_exactly_once(scene, set(), now_us)
            with pytest.raises(AssertionError):
                assert_exactly_once(scene, {(UUID(int=1), 0)}, now_us)
            scene.promised.discard((UUID(int=1), 0))


@contextmanager
def changed(scene: Scene, table: str, column: str) -> Iterator[None]:
    def add(number: int) -> None:
        with scene.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} + %s", (number,))

    add(1000)
    yield
    add(-1000)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_after_any_faults_every_promised_event_is_stored_exactly_once(
    number: int, first_seed: int, scenes: Scenes
) -> None:
    planned = plan(first_seed + number)
    log.info(planned)
    with scenes.round_of(planned.seed) as scene:
        played = len(scene.told)
        play(scene, planned)
        log.info("%s", "\n".join(scene.told[played:]))
        assert scene.promised
