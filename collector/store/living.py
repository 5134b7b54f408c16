"""Sessions that have not ended, looked at once for all that one look at the store wants to know of them.

A fleet that tells ten thousand events a second has a hundred thousand of them, and a page asks ten times: how many
there are, where, with which version, how much of what they sent has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from collector.store.questions import DIMENSIONS, EVERYONE, Span, Who
from collector.store.reading import GOING_ON, goes_on, matches
from collector.store.remembering import once
from collector.store.tables import sessions

WHOLE: Final[ColumnElement[int]] = case((sessions.c.received_more.is_(None), sessions.c.received_to), else_=0)
"""How many sequence numbers a session received, where there is no gap in them."""

_ALIKE: Final = ("fate", "state", *DIMENSIONS)


class Alike(NamedTuple):
    """Sessions that have not ended and have the same fate, state and client; times in µs."""

    fate: str
    state: str
    client: tuple[str | None, ...]
    """In the order of DIMENSIONS."""
    n: int
    whole: int
    """The sum of WHOLE."""
    told_from_us: int
    """When the broker was told last of the one that has been silent longest."""
    told_until_us: int
    """And of the one it was told of last."""
    began_until_us: int
    """When it was first told of the youngest."""


class GoingOn(NamedTuple):
    """Those of a span: how many, the sum of WHOLE, and when the broker was told last, in µs."""

    n: int
    whole: int
    newest: int | None


def living(connection: Connection, who: Who) -> Sequence[Alike]:
    """Those that filters leave which rollups keep too."""
    every = once(connection, "living", lambda: _living(connection))
    wanted = [(place, set(values)) for place, name in enumerate(DIMENSIONS) if (values := getattr(who, name))]
    return [one for one in every if all((one.client[place] or "") in values for place, values in wanted)]


def going_on(connection: Connection, span: Span, who: Who) -> GoingOn:
    """Those that the broker heard of in the span, of those that filters leave which rollups keep too."""
    those = living(connection, who)
    if _all_in(span, those):
        newest = max((one.told_until_us for one in those), default=None)
        return GoingOn(sum(one.n for one in those), sum(one.whole for one in those), newest)
    newest_told = func.max(sessions.c.last_append_at)
    asked = select(func.count(), func.coalesce(func.sum(WHOLE), 0), newest_told).where(goes_on(span), *matches(who))
    n, whole, newest = connection.execute(asked).one()
    return GoingOn(n, int(whole), newest)


def going_on_by_client(connection: Connection, span: Span) -> list[tuple[tuple[str | None, ...], int, int]]:
    """Those that the broker heard of in the span, by client as Alike has it: how many, and the sum of WHOLE."""
    those = living(connection, EVERYONE)
    if _all_in(span, those):
        return [(one.client, one.n, one.whole) for one in those]
    by = [sessions.c[name] for name in DIMENSIONS]
    rows = connection.execute(select(*by, func.count(), func.sum(WHOLE)).where(goes_on(span)).group_by(*by))
    return [(tuple(client), n, int(whole)) for *client, n, whole in rows]


def _all_in(span: Span, those: Sequence[Alike]) -> bool:
    """Whether goes_on() holds for each of them, as it does where a span ends now and is not of seconds."""
    return all(one.told_from_us >= span.since_us and one.began_until_us < span.until_us for one in those)


def _living(connection: Connection) -> tuple[Alike, ...]:
    of = sessions.c
    alike = [of[name] for name in _ALIKE]
    times = (func.min(of.last_append_at), func.max(of.last_append_at), func.max(of.first_append_at))
    rows = connection.execute(
        select(*alike, func.count(), func.sum(WHOLE), *times).where(of.fate.in_(GOING_ON)).group_by(*alike)
    ).all()
    return tuple(
        Alike(fate, state, tuple(client), n, int(whole), told_from_us, told_until_us, began_until_us)
        for fate, state, *client, n, whole, told_from_us, told_until_us, began_until_us in rows
    )
