"""Questions for whoever keeps accounts: how much is in the store, and whether the outages add up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, func, select

from collector.store.questions import OUTCOMES
from collector.store.tables import dead_letters, events, incidents, kafka_offsets, outages, sessions
from collector.store.views import Accounts

IDS_A_STATEMENT: Final = 500


def accounts(connection: Connection) -> Accounts:
    """What the store holds in all."""
    by_outcome = connection.execute(select(outages.c.outcome, func.count()).group_by(outages.c.outcome)).all()
    counted = {outcome: int(count) for outcome, count in by_outcome}
    return Accounts(
        sessions=connection.scalar(select(func.count()).select_from(sessions)) or 0,
        events=connection.scalar(select(func.count()).select_from(events)) or 0,
        dead_letters=connection.scalar(select(func.count()).select_from(dead_letters)) or 0,
        outages_opened=sum(counted.values()),
        outages_by_outcome={outcome: counted.get(outcome, 0) for outcome in OUTCOMES},
    )


def newest(connection: Connection) -> str:
    """A word that is another one after something was stored: where reading stands, and when an alert was last told of.

    Costs the rows of `kafka_offsets`, one a partition, and the end of an index.
    """
    stands = connection.scalar(select(func.sum(kafka_offsets.c.next_offset))) or 0
    told_at_us = connection.scalar(select(func.max(incidents.c.told_at))) or 0
    return f"{int(stands)}-{told_at_us}"


def events_of(connection: Connection, session_ids: Collection[UUID]) -> int:
    """How many events of these sessions are stored."""
    stored = 0
    ids = list(session_ids)
    for begin in range(0, len(ids), IDS_A_STATEMENT):
        some = ids[begin : begin + IDS_A_STATEMENT]
        query = select(func.count()).select_from(events).where(events.c.session_id.in_(some))
        stored += connection.scalar(query) or 0
    return stored
