"""The sessions behind what is said of telemetry: those that ended in a time or go on, whether they told all or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import ColumnElement, Connection, literal, select, tuple_

from collector.store.beside import meets
from collector.store.completeness import GAPPED, of_rows
from collector.store.questions import SessionFilters, Span
from collector.store.reader_sessions import Place
from collector.store.reading import CLOCK_OFF_US, ODD, STARTED, session_view, told_in, within
from collector.store.tables import sessions
from collector.store.views import SessionPage

Untold = Literal["yes", "gaps"]

_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """Which sessions: that ended in the span, or go on; `untold`: only those that events are missing of.

    `gaps`: only those of which some are missing before others that are here.

    `off_s`: only those whose clock was off by more than the first number of seconds, and by no more than the second;
    None: without end.
    """

    span: Span
    untold: Untold | None = None
    off_s: tuple[int | None, int | None] = (None, None)


def list_heard(
    connection: Connection,
    began: Span,
    heard: Heard,
    filters: SessionFilters,
    after: Place | None,
    limit: int,
    now_us: int,
) -> tuple[SessionPage, Place | None]:
    """Those of them that began in `began`, newest first. The caller makes `next` of the place."""
    append_at, session_id = order = (sessions.c.first_append_at, sessions.c.session_id)
    conditions = [
        told_in(heard.span, ODD if heard.untold else None),
        within(STARTED, began),
        *_narrowed(heard),
        *meets(connection, filters),
    ]
    if after is not None:
        place = tuple_(literal(after.first_append_at, append_at.type), literal(after.session_id, session_id.type))
        conditions.append(tuple_(*order) < place)
    rows = connection.execute(
        select(sessions).where(*conditions).order_by(append_at.desc(), session_id.desc()).limit(limit + 1)
    ).all()
    page = rows[:limit]
    following = Place(page[-1].first_append_at, page[-1].session_id) if len(rows) > limit else None
    items = tuple(session_view(row) for row in page)
    return SessionPage(items=items, next=None, completeness=of_rows(connection, page, now_us)), following


def _narrowed(heard: Heard) -> list[ColumnElement[bool]]:
    more_than, at_most = heard.off_s
    found: list[ColumnElement[bool]] = [GAPPED] if heard.untold == "gaps" else []
    found += [] if more_than is None else [more_than * _SECOND_US < CLOCK_OFF_US]
    found += [] if at_most is None else [at_most * _SECOND_US >= CLOCK_OFF_US]
    return found
