"""A window on a timeline: what one sees of it, and where its buttons lead. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from collector.api.words import iso
from collector.errors import BadFilter
from collector.store.questions import Span
from session_core.instants import utc_from_us

SHORTEST_US: Final = 1_000_000
"""Below a second there is nothing to tell apart."""


class Step(NamedTuple):
    """A button: its key on the keyboard, what it is called, and the query that it leads to.

    That is None where it would do nothing.
    """

    name: str
    key: str
    says: str
    query: str | None


class Window(NamedTuple):
    """What is seen of a whole."""

    span: Span
    zoomed: bool
    steps: tuple[Step, ...]

    @property
    def since(self) -> datetime:
        """Its begin."""
        return utc_from_us(self.span.since_us)

    @property
    def until(self) -> datetime:
        """Its end."""
        return utc_from_us(self.span.until_us)


def window(whole: Span, since_us: int | None, until_us: int | None) -> Window:
    """What is seen where one asks for this stretch of the whole, cut to it. Raises BadFilter for none at all."""
    begin = whole.since_us if since_us is None else since_us
    end = whole.until_us if until_us is None else until_us
    if begin >= end:
        raise BadFilter("from", str(begin), "is not before the end of what is to be seen")
    span = _within(whole, begin, end)
    zoomed = span != whole
    return Window(span, zoomed, _steps(whole, span, zoomed=zoomed))


def query_of(span: Span) -> str:
    """The query that asks for a stretch, to the millisecond."""
    return f"?from={iso(utc_from_us(span.since_us))}&to={iso(utc_from_us(span.until_us))}"


def _steps(whole: Span, span: Span, *, zoomed: bool) -> tuple[Step, ...]:
    length = span.until_us - span.since_us
    middle = span.since_us + length // 2
    closer = _within(whole, middle - length // 4, middle + length // 4)
    wider = _within(whole, middle - length, middle + length)
    earlier = _within(whole, span.since_us - length // 2, span.until_us - length // 2)
    later = _within(whole, span.since_us + length // 2, span.until_us + length // 2)
    return (
        Step("earlier", "ArrowLeft", "Earlier", _unless(earlier, span, whole)),
        Step("later", "ArrowRight", "Later", _unless(later, span, whole)),
        Step("closer", "+", "Zoom in", _unless(closer, span, whole)),
        Step("wider", "-", "Zoom out", _unless(wider, span, whole)),
        Step("whole", "0", "Whole room", "?" if zoomed else None),
    )


def _unless(there: Span, here: Span, whole: Span) -> str | None:
    return None if there == here else "?" if there == whole else query_of(there)


def _within(whole: Span, begin: int, end: int) -> Span:
    """A stretch of that length that lies in the whole, moved where it would reach beyond."""
    length = min(max(end - begin, SHORTEST_US), whole.until_us - whole.since_us)
    begin = min(max(begin, whole.since_us), whole.until_us - length)
    # Addresses hold milliseconds; so do windows, so that one that is asked for again is the same.
    return whole if length == whole.until_us - whole.since_us else Span(begin, begin + length)
