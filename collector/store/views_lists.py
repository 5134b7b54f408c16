"""What lists hold beside sessions: rooms, outages with whom they hit, and a session's events and outages alone."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from collector.store.questions import Fate
from collector.store.views import Client, Completeness, EventView, OutageView, SessionParts, View

_NEXT = "Give it as `cursor` for the page that follows; None on the last one."


class RoomView(View):
    """A room in numbers: all sessions that bear its SID, whenever they were."""

    room_sid: str = Field(examples=["RM6f1c0a9b8e7d4c5f9a2b3c4d5e6f7a8b"])
    room_name: str | None = Field(examples=["daily-standup"])
    started_at: datetime = Field(description="When its first session began.")
    last_event_at: datetime = Field(description="When its last session ended, or was last told of.")
    newest_append_at: datetime | None = Field(description="When the broker took the newest event of it.")
    live: int = Field(description="Participants who are there now.", examples=[0])
    sessions: int = Field(examples=[8])
    participants: int = Field(
        description="By identity, or by participant SID where none was told: a rejoin counts once.", examples=[6]
    )
    outages: int = Field(examples=[5])
    reconnecting_ms: int = Field(description="Of all sessions together.", examples=[84300])
    dropped: int = Field(description="Sessions whose fate is dropped.", examples=[2])
    ended_badly: int = Field(description="Sessions whose fate is dropped, abandoned or lost.", examples=[3])


class RoomPage(View):
    """A page of rooms, in order of their first session by the broker's clock."""

    items: tuple[RoomView, ...]
    next: str | None = Field(description=_NEXT)
    completeness: Completeness


class RoomStory(View):
    """One room."""

    room: RoomView
    completeness: Completeness


class OutageItem(OutageView):
    """An outage with whom it happened to."""

    room_sid: str | None
    room_name: str | None
    participant_sid: str | None
    identity: str | None
    client: Client
    fate: Fate = Field(description="Of the session.", examples=["dropped"])


class OutagePage(View):
    """A page of outages."""

    items: tuple[OutageItem, ...]
    next: str | None = Field(description=_NEXT)
    completeness: Completeness


class OutageStory(View):
    """One outage."""

    outage: OutageItem
    completeness: Completeness


class EventPage(View):
    """A page of a session's events, as they were told."""

    items: tuple[EventView, ...]
    next: str | None = Field(description=_NEXT)
    completeness: Completeness


class SessionTold(SessionParts):
    """A session, its outages, and a page of its events, the first one first."""

    next: str | None = Field(description="Give it as `cursor` for the events that follow; None after the last one.")
    completeness: Completeness


class SessionOutages(View):
    """A page of a session's outages, the first one first."""

    items: tuple[OutageView, ...]
    next: str | None = Field(description=_NEXT)
    completeness: Completeness


class RangeCompleteness(View):
    """How complete telemetry of a stretch of time is, of whoever the filters leave."""

    since: datetime
    until: datetime
    completeness: Completeness
