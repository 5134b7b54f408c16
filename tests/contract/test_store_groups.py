"""Rollups are a plain GROUP BY over the events, in whatever order and how often those came. On both stores.

Told of whole lives, of which no event was lost: then events alone say all that rollups count, and nothing is inferred.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Connection, func, literal, select

from collector.ingest.cache import Bounds
from collector.ingest.partitions import Holder
from collector.store.functions import EpochUs
from collector.store.tables import events, rollups
from tests.contract.stored import NOW_US, TOPIC, Stored
from tests.histories import MINUTE_US, Sent, fleet, log_of

WHOLE: Final = [life for life in fleet(50) if not life._lost]
SENT: Final[list[Sent]] = [sent for life in WHOLE for sent in life.sent]
TERMINAL: Final = ("room.disconnected", "room.connect_failed")
CLOSING: Final = ("room.disconnected", "room.reconnected")

Counts = dict[tuple[str, int, int], int]
"""How many, by kind, minute and code."""


def of_events(connection: Connection) -> Counts:
    """Counted from the events, each kind by itself."""
    e = events.c
    no_code, code = literal(-1), func.coalesce(e.error_code, -1)
    began = select(EpochUs(func.min(e.event_at)).label("at")).group_by(e.session_id).subquery()
    opened = (
        select(EpochUs(func.min(e.event_at)).label("at"))
        .where(e.outage_number.is_not(None))
        .group_by(e.session_id, e.outage_number)
        .subquery()
    )
    asked: dict[str, tuple[ColumnElement[Any], ColumnElement[int], list[ColumnElement[bool]]]] = {
        "started": (began.c.at, no_code, []),
        "joined": (EpochUs(e.event_at), no_code, [e.type == "room.connected"]),
        "outage": (opened.c.at, no_code, []),
        "outage_ended": (EpochUs(e.event_at), code, [e.outage_number.is_not(None), e.type.in_(CLOSING)]),
        "ended": (EpochUs(e.event_at), code, [e.type.in_(TERMINAL)]),
    }
    counted = {}
    for kind, (at, by, conditions) in asked.items():
        columns = ((at // MINUTE_US).label("minute"), by.label("code"))
        rows = connection.execute(select(*columns, func.count()).where(*conditions).group_by("minute", "code"))
        counted.update({(kind, minute, of): n for minute, of, n in rows})
    return counted


def of_rollups(connection: Connection) -> Counts:
    """The sums of what is kept."""
    of = rollups.c
    rows = connection.execute(select(of.kind, of.minute, of.code, func.sum(of.n)).group_by(of.kind, of.minute, of.code))
    return {(kind, minute, code): int(n) for kind, minute, code, n in rows}


@given(st.randoms(use_true_random=False), st.integers(1, 150), st.integers(1, 30))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,  # each example empties the store
    ],
)
def test_any_order_and_repetition_of_whole_lives_is_counted_as_their_events_are(
    store: Stored, random: Random, at_once: int, sessions_max: int
) -> None:
    store.clear()
    store = Stored(store.engine)  # whose writer knows of no offsets yet
    sent = SENT + random.sample(SENT, len(SENT) // 5)
    random.shuffle(sent)
    holder = Holder(TOPIC, store.load, bounds=Bounds(sessions_max))
    holder.assign({0: 0})
    log = log_of(sent)
    for first in range(0, len(log), at_once):
        batch = holder.take(log[first : first + at_once], NOW_US)
        store.write(batch.changes)
        holder.wrote(batch)
    with store.engine.connect() as connection:
        expected = of_events(connection)
        assert of_rollups(connection) == expected
    totals: Counter[str] = Counter()
    for (kind, _, _), n in expected.items():
        totals[kind] += n
    assert totals["started"] == len(WHOLE)
    assert min(totals[kind] for kind in ("joined", "outage", "outage_ended", "ended")) > len(WHOLE) // 10
