"""Questions about single calls: sessions, rooms, outages, and whom somebody means. Part of the Reader."""

from __future__ import annotations

from uuid import UUID

from collector.store import (
    reader_events,
    reader_outage_list,
    reader_room_list,
    reader_rooms,
    reader_search,
    reader_sessions,
    reader_verdict,
)
from collector.store.looking import Looking
from collector.store.names import as_told, meant_by
from collector.store.questions import (
    ANY_OUTAGE,
    ANY_SESSION,
    OutageFilters,
    OutageSort,
    RoomSort,
    SessionFilters,
    SessionSort,
    Span,
)
from collector.store.reader_outage_list import OutagePlace
from collector.store.reader_sessions import Place
from collector.store.views import RoomEvents, RoomTimeline, SessionPage, SessionStory, SessionView
from collector.store.views_around import Case
from collector.store.views_lists import EventPage, OutagePage, OutageStory, RoomPage, RoomStory, SessionOutages


class OfCalls(Looking):
    """What happened to whom."""

    def sessions(
        self,
        span: Span,
        filters: SessionFilters = ANY_SESSION,
        *,
        sort: SessionSort = "-started_at",
        after: Place | None = None,
        limit: int = 50,
        now_us: int,
    ) -> tuple[SessionPage, Place | None]:
        """Sessions that began in the span, and the place where the page after this one begins."""
        told = as_told(filters, self._hashed)
        return self._ask(reader_sessions.list_sessions, span, told, sort, after, limit, now_us)

    def session(self, session_id: UUID, *, after_seq: int | None = None, limit: int = 500, now_us: int) -> SessionStory:
        """A session with its outages and events. Raises SessionNotFound."""
        with self._aged_out_if_it_may_be(session_id, now_us):
            return self._ask(reader_sessions.read_session, session_id, after_seq, limit, now_us)

    def events(
        self, session_id: UUID, *, after_seq: int = -1, limit: int = 50, now_us: int
    ) -> tuple[EventPage, int | None]:
        """A page of a session's events, and the `seq` after which the next one begins. Raises SessionNotFound."""
        with self._aged_out_if_it_may_be(session_id, now_us):
            return self._ask(reader_sessions.list_events, session_id, after_seq, limit, now_us)

    def outages_of(
        self, session_id: UUID, *, after_number: int = 0, limit: int = 50, now_us: int
    ) -> tuple[SessionOutages, int | None]:
        """A page of a session's outages, and the number after which the next one begins. Raises SessionNotFound."""
        with self._aged_out_if_it_may_be(session_id, now_us):
            return self._ask(reader_sessions.list_outages, session_id, after_number, limit, now_us)

    def outages(
        self,
        span: Span,
        filters: OutageFilters = ANY_OUTAGE,
        *,
        sort: OutageSort = "-started_at",
        after: OutagePlace | None = None,
        limit: int = 50,
        now_us: int,
    ) -> tuple[OutagePage, OutagePlace | None]:
        """Outages that opened in the span, and the place where the page after this one begins."""
        told = as_told(filters, self._hashed)
        return self._ask(reader_outage_list.list_outages, span, told, sort, after, limit, now_us)

    def outage(self, session_id: UUID, number: int, *, now_us: int) -> OutageStory:
        """One outage. Raises OutageNotFound."""
        return self._ask(reader_outage_list.read_outage, session_id, number, now_us)

    def case(self, session_id: UUID, *, now_us: int) -> Case:
        """What a verdict on a session is made of. Raises SessionNotFound."""
        with self._aged_out_if_it_may_be(session_id, now_us):
            case = self._ask(reader_verdict.read_case, session_id, now_us)
        if case.is_without_events:
            return case.model_copy(update={"events_kept_days": self._retention.events_days or None})
        return case

    def find(self, word: str, *, span: Span | None = None, limit: int = 50) -> tuple[SessionView, ...]:
        """Sessions that the word names by id, room, participant or identity; in the span, or nearest to it."""
        return self._ask(reader_search.find, meant_by(word, self._hashed), span, limit)

    def alike(self, word: str) -> tuple[str, ...]:
        """Identities and names of rooms that begin with the word, a few."""
        return self._ask(reader_search.alike, word)

    def rooms(
        self,
        span: Span,
        filters: SessionFilters = ANY_SESSION,
        *,
        sort: RoomSort = "-started_at",
        after: Place | None = None,
        limit: int = 50,
        now_us: int,
    ) -> tuple[RoomPage, Place | None]:
        """Rooms that began in the span with a session that passes, and the place where the next page begins."""
        told = as_told(filters, self._hashed)
        return self._ask(reader_room_list.list_rooms, span, told, sort, after, limit, now_us)

    def room(self, room_sid: str, *, now_us: int) -> RoomStory:
        """One room in numbers. Raises RoomNotFound."""
        return self._ask(reader_room_list.read_room, room_sid, now_us)

    def room_timeline(self, room_sid: str, *, now_us: int) -> RoomTimeline:
        """What happened in a room. Raises RoomNotFound."""
        return self._ask(reader_rooms.room_timeline, room_sid, now_us)

    def room_events(
        self, room_sid: str, span: Span | None = None, *, limit: int = reader_events.EVENTS_MAX, newest: bool = False
    ) -> RoomEvents:
        """What the sessions of a room told, the earliest first: of it all, or of the span, the first or `newest`."""
        return self._ask(reader_events.room_events, room_sid, span, limit, newest=newest)

    def failed_with(self, code: int, span: Span, *, limit: int = 25) -> tuple[SessionView, ...]:
        """Sessions that failed with the code in the span, those that ended last first."""
        return self._ask(reader_sessions.failed_with, code, span, limit)
