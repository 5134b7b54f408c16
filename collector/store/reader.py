"""The Reader: one method a question. What is asked lies in questions.py, what is answered in views.py.

The statements lie beside this file by subject: reader_sessions.py, reader_rooms.py, reader_outages.py,
reader_rollups.py, reader_kpis.py, reader_incidents.py, reader_accounts.py.

Rules:
1. A question is one transaction that sees one state of the store, and writes nothing.
2. Methods block: call them from a thread. One Reader serves many threads.
3. Every method raises StoreUnavailable or SchemaMismatch when the database has its troubles.
4. `now_us` is when the question is asked, µs since 1970: what is open reaches up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Concatenate, Final, ParamSpec, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, literal, select

from collector.errors import SessionNotFound
from collector.store import (
    reader_accounts,
    reader_blast,
    reader_incidents,
    reader_kpis,
    reader_outages,
    reader_rollups,
    reader_rooms,
    reader_sessions,
    reader_verdict,
)
from collector.store.failures import plainly
from collector.store.questions import (
    ANY_INCIDENT,
    ANY_SESSION,
    EVERYONE,
    Dimension,
    IncidentFilters,
    Phase,
    SessionFilters,
    Span,
    Spread,
    Who,
)
from collector.store.reader_incidents import IncidentPlace
from collector.store.reader_sessions import Place
from collector.store.retention import Retention
from collector.store.views import (
    Accounts,
    AffectedBy,
    BlastRadius,
    FailureCodes,
    Fleet,
    Kpis,
    LatestOutages,
    OutageBuckets,
    RoomTimeline,
    SessionPage,
    SessionStory,
    SessionView,
)
from collector.store.views_around import Case
from collector.store.views_incidents import IncidentPage, IncidentStory, IncidentView

STATEMENT_MS_MAX: Final = 20_000
"""A statement that takes longer is ended by PostgreSQL: nobody waits for it any more."""

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Reader:
    """Answers questions from the store behind an engine. Connects when it is asked first."""

    def __init__(self, engine: Engine, retention: Retention = Retention()) -> None:  # noqa: B008 - frozen
        self._engine = engine
        self._retention = retention

    def answers(self) -> bool:
        """Whether the store answers at all."""
        return self._ask(_one) == 1

    def sessions(
        self,
        span: Span,
        filters: SessionFilters = ANY_SESSION,
        *,
        after: Place | None = None,
        limit: int = 50,
        now_us: int,
    ) -> tuple[SessionPage, Place | None]:
        """Sessions that began in the span, and the place where the page after this one begins."""
        return self._ask(reader_sessions.list_sessions, span, filters, after, limit, now_us)

    def session(self, session_id: UUID, *, after_seq: int | None = None, limit: int = 500, now_us: int) -> SessionStory:
        """A session with its outages and events. Raises SessionNotFound."""
        with self._aged_out_if_it_may_be(session_id, now_us):
            return self._ask(reader_sessions.read_session, session_id, after_seq, limit, now_us)

    def case(self, session_id: UUID, *, now_us: int) -> Case:
        """What a verdict on a session is made of. Raises SessionNotFound."""
        with self._aged_out_if_it_may_be(session_id, now_us):
            return self._ask(reader_verdict.read_case, session_id, now_us)

    def find(self, word: str, *, limit: int = 50) -> tuple[SessionView, ...]:
        """Sessions that the word names: by id, room, participant or identity."""
        return self._ask(reader_sessions.find_sessions, word, limit)

    def room_timeline(self, room_sid: str, *, now_us: int) -> RoomTimeline:
        """What happened in a room. Raises RoomNotFound."""
        return self._ask(reader_rooms.room_timeline, room_sid, now_us)

    def fleet(self) -> Fleet:
        """Who is in a room now."""
        return self._ask(reader_outages.fleet)

    def latest_outages(self, span: Span, who: Who = EVERYONE, *, limit: int = 50, now_us: int) -> LatestOutages:
        """Outages that opened in the span, the newest first."""
        return self._ask(reader_outages.latest_outages, span, who, limit, now_us)

    def outage_buckets(self, span: Span, who: Who = EVERYONE, *, bucket_us: int) -> OutageBuckets:
        """Outages that opened in the span, by time and outcome."""
        return self._ask(reader_outages.outage_buckets, span, who, bucket_us)

    def failure_codes(
        self,
        span: Span,
        who: Who = EVERYONE,
        *,
        phase: Phase | None = None,
        by: Dimension | None = None,
        bucket_us: int | None = None,
        now_us: int,
    ) -> FailureCodes:
        """Sessions that failed, by code. `bucket_us` is a number of whole minutes."""
        return self._ask(reader_rollups.failure_codes, span, who, phase, by, bucket_us, now_us)

    def affected(self, span: Span, who: Who = EVERYONE, *, by: Dimension, now_us: int) -> AffectedBy:
        """Which regions or versions are hit."""
        return self._ask(reader_rollups.affected, span, who, by, now_us)

    def blast_radius(self, span: Span, who: Who = EVERYONE, *, by: Spread, now_us: int) -> BlastRadius:
        """How far trouble spread in ten seconds."""
        return self._ask(reader_blast.blast_radius, span, who, by, now_us)

    def kpis(self, span: Span, who: Who = EVERYONE, *, now_us: int) -> Kpis:
        """Every figure of the span."""
        return self._ask(reader_kpis.kpis, span, who, now_us)

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

    def accounts(self) -> Accounts:
        """What the store holds in all."""
        return self._ask(reader_accounts.accounts)

    def events_of(self, session_ids: Collection[UUID]) -> int:
        """How many events of these sessions are stored."""
        return self._ask(reader_accounts.events_of, session_ids)

    @contextmanager
    def _aged_out_if_it_may_be(self, session_id: UUID, now_us: int) -> Iterator[None]:
        """Has SessionNotFound say so where the session began longer ago than sessions are kept."""
        try:
            yield
        except SessionNotFound:
            if self._retention.may_have_aged_out(session_id, now_us):
                raise SessionNotFound(session_id, self._retention.sessions_days) from None
            raise

    def _ask(
        self,
        question: Callable[Concatenate[Connection, Asked], Answer],
        *args: Asked.args,
        **kwargs: Asked.kwargs,
    ) -> Answer:
        with plainly(self._engine), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {STATEMENT_MS_MAX}")
                return question(connection, *args, **kwargs)


def _one(connection: Connection) -> int:
    return connection.execute(select(literal(1))).scalar_one()
