"""While a batch is taken, other threads have their turns, compiled or not: the event loop is one of them."""

import sys
import threading
from collections.abc import Iterator

import pytest

from collector.ingest.partitions import Holder
from tests.histories import START_US, Life, records, session_id
from tests.holding import holder
from tests.reference_store import ReferenceStore

SESSIONS = 2_000
TRIES = 20
"""A thread that the machine does not run cannot see anything."""


@pytest.fixture(autouse=True)
def _quick_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    yield
    sys.setswitchinterval(before)


def seen_while_taken(one: Holder) -> set[int]:
    """How many sessions another thread found in memory while a batch of them was taken."""
    lives = [Life(session_id(number)).connecting() for number in range(SESSIONS)]
    log, seen, is_taken = records(lives), set[int](), threading.Event()

    def look() -> None:
        while not is_taken.is_set():
            seen.add(one.cached[0])

    looking = threading.Thread(target=look)
    looking.start()
    one.take(log, START_US)
    is_taken.set()
    looking.join(timeout=60)
    assert not looking.is_alive()
    return seen


def test_another_thread_sees_a_batch_half_taken() -> None:
    assert any(seen_while_taken(holder(ReferenceStore())) - {0, SESSIONS} for _ in range(TRIES))
