"""Rounds of faults against real brokers, a real database and collectors as processes.

ROOMWATCH_FAULTS_SEED begins with another seed than chance does, ROOMWATCH_FAULTS_ROUNDS says how many rounds there are.
A round that failed tells its seed: with that and one round, it is played again.
"""

import logging
import os
from typing import Final

import pytest

from tests.faults.kinds import KINDS
from tests.faults.rounds import plan, play
from tests.faults.scenes import Scenes

ROUNDS: Final = int(os.environ.get("ROOMWATCH_FAULTS_ROUNDS") or 25)  # noqa: TID251 - as said above

log = logging.getLogger(__name__)

# One worker plays them all: a cluster for each would take longer to start than it saves.
pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600)]


def test_rounds_in_a_row_go_through_all_kinds_of_faults() -> None:
    struck = {strike.kind.name for seed in range(7, 7 + len(KINDS)) for strike in plan(seed).strikes}
    assert struck == {kind.name for kind in KINDS}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_after_any_faults_every_promised_event_is_stored_exactly_once(
    number: int, first_seed: int, scenes: Scenes
) -> None:
    planned = plan(first_seed + number)
    log.info(planned)
    with scenes.round_of(planned.seed) as scene:
        play(scene, planned)
        log.info("%s", "\n".join(scene.told))
        assert scene.promised
