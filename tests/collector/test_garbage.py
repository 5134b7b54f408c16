"""Python's garbage collector in a process that collects: out of the way of batches, and not asleep."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from collector.cli.collecting import garbage_collected, tune_for_throughput
from tests.waiting import eventually


class Held:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


async def test_batches_in_hand_do_not_set_it_going_and_cycles_are_collected_by_the_clock() -> None:
    tune_for_throughput(50_000)
    runs = gc.get_stats()[0]["collections"]
    in_hand = [[number] for number in range(500_000)]
    assert gc.get_stats()[0]["collections"] == runs
    held = Held()
    ref = weakref.ref(held)
    del held, in_hand
    assert ref() is not None
    async with garbage_collected(every_s=0.01):
        assert await eventually(lambda: ref() is None)
