"""What the store answers about incidents: what Alertmanager told of, and whom it hit."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from collector.store.questions import Phase, Spread
from collector.store.views import Completeness, SessionView, View


class IncidentView(View):
    """An alert that fired, from its start to its end."""

    incident_id: str = Field(examples=["4f8a2c91d03be657-1764000000000000"])
    alertname: str = Field(examples=["RtcFailureSpike"])
    severity: str | None = Field(examples=["page"])
    started_at: datetime
    ended_at: datetime | None = Field(description="None while it goes on, as far as Alertmanager told.")
    told_at: datetime = Field(description="When Alertmanager last told of it.")
    summary: str | None
    description: str | None
    labels: dict[str, str]
    annotations: dict[str, str]


class IncidentPage(View):
    """A page of incidents, the latest first."""

    items: tuple[IncidentView, ...]
    next: str | None = Field(description="The cursor of the page after this one; None: this is the last.")
    completeness: Completeness = Field(description="Of what rooms told in the range: what alerts are made of.")


class Hit(View):
    """How many of the sessions of one room, region or version were hit, beside all other sessions.

    Intervals are Wilson's, at 95 %.
    """

    value: str | None = Field(description="None: it was not told.", examples=["br1"])
    affected: int = Field(examples=[41])
    sessions: int = Field(examples=[96])
    share: float = Field(examples=[0.427])
    share_low: float = Field(examples=[0.333])
    share_high: float = Field(examples=[0.527])
    rest_affected: int = Field(examples=[3])
    rest_sessions: int = Field(examples=[812])
    rest_share: float | None = Field(description="None where there was nobody else.", examples=[0.0037])
    rest_share_low: float | None = Field(examples=[0.0013])
    rest_share_high: float | None = Field(examples=[0.0108])
    stands_out: bool = Field(description="Whether even its least share is above the greatest of the rest.")


class AffectedRoom(View):
    """A room with sessions that were hit."""

    room_sid: str | None
    room_name: str | None
    affected: int


class BlastOfIncident(View):
    """Whom an incident hit, as the store has it.

    `code` and `phase` say what counts as hit: sessions that failed so. Without a code, sessions that were without
    connection.
    """

    since: datetime
    until: datetime
    code: int | None = Field(examples=[53000])
    phase: Phase | None = Field(examples=["session"])
    affected: int = Field(description="Sessions that were hit.", examples=[44])
    sessions: int = Field(description="All that could have been.", examples=[908])
    by: dict[Spread, tuple[Hit, ...]]
    rooms: tuple[AffectedRoom, ...] = Field(description="Those with the most of them.")
    hit: tuple[SessionView, ...] = Field(description="The first of the sessions that were hit.")


class IncidentStory(View):
    """One incident and whom it hit."""

    incident: IncidentView
    blast: BlastOfIncident | None = Field(description="None where the alert is not about rooms.")
    completeness: Completeness = Field(description="Of what rooms told from ten minutes before its start to its end.")
