"""The property of the merge, on the real stores: whatever the order, whoever owns, the tables are the reference's."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.stored import Stored
from tests.histories import Sent
from tests.owners import MAY_DIFFER, TURNS, Turn, disorder, disorderly_run, orderly_run
from tests.reference_store import ReferenceStore, rollups_of

REAL = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,  # each example empties the store
    ],
)


def told(store: ReferenceStore | Stored) -> dict[str, Any]:
    """All that must not depend on order."""
    return {**store.tables(without=MAY_DIFFER), "rollups": store.rollups, "offsets": store.stored_offsets}


@given(disorder(), TURNS, st.integers(1, 4))
@REAL
def test_any_order_repetition_split_and_ownership_gives_the_tables_of_the_reference(
    store: Stored, sent: tuple[list[Sent], list[Sent]], turns: list[Turn], sessions_max: int
) -> None:
    in_order, shuffled = sent
    store.clear()
    reference = ReferenceStore()
    orderly_run(reference, in_order)
    disorderly_run(lambda: Stored(store.engine), shuffled, turns, sessions_max)
    assert told(store) == told(reference)
    tables = store.tables()
    assert told(store)["rollups"] == rollups_of(tables["sessions"].values(), tables["outages"].values())
