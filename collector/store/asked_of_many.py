"""Questions about many calls at once: how often, since when, for whom. Part of the Reader."""

from __future__ import annotations

from collector.store import (
    reader_blast,
    reader_breakdowns,
    reader_explore,
    reader_incidents,
    reader_kpis,
    reader_outages,
    reader_releases,
    reader_rollups,
    reader_telemetry,
)
from collector.store.completeness import of_span
from collector.store.looking import Looking
from collector.store.names import as_told
from collector.store.questions import (
    ANY_INCIDENT,
    ANY_NAME,
    EVERYONE,
    By,
    Dimension,
    IncidentFilters,
    NamedFilters,
    Phase,
    Span,
    Spread,
    Who,
    Words,
)
from collector.store.questions_explore import ANY_OUTAGE as ANY_EXPLORED
from collector.store.questions_explore import ExploreFilters
from collector.store.reader_breakdowns import Split
from collector.store.reader_incidents import IncidentPlace
from collector.store.reading import moment
from collector.store.views import AffectedBy, BlastRadius, FailureCodes, Fleet, LatestOutages, OutageBuckets
from collector.store.views_breakdowns import Breakdown
from collector.store.views_explore import Explored, TimeToReconnect
from collector.store.views_incidents import IncidentPage, IncidentStory, IncidentView
from collector.store.views_kpis import Kpis
from collector.store.views_lists import RangeCompleteness
from collector.store.views_releases import ReleaseDimension, Releases
from collector.store.views_telemetry import Telemetry


class OfMany(Looking):
    """Counts, shares and figures, and how far they can be trusted."""

    def fleet(self) -> Fleet:
        """Who is in a room now."""
        return self._ask(reader_outages.fleet)

    def latest_outages(self, span: Span, who: Who = EVERYONE, *, limit: int = 50, now_us: int) -> LatestOutages:
        """Outages that opened in the span, the newest first."""
        return self._ask(reader_outages.latest_outages, span, who, limit, now_us)

    def outage_buckets(self, span: Span, who: Who = EVERYONE, *, bucket_us: int) -> OutageBuckets:
        """Outages that opened in the span, by time and outcome."""
        return self._ask(reader_outages.outage_buckets, span, who, bucket_us)

    def explore(
        self,
        span: Span,
        filters: ExploreFilters = ANY_EXPLORED,
        *,
        bucket_us: int,
        looked_at_max: int = reader_explore.LOOKED_AT_MAX,
        now_us: int,
    ) -> Explored:
        """Outages that began in the span, counted in every way. `bucket_us`: how long each stretch of the trend is."""
        return self._ask(reader_explore.explore, span, filters, bucket_us, looked_at_max, now_us)

    def time_to_reconnect(self, span: Span, filters: ExploreFilters = ANY_EXPLORED, *, now_us: int) -> TimeToReconnect:
        """How long outages lasted that began in the span."""
        return self._ask(reader_explore.time_to_reconnect, span, filters, now_us)

    def failure_codes(
        self,
        span: Span,
        who: Who = EVERYONE,
        *,
        phase: Phase | None = None,
        by: tuple[By, ...] = (),
        bucket_us: int | None = None,
        limit: int = 20,
        code: int | None = None,
        now_us: int,
    ) -> FailureCodes:
        """Sessions that failed, by code, or with one. `bucket_us` is of whole minutes; `limit` is of values."""
        split = Split(by, bucket_us, limit)
        return self._ask(reader_breakdowns.failure_codes, span, who, phase, split, now_us, code)

    def breakdown(
        self,
        what: Words,
        span: Span,
        who: Who = EVERYONE,
        *,
        phase: Phase | None = None,
        by: tuple[By, ...] = (),
        bucket_us: int | None = None,
        limit: int = 20,
        now_us: int,
    ) -> Breakdown:
        """Causes, outcomes or fates. `bucket_us` is a number of whole minutes; `limit` is of values."""
        split = Split(by, bucket_us, limit)
        return self._ask(reader_breakdowns.breakdown, what, span, who, phase, split, now_us)

    def affected(self, span: Span, who: Who = EVERYONE, *, by: Dimension, now_us: int) -> AffectedBy:
        """Which regions or versions are hit."""
        return self._ask(reader_rollups.affected, span, who, by, now_us)

    def blast_radius(self, span: Span, who: Who = EVERYONE, *, by: Spread, now_us: int) -> BlastRadius:
        """How far trouble spread in ten seconds."""
        return self._ask(reader_blast.blast_radius, span, who, by, now_us)

    def kpis(self, span: Span, who: Who = EVERYONE, *, compare: Span | None = None, now_us: int) -> Kpis:
        """Every figure of the span, beside those of the one to `compare` with."""
        return self._ask(reader_kpis.kpis, span, who, compare, now_us)

    def releases(self, span: Span, who: Who = EVERYONE, *, by: ReleaseDimension, now_us: int) -> Releases:
        """Whether a version is worse than all others at the same time."""
        return self._ask(reader_releases.releases, span, who, by, now_us)

    def incidents(
        self,
        span: Span,
        filters: IncidentFilters = ANY_INCIDENT,
        *,
        after: IncidentPlace | None = None,
        limit: int = 50,
        now_us: int,
    ) -> tuple[IncidentPage, IncidentPlace | None]:
        """Incidents that went on in the span, and the place where the page after this one begins."""
        return self._ask(reader_incidents.list_incidents, span, filters, after, limit, now_us)

    def told_incidents(
        self,
        span: Span,
        filters: IncidentFilters = ANY_INCIDENT,
        *,
        after: IncidentPlace | None = None,
        limit: int = 50,
    ) -> tuple[tuple[IncidentView, ...], IncidentPlace | None]:
        """The same incidents alone: how complete the span is takes a look at all of its sessions."""
        return self._ask(reader_incidents.told_incidents, span, filters, after, limit)

    def incident(self, place: IncidentPlace, *, now_us: int) -> IncidentStory:
        """One incident and whom it hit. Raises IncidentNotFound."""
        return self._ask(reader_incidents.read_incident, place, now_us)

    def completeness(self, span: Span, filters: NamedFilters = ANY_NAME, *, now_us: int) -> RangeCompleteness:
        """How complete telemetry of the span is."""
        told = self._ask(of_span, span, as_told(filters, self._hashed), now_us)
        return RangeCompleteness(since=moment(span.since_us), until=moment(span.until_us), completeness=told)

    def telemetry(self, span: Span, *, bucket_us: int, now_us: int) -> Telemetry:
        """Whether what the store says of the span can be trusted. `bucket_us`: how long each stretch of time is."""
        return self._ask(reader_telemetry.telemetry, span, bucket_us, self._retention, now_us)
