"""An owner of partitions upon the reference store, for tests of what it takes, keeps and counts."""

from typing import Any, Final

from collector.ingest.cache import Bounds
from collector.ingest.partitions import Holder
from collector.ingest.taking import Batch
from tests.histories import Life, session_id
from tests.reference_store import ReferenceStore

TOPIC: Final = "room-session-events"


def a_life(number: int = 1) -> Life:
    life = Life(session_id(number)).connecting().later(300).connected().later(20_000).reconnecting().later(900)
    return life.reconnected().later(5_000).disconnected(reason="leave")


def holder(store: ReferenceStore, partitions: int = 1, sessions_max: int = 1_000, **settings: Any) -> Holder:
    one = Holder(TOPIC, store.load, bounds=Bounds(sessions_max), **settings)
    one.assign(dict.fromkeys(range(partitions), 0) | store.offsets(range(partitions)))
    return one


def put(store: ReferenceStore, one: Holder, batch: Batch) -> Batch:
    """Writes a batch and says so."""
    store.write(batch.changes)
    one.wrote(batch)
    return batch
