"""The list of outages, in order of their beginning or of how long they took, and one of them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, and_, literal, select, tuple_

from collector.errors import OutageNotFound
from collector.store.completeness import of_rows
from collector.store.functions import Unindexed
from collector.store.questions import OutageFilters, OutageSort, Span
from collector.store.reading import AnyRow, bounded, client_view, matches, opened_in, outage_view
from collector.store.tables import outages, sessions
from collector.store.views_lists import OutageItem, OutagePage, OutageStory

_OF_ITS_SESSION: Final = (
    "room_sid", "room_name", "participant_sid", "identity", "fate", "ended_at", "clock_offset_us",
    "sdk", "sdk_version", "app_version", "platform", "network_type", "region", "media_region",
    "first_append_at", "last_append_at", "received_to", "received_more", "lost",
)  # fmt: skip


class OutagePlace(NamedTuple):
    """Where a page of outages ends. `at` is what they are ordered by: µs since 1970, or ms."""

    at: int
    session_id: UUID
    number: int


def list_outages(
    connection: Connection,
    span: Span,
    filters: OutageFilters,
    sort: OutageSort,
    after: OutagePlace | None,
    limit: int,
    now_us: int,
) -> tuple[OutagePage, OutagePlace | None]:
    """Outages that opened in the span. The caller makes `next` of the place.

    Through outages_opened, or outages_downtime where they are sorted by that. How long an outage took can grow while
    it is open: one that does may be seen on two pages.
    """
    by, there = outages.c.opened_at, opened_in(span)
    if sort == "-downtime_ms":
        at, moment_type = Unindexed(outages.c.opened_at), outages.c.opened_at.type
        since, until = (literal(bounded(at_us), moment_type) for at_us in (span.since_us, span.until_us))
        by, there = outages.c.downtime_ms, and_(at >= since, at < until)
    down, order = sort.startswith("-"), (by, outages.c.session_id, outages.c.number)
    statement = _select().where(there, *matches(filters))
    if after is not None:
        place = (literal(value, key.type) for value, key in zip((bounded(after.at), *after[1:]), order, strict=True))
        statement = statement.where(tuple_(*order) < tuple_(*place) if down else tuple_(*order) > tuple_(*place))
    rows = connection.execute(
        statement.order_by(*(key.desc() if down else key for key in order)).limit(limit + 1)
    ).all()
    page = rows[:limit]
    items = tuple(_item(row) for row in page)
    its_sessions = list({row.session_id: row for row in page}.values())
    following = None
    if len(rows) > limit:
        last = page[-1]
        following = OutagePlace(getattr(last, by.name), last.session_id, last.number)
    return OutagePage(items=items, next=None, completeness=of_rows(connection, its_sessions, now_us)), following


def read_outage(connection: Connection, session_id: UUID, number: int, now_us: int) -> OutageStory:
    """One outage, by its key. Raises OutageNotFound."""
    statement = _select().where(outages.c.session_id == session_id, outages.c.number == number)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise OutageNotFound(session_id, number)
    return OutageStory(outage=_item(row), completeness=of_rows(connection, [row], now_us))


def _select() -> Select[Any]:
    facts = (sessions.c[name] for name in _OF_ITS_SESSION)
    return select(outages, *facts).join(sessions, sessions.c.session_id == outages.c.session_id)


def _item(row: AnyRow) -> OutageItem:
    told = outage_view(row, row.clock_offset_us, row.ended_at)
    return OutageItem(
        **dict(told),
        room_sid=row.room_sid,
        room_name=row.room_name,
        participant_sid=row.participant_sid,
        identity=row.identity,
        client=client_view(row),
        fate=row.fate,
    )
