"""Of each of some rooms the session that fared worst: what a list of rooms says of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, and_, case, func, select

from collector.store.reading import session_view
from collector.store.tables import sessions
from collector.store.views import SessionView

ROOMS_MAX: Final = 500
"""Rooms of one question: as many as a page of them holds."""

_OF: Final = sessions.c
# Who was told that it is over, who is not known to be well, who gave up, who never came in, who waits right now.
_WORST_FIRST: Final = case(
    (_OF.fate == "dropped", 0),
    (_OF.fate == "lost", 1),
    (_OF.fate == "abandoned", 2),
    (_OF.fate == "not_joined", 3),
    (and_(_OF.fate == "live", _OF.state == "reconnecting"), 4),
    else_=5,
)


def worst_sessions(connection: Connection, room_sids: Sequence[str]) -> dict[str, SessionView]:
    """By room: of sessions that ended alike the one that was reconnecting for longest, then the latest.

    A room that nobody told of is left out.
    """
    order = (_WORST_FIRST, _OF.reconnecting_ms.desc(), _OF.first_append_at.desc(), _OF.session_id)
    place = func.row_number().over(partition_by=_OF.room_sid, order_by=order).label("place")
    placed = select(_OF.session_id, place).where(_OF.room_sid.in_(room_sids[:ROOMS_MAX])).subquery("placed")
    rows = connection.execute(
        select(sessions).join(placed, placed.c.session_id == _OF.session_id).where(placed.c.place == 1)
    ).all()
    return {row.room_sid: session_view(row) for row in rows}
