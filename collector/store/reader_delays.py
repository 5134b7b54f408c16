"""How long events took from the client to the broker and from there to the store, by those of the newest sessions.

The rows themselves are asked, as far as events are kept; what is looked at is bounded, so that a range of days costs
what one of minutes does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from collector.store.questions import Span, Who
from collector.store.ranks import rank_of
from collector.store.reading import bounded, correction_us, matches
from collector.store.tables import events, sessions

NEWEST_SESSIONS: Final = 200
NEWEST_EVENTS: Final = 2_000


class Took(NamedTuple):
    """Of the same events, the shortest first, in µs."""

    to_broker: Sequence[int]
    to_store: Sequence[int]


def delays(connection: Connection, span: Span, who: Who = Who()) -> Took:  # noqa: B008 - frozen
    """Of the newest sessions that began in the span."""
    began = sessions.c.first_append_at
    latest = (
        select(sessions.c.session_id, sessions.c.clock_offset_us)
        .where(began >= bounded(span.since_us), began < bounded(span.until_us), *matches(who))
        .order_by(began.desc())
        .limit(NEWEST_SESSIONS)
        .subquery()
    )
    rows = connection.execute(
        select(events.c.event_at, events.c.append_at, events.c.stored_at, latest.c.clock_offset_us)
        .join_from(latest, events, events.c.session_id == latest.c.session_id)
        .limit(NEWEST_EVENTS)
    ).all()
    # Broker and client are two clocks: within the tolerance an event may seem to have come before it was told.
    to_broker = (max(0, row.append_at - row.event_at - correction_us(row.clock_offset_us)) for row in rows)
    to_store = (max(0, row.stored_at - row.append_at) for row in rows)
    return Took(sorted(to_broker), sorted(to_store))


def rank_ms(ordered: Sequence[int], percent: int) -> int | None:
    """The percentile by the nearest rank. None where there is nothing."""
    return ordered[rank_of(len(ordered), percent) - 1] // 1_000 if ordered else None
