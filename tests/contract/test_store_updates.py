"""An ordinary event changes a session's row in its place: PostgreSQL writes to none of the row's indexes."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from sqlalchemy import Engine, text

from collector.store.changes import SESSION_COLUMNS, SessionRow
from collector.store.engine import make_engine
from tests.contract.stored import NOW_US, Stored
from tests.histories import Life, ended_us, log_of, session_id
from tests.holding import holder
from tests.reference_store import ReferenceStore
from tests.waiting import wait_until

INDEXED: Final = text(
    "SELECT DISTINCT attname FROM pg_index JOIN pg_depend ON objid = indexrelid AND refobjid = indrelid"
    " JOIN pg_attribute ON attrelid = indrelid AND attnum = refobjsubid"
    " WHERE indrelid = 'sessions'::regclass"
)
UPDATES: Final = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'")


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Iterator[Engine]:
    engine = make_engine(postgresql_url)
    yield engine
    engine.dispose()


def _joined() -> Life:
    return Life(session_id(1)).connecting().later(300).connected().later(20_000)


def _whole_outage(life: Life) -> Life:
    return life.reconnecting().later(900).reconnected()


ORDINARY: Final[dict[str, Callable[[Life], Life]]] = {
    "somebody else came": Life.participant,
    "a sign of life": Life.alive,
    "an outage": _whole_outage,
}


def _rows(life: Life, *, split: int) -> list[SessionRow]:
    """The session's row after so many of its events, and after the rest of them."""
    one, log = holder(ReferenceStore()), log_of(life.sent)
    batches = [one.take(some, ended_us([life])) for some in (log[:split], log[split:])]
    return [batch.changes.sessions[0] for batch in batches]


@pytest.mark.parametrize("what", ORDINARY)
def test_no_index_holds_what_an_ordinary_event_changes(on_postgresql: Engine, what: str) -> None:
    life = _joined()
    told = len(life.sent)
    ORDINARY[what](life)
    before, after = _rows(life, split=told)
    changed = {name for name, *both in zip(SESSION_COLUMNS, before, after, strict=True) if both[0] != both[1]}
    with on_postgresql.connect() as connection:
        indexed = set(connection.execute(INDEXED).scalars())
    assert {"room_sid", "fate", "told_until", "correction_us"} < indexed
    assert {"version", "last_append_at"} < changed
    assert (changed | {"clock_offset_us"}) & indexed == set()


def test_postgresql_updates_the_row_in_its_place(on_postgresql: Engine) -> None:
    life = _joined()
    told = len(life.sent)
    log = log_of(life.participant().alive().sent)
    store = Stored(on_postgresql)
    one = holder(store)  # type: ignore[arg-type]
    for some in (log[:told], log[told:]):
        batch = one.take(some, NOW_US)
        store.write(batch.changes)
        one.wrote(batch)
    on_postgresql.dispose()  # a server's process tells what it did when it ends, if not before

    def updates() -> list[int]:
        with on_postgresql.connect() as connection:
            return list(connection.execute(UPDATES).one())

    wait_until(lambda: sum(updates()) > 0)
    assert updates() == [1, 1]
