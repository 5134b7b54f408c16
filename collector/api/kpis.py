"""The key figures over HTTP, of one range or of two."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from collector.api.breakdown_filters import ClientsQuery
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import RANGE_MAX_US, Time, moment_of, span_of
from collector.api.problems import problems
from collector.errors import BadFilter
from collector.store.questions import Span
from collector.store.reading import minutes
from collector.store.views_kpis import Kpis
from collector.times import moment_us

router = APIRouter(prefix="/kpis", tags=["kpis"], route_class=FieldsRoute)

PREVIOUS: Final = "previous"


class KpisQuery(ClientsQuery):
    """A range, filters, and the range to compare it with."""

    compare: Annotated[str, StringConstraints(max_length=10, pattern=r"^(previous|-[0-9]{1,6}[smhdw])$")] | None = (
        Field(
            default=None,
            description="previous: the range as long before this one; -7d: this range so much earlier.",
            examples=["previous"],
        )
    )
    compare_since: Time | None = Field(default=None, description="The range to compare with, where it is another.")
    compare_until: Time | None = Field(default=None, description="Its end; without it, it is as long as this range.")

    def other(self, span: Span, now_us: int) -> Span | None:
        """The range to compare with, in whole minutes. Raises BadFilter where it and `span` overlap."""
        whole = minutes(span)
        other = self._other(whole, now_us)
        if other is None:
            return None
        name, value = ("compare", self.compare) if self.compare else ("compare_since", self.compare_since or "")
        if other.until_us - other.since_us > RANGE_MAX_US:
            raise BadFilter(name, value, "makes a range longer than 31 days; ask for less at once")
        if other.since_us < whole.until_us and whole.since_us < other.until_us:
            raise BadFilter(name, value, "makes a range that overlaps with the one that is asked for; take another")
        return other

    def _other(self, whole: Span, now_us: int) -> Span | None:
        length_us = whole.until_us - whole.since_us
        if self.compare_since is not None:
            if self.compare is not None:
                raise BadFilter("compare", self.compare, "and compare_since both name a range; take one of them")
            if self.compare_until is not None:
                names = ("compare_since", "compare_until")
                return minutes(span_of(self.compare_since, self.compare_until, now_us, zone=self.zone(), names=names))
            since_us = moment_of("compare_since", self.compare_since, now_us, self.zone())
            return minutes(Span(since_us, since_us + length_us))
        if self.compare_until is not None:
            raise BadFilter("compare_until", self.compare_until, "needs compare_since")
        if self.compare is None:
            return None
        back_us = length_us if self.compare == PREVIOUS else -moment_us(self.compare, 0)
        return minutes(Span(whole.since_us - back_us, whole.until_us - back_us))


@router.get("", responses=problems())
def read_kpis(query: Annotated[KpisQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Kpis:
    """Every key figure with numerator, denominator and, where it is a share, an interval; of whole minutes.

    With `compare` or `compare_since` each stands beside the same figure of another range, with their difference and
    whether that is more than chance.
    """
    span = query.short_enough(query.span(now_us), "ended")
    other = query.other(span, now_us)
    if other is not None:
        query.short_enough(other, "ended")
    return reader.kpis(span, query.clients(), compare=other, now_us=now_us)
