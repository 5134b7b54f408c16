"""The Reader: one method a question. What is asked lies in questions.py, what is answered in views.py.

Most methods are in asked_of_calls.py and asked_of_many.py; how each looks at the store is in looking.py.

The statements lie beside this file by subject: reader_sessions.py, reader_rooms.py, reader_room_list.py,
reader_room_worst.py, reader_outages.py, reader_outage_list.py, reader_explore.py, reader_rollups.py,
reader_breakdowns.py, reader_kpis.py, reader_releases.py, reader_search.py, reader_incidents.py, reader_telemetry.py,
reader_heard.py, reader_accounts.py.

Rules:
1. A question is one transaction that sees one state of the store, and writes nothing.
2. Methods block: call them from a thread. One Reader serves many threads.
3. Every method raises StoreUnavailable or SchemaMismatch when the database has its troubles, and QueryTooLong when the
   question was stopped: by the `Stop` that it is asked under, or because a statement took longer than that allows.
4. `now_us` is when the question is asked, µs since 1970: what is open reaches up to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from collector.store import reader_accounts, reader_heard, reader_room_worst
from collector.store.asked_of_calls import OfCalls
from collector.store.asked_of_many import OfMany
from collector.store.exporting import Export, Exported
from collector.store.names import as_told
from collector.store.questions import ANY_OUTAGE, ANY_SESSION, OutageFilters, SessionFilters, Span
from collector.store.reader_heard import Heard
from collector.store.reader_sessions import Place
from collector.store.views import Accounts, SessionPage, SessionView


class Reader(OfCalls, OfMany):
    """Answers questions from the store behind an engine. Connects when it is asked first."""

    @contextmanager
    def export(
        self,
        what: Exported,
        span: Span,
        filters: SessionFilters = ANY_SESSION,
        of_outages: OutageFilters = ANY_OUTAGE,
        fields: Collection[str] = (),
    ) -> Iterator[Export]:
        """Rows of the sessions that began in the span, or of their outages or events; of all columns, or of `fields`.

        It holds one state of the store while it is open, for as long as the stop allows.
        """
        with self._look() as connection:
            yield Export(connection, what, span, as_told(filters, self._hashed), of_outages, fields, self._stop.check)

    def worst_sessions(self, room_sids: Sequence[str]) -> dict[str, SessionView]:
        """Of each of these rooms the session that fared worst: dropped before silent, then who was away for longest."""
        return self._ask(reader_room_worst.worst_sessions, room_sids)

    def heard(
        self,
        began: Span,
        heard: Heard,
        filters: SessionFilters = ANY_SESSION,
        *,
        after: Place | None = None,
        limit: int = 50,
        now_us: int,
    ) -> tuple[SessionPage, Place | None]:
        """Sessions as telemetry counts them that began in `began`, and the place where the next page begins."""
        told = as_told(filters, self._hashed)
        return self._ask(reader_heard.list_heard, began, heard, told, after, limit, now_us)

    def accounts(self) -> Accounts:
        """What the store holds in all."""
        return self._ask(reader_accounts.accounts)

    def newest(self) -> str:
        """A word that is another one after something was stored."""
        return self._ask(reader_accounts.newest)

    def events_of(self, session_ids: Collection[UUID]) -> int:
        """How many events of these sessions are stored."""
        return self._ask(reader_accounts.events_of, session_ids)
