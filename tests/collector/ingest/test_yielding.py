"""While a batch is taken or let go other threads have their turns, compiled or not: the event loop is one of them."""

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from collector.ingest.partitions import Holder
from collector.ingest.yielding import let_go
from tests.histories import START_US, Life, records, session_id
from tests.holding import holder
from tests.reference_store import ReferenceStore

SESSIONS = 2_000
OBJECTS = 100_000
TRIES = 20
"""A thread that the machine does not run cannot see anything."""


@pytest.fixture(autouse=True)
def _quick_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    yield
    sys.setswitchinterval(before)


def seen_while(work: Callable[[], object], look: Callable[[], int]) -> set[int]:
    """What another thread saw while the work was done."""
    seen, is_done = set[int](), threading.Event()

    def see() -> None:
        while not is_done.is_set():
            seen.add(look())

    seeing = threading.Thread(target=see)
    seeing.start()
    work()
    is_done.set()
    seeing.join(timeout=60)
    assert not seeing.is_alive()
    return seen


def seen_while_taken(one: Holder) -> set[int]:
    """How many sessions another thread found in memory while a batch of them was taken."""
    log = records([Life(session_id(number)).connecting() for number in range(SESSIONS)])
    return seen_while(lambda: one.take(log, START_US), lambda: one.cached[0])


def seen_while_let_go() -> set[int]:
    """How many objects another thread found in a list while it was let go."""
    items = [[number] for number in range(OBJECTS)]
    seen = seen_while(lambda: let_go(items), lambda: len(items))
    assert items == []
    return seen


def test_another_thread_sees_a_batch_half_taken() -> None:
    assert any(seen_while_taken(holder(ReferenceStore())) - {0, SESSIONS} for _ in range(TRIES))


def test_another_thread_sees_a_batch_half_let_go() -> None:
    assert any(seen_while_let_go() - {0, OBJECTS} for _ in range(TRIES))
