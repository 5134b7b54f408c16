"""What questions are compared with: the same asked of the table `events` alone, as whoever has only a log would ask.

No rollups, no sessions, no outages, and no index but the key. Not all that an answer holds: completeness, verdicts and
fates would take more queries. So the yardstick is kind to the raw events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, Select, case, func, select

from collector.store.tables import events

Statement = Callable[[int, Mapping[str, str]], Select[Any]]
"""The statement for a range that begins at a time (µs since 1970), and for what `examples` name."""

_of: Final = events.c


def _failure_codes(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    failed = (_of.event_at >= since_us, _of.type == "room.disconnected", _of.error_code.is_not(None))
    return select(_of.region, _of.error_code, func.count()).where(*failed).group_by(_of.region, _of.error_code)


def _affected(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    kinds = ("room.reconnecting", "room.reconnected", "room.disconnected")
    sums = [func.sum(case((_of.type == kind, 1), else_=0)) for kind in kinds]
    sessions = func.count(_of.session_id.distinct())
    return select(_of.region, sessions, *sums).where(_of.event_at >= since_us).group_by(_of.region)


def _kpis(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    sums = (func.count(), func.sum(_of.downtime_ms), func.sum(_of.attempts))
    within = _of.event_at >= since_us
    return (
        select(_of.type, _of.from_state, _of.error_code, *sums)
        .where(within)
        .group_by(_of.type, _of.from_state, _of.error_code)
    )


def _timeline(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    return select(events).where(_of.room_sid == examples["room_sid"]).order_by(_of.event_at)


def _sessions(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    began = func.min(_of.append_at)
    return (
        select(_of.session_id, began, func.max(_of.append_at), func.count())
        .where(_of.append_at >= since_us)
        .group_by(_of.session_id)
        .order_by(began.desc())
        .limit(50)
    )


def _session(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    return select(events).where(_of.session_id == UUID(examples["session_id"])).order_by(_of.seq)


STATEMENTS: Final[Mapping[str, Statement]] = {
    "/api/v1/breakdowns/failure-codes": _failure_codes,
    "/api/v1/breakdowns/affected": _affected,
    "/api/v1/kpis": _kpis,
    "/api/v1/rooms/{room_sid}/timeline": _timeline,
    "/api/v1/sessions": _sessions,
    "/api/v1/sessions/{session_id}": _session,
}
"""By the path of the route that answers the same."""


def timed(engine: Engine, statement: Select[Any], times: int) -> list[float]:
    """Seconds of each time that it was asked, until the last row is here. Asked once more before."""
    took = []
    for _ in range(times + 1):
        with engine.connect() as connection:
            began_s = time.perf_counter()
            connection.execute(statement).all()
            took.append(time.perf_counter() - began_s)
    return took[1:]
