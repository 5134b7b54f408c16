"""What a verdict on a session is made of: its own story, and what happened to others at the same time."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from collector.store.beside import Compared, decided_at_us, deciding, others_at_once, others_in_an_hour
from collector.store.reader_sessions import read_session
from collector.store.reading import moment
from collector.store.views import EventView, OutageView, SessionStory
from collector.store.views_around import Around, Case, Others
from session_core.instants import us_from_utc

EVENTS_MAX: Final = 500
NETWORK_US: Final = 15_000_000


def read_case(connection: Connection, session_id: UUID, now_us: int) -> Case:
    """The case of a session. Raises SessionNotFound."""
    story = read_session(connection, session_id, None, EVENTS_MAX, now_us)
    outage = deciding(story.outages)
    at_us = decided_at_us(story.session, outage)
    return Case(
        story=story,
        outage=outage,
        around=None if at_us is None else _around(connection, story, outage, at_us),
        networks=() if at_us is None else _networks(story.events, at_us),
        rejoined=story.next_session_id,
        completeness=story.completeness,
    )


def _around(connection: Connection, story: SessionStory, outage: OutageView | None, at_us: int) -> Around:
    its = story.session
    room, region, elsewhere = _groups(connection, others_at_once(its, at_us))
    version = other_versions = Others(hit=0, there=0)
    if outage is not None and outage.cause is not None:
        version, other_versions = _groups(connection, others_in_an_hour(its, at_us, outage.cause))
    return Around(
        at=moment(at_us),
        room=room,
        region=region,
        elsewhere=elsewhere,
        version=version,
        other_versions=other_versions,
    )


def _groups(connection: Connection, others: Compared) -> tuple[Others, ...]:
    counted = (column for group in others.groups.values() for column in _counted(group, others.hit))
    return _pairs(connection.execute(select(*counted).where(others.there)).one())


def _counted(group: ColumnElement[bool], hit: ColumnElement[bool]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """How many of a group were hit, and how many there were."""
    return (
        func.coalesce(func.sum(case((and_(group, hit), 1), else_=0)), 0),
        func.coalesce(func.sum(case((group, 1), else_=0)), 0),
    )


def _pairs(row: Any) -> tuple[Others, ...]:
    numbers = [int(number) for number in row]
    return tuple(Others(hit=hit, there=there) for hit, there in zip(numbers[::2], numbers[1::2], strict=True))


def _networks(told: tuple[EventView, ...], at_us: int) -> tuple[str, ...]:
    """The types of network that were told last before the moment, and shortly after it, without repetition."""
    before = [one for one in told if us_from_utc(one.at) < at_us and one.network_type]
    after = [one for one in told if at_us <= us_from_utc(one.at) < at_us + NETWORK_US and one.network_type]
    return tuple(dict.fromkeys(str(one.network_type) for one in (*before[-1:], *after)))
