"""Events may leave the store at any moment: what comes again is known for a copy all the same. On both stores."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.store.changes import Changes
from collector.store.tables import events
from tests.contract.stored import Stored
from tests.histories import Sent
from tests.owners import MAY_DIFFER, TURNS, Turn, disorder, disorderly_run, orderly_run
from tests.reference_store import ReferenceStore


class Forgetful(Stored):
    """A store whose events leave with each write; every one that ever came is noted, once."""

    def __init__(self, store: Stored, came: set[tuple[UUID, int]]) -> None:
        super().__init__(store.engine)
        self._came = came

    def write(self, changes: Changes) -> None:
        super().write(changes)
        keys = {(row[0], row[1]) for row in self.rows(events)}
        assert not keys & self._came
        self._came |= keys
        with self.engine.begin() as connection:
            connection.execute(events.delete())


def told(store: ReferenceStore | Stored) -> dict[str, Any]:
    """All that stays, and must not depend on order."""
    tables = store.tables(without=MAY_DIFFER)
    return {"sessions": tables["sessions"], "outages": tables["outages"], "rollups": store.rollups}


@given(disorder(), TURNS, st.integers(1, 4))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,  # each example empties the store
    ],
)
def test_no_event_comes_twice_into_a_store_that_has_forgotten_it_and_all_else_is_the_references(
    store: Stored, sent: tuple[list[Sent], list[Sent]], turns: list[Turn], sessions_max: int
) -> None:
    in_order, shuffled = sent
    store.clear()
    reference, came = ReferenceStore(), set[tuple[UUID, int]]()
    orderly_run(reference, in_order)
    disorderly_run(lambda: Forgetful(store, came), shuffled, turns, sessions_max)
    assert told(store) == told(reference)
    assert came == set(reference.events)
