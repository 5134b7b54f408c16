"""What the store answers: frozen views, the same for the API and for the pages.

Times are aware and in UTC. Where a client's clock is more than two seconds off the broker's, the times it told are
shown corrected by the difference. Durations are in milliseconds unless their name says otherwise. `None` means "not
told" or "not yet", never "nothing happened".
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from collector.store.questions import By, Cause, Dimension, Fate, Outcome, Phase, Spread


class View(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True)


class Completeness(View):
    """How much of what was sent has reached the store, for the sessions that an answer is about.

    `share` is Σ sequence numbers received / Σ (greatest one + 1). What a session that went silent did not say any more
    is unknown: `silent_sessions` counts them.
    """

    sessions: int = Field(examples=[412])
    events_received: int = Field(examples=[3921])
    events_expected: int = Field(examples=[3922])
    share: float | None = Field(description="None where nothing was expected.", examples=[0.99974])
    sessions_with_gaps: int = Field(examples=[1])
    events_dropped_by_clients: int = Field(description="What outboxes say they had to drop.", examples=[0])
    silent_sessions: int = Field(description="Sessions that went silent: their last events are unknown.", examples=[3])
    dead_letters: int = Field(description="Records refused in the same time, of whatever session.", examples=[0])
    newest_append_at: datetime | None = Field(description="When the broker took the newest event of these sessions.")
    age_s: float | None = Field(description="How old that event is.", examples=[1.8])


class Client(View):
    """What the session runs on, as it said last."""

    sdk: str | None = Field(default=None, examples=["twilio-video.js"])
    sdk_version: str | None = Field(default=None, examples=["2.35.0"])
    app_version: str | None = Field(default=None, examples=["5.12.0"])
    platform: str | None = Field(default=None, examples=["ios"])
    network_type: str | None = Field(default=None, examples=["wifi"])
    region: str | None = Field(default=None, examples=["ie1"])
    media_region: str | None = Field(default=None, examples=["ie1"])


class Code(View):
    """A room error code with what the catalogue says of it."""

    code: int = Field(examples=[53002])
    name: str = Field(examples=["SignalingConnectionTimeoutError"])
    message: str = Field(examples=["Signaling connection timed out"])


class Ending(View):
    """How a session ended, or how an outage was closed."""

    at: datetime
    error: Code | None = Field(default=None, description="None where it ended without an error.")
    origin: str | None = Field(default=None, description="Who decided so.", examples=["window"])
    reason: str | None = Field(default=None, description="Why this side left.", examples=["leave"])
    vendor_code: int | None = None


class TokenLife(View):
    """When the access token expires, and the life it was made with."""

    expires_at: datetime
    ttl_s: int | None = Field(examples=[86400])


class SessionView(View):
    """One participant's life in one room."""

    session_id: UUID
    previous_session_id: UUID | None = None
    room_sid: str | None = Field(examples=["RM6f1c0a9b8e7d4c5f9a2b3c4d5e6f7a8b"])
    room_name: str | None = Field(examples=["daily-standup"])
    participant_sid: str | None = None
    identity: str | None = Field(examples=["alice"])
    state: str = Field(examples=["disconnected"])
    fate: Fate = Field(examples=["dropped"])
    started_at: datetime
    joined_at: datetime | None
    ended_at: datetime | None
    last_event_at: datetime
    ending: Ending | None = Field(description="None while it goes on, and for a session that went silent.")
    client: Client
    policy: str | None = Field(examples=["documented"])
    token: TokenLife | None
    outages: int = Field(examples=[1])
    reconnecting_ms: int = Field(examples=[30000])
    connected_ms: int = Field(examples=[1250000])
    clock_offset_ms: int = Field(description="The broker's clock minus the client's.", examples=[12])
    clock_corrected: bool = Field(description="Whether the times here are corrected by it.")
    events_received: int = Field(examples=[5])
    events_expected: int = Field(examples=[5])


class OutageView(View):
    """One outage: from `reconnecting` to whatever ended it."""

    session_id: UUID
    number: int = Field(examples=[1])
    started_at: datetime
    ended_at: datetime | None = Field(description="None while it is open.")
    end_inferred: bool = Field(description="No event told the end: it follows from what was told later.")
    cause: Cause | None = Field(examples=["signaling"])
    outcome: Outcome = Field(examples=["failed"])
    ending: Ending | None
    attempts: int = Field(examples=[6])
    downtime_ms: int = Field(examples=[30000])
    signaling_down_ms: int = Field(examples=[30000])
    media_down_ms: int = Field(examples=[0])
    since_previous_ms: int | None = Field(description="Since the end of the session's outage before.")


class FleetOutage(View):
    """An outage with whom it happened to."""

    outage: OutageView
    room_sid: str | None
    room_name: str | None
    participant_sid: str | None
    identity: str | None
    client: Client
    fate: Fate


class EventView(View):
    """One transition as it was told."""

    seq: int = Field(examples=[2])
    type: str = Field(examples=["room.reconnecting"])
    at: datetime = Field(description="By the client's clock, corrected.")
    append_at: datetime = Field(description="When the broker took it.")
    stored_at: datetime = Field(description="When the store took it.")
    from_state: str | None
    to_state: str | None
    subject_sid: str | None = Field(description="Whom a participant.* event is about.")
    network_type: str | None
    error: Code | None
    origin: str | None
    reason: str | None
    outage_number: int | None
    attempts: int | None
    downtime_ms: int | None
    extra: dict[str, Any] | None


class SessionPage(View):
    """A page of sessions, newest first by the broker's clock."""

    items: tuple[SessionView, ...]
    next: str | None = Field(description="Give it as `cursor` for the page that follows; None on the last one.")
    completeness: Completeness


class SessionParts(View):
    """A session, its outages, and a page of its events."""

    session: SessionView
    next_session_id: UUID | None = Field(
        description="The session that the same participant went on with, where a later one told so; that before is "
        "`session.previous_session_id`."
    )
    outages: tuple[OutageView, ...]
    events: tuple[EventView, ...]


class SessionStory(SessionParts):
    """The same, with the `seq` after which the next page begins; None after the last event."""

    next: int | None
    completeness: Completeness


class Segment(View):
    """A stretch of time that a participant spent in one state."""

    session_id: UUID
    state: str = Field(examples=["reconnecting"])
    since: datetime
    until: datetime
    open: bool = Field(description="It still goes on: `until` is when the question was asked.")
    outage_number: int | None = None


class Lane(View):
    """One participant of a room, over all sessions of the same identity: a rejoin stays on the lane."""

    identity: str | None
    participant_sids: tuple[str, ...]
    sessions: tuple[SessionView, ...]
    segments: tuple[Segment, ...]
    outages: tuple[OutageView, ...]


class RoomTimeline(View):
    """What happened in a room, participant by participant."""

    room_sid: str
    room_name: str | None
    since: datetime
    until: datetime
    live: int = Field(description="Participants who are there now.")
    participants: tuple[Lane, ...]
    truncated: bool = Field(description="The room has more sessions than one answer holds; the oldest are here.")
    completeness: Completeness


class RoomEvent(View):
    """An event of a room, with the session that told it."""

    session_id: UUID
    event: EventView


class RoomEvents(View):
    """What the sessions of a room told, in order of when it happened."""

    items: tuple[RoomEvent, ...]
    truncated: bool = Field(description="The room told more than one answer holds.")


Values = Annotated[
    dict[By, str | int | None] | None,
    Field(
        description="What it is split by; a value is None where it was not told. None as a whole: the rest.",
        examples=[{"region": "br1", "platform": "ios"}],
    ),
]


class FailureCount(View):
    """How many sessions ended with a code, of all that failed in that phase (and with the same values)."""

    phase: Phase
    error: Code
    value: str | None = Field(default=None, description="The first of `values`.")
    values: Values = None
    rest: bool = Field(default=False, description="All values but the largest, together.")
    count: int = Field(examples=[12])
    of: int = Field(examples=[48])
    share: float = Field(examples=[0.25])
    low: float = Field(default=0.0, description="Wilson's interval, 95 %.", examples=[0.1492])
    high: float = Field(default=1.0, examples=[0.3878])


class FailureBucket(View):
    """The same, for one stretch of the time asked for."""

    at: datetime
    phase: Phase
    code: int
    value: str | None = None
    values: Values = None
    rest: bool = False
    count: int


class FailureCodes(View):
    """Sessions that failed, by the code they ended with."""

    since: datetime
    until: datetime
    by: tuple[By, ...]
    bucket_s: int | None
    items: tuple[FailureCount, ...]
    values_left_out: int = Field(default=0, description="How many values are told together, as the rest.")
    codes_left_out: int = Field(default=0, description="Codes beyond the 50 most frequent, which are not told.")
    failures_left_out: int = Field(default=0, description="Failures with those.")
    buckets: tuple[FailureBucket, ...] | None
    completeness: Completeness


class Affected(View):
    """One region or version, and what it lived through."""

    value: str | None
    live: int
    joined: int
    join_failures: int
    outages: int
    recovered: int
    not_recovered: int
    dropped: int = Field(description="Sessions that ended dropped, abandoned or lost.")
    ended: int


class AffectedBy(View):
    """Who is hit: the regions or versions, the worst first."""

    since: datetime
    until: datetime
    by: Dimension
    items: tuple[Affected, ...]
    completeness: Completeness


class Fleet(View):
    """Who is in a room now."""

    live: int
    reconnecting: int
    connecting: int
    rooms: int
    sessions_ever: bool = Field(description="Whether the store holds any session at all.")


class OutageBucket(View):
    """Outages that began in one stretch of time, by cause and by what became of them."""

    at: datetime
    cause: Cause | None
    outcome: Outcome
    count: int


class LatestOutages(View):
    """Outages of the fleet, the newest first."""

    items: tuple[FleetOutage, ...]
    completeness: Completeness


class OutageBuckets(View):
    """Outages by when they began and what became of them. Stretches without any are left out."""

    since: datetime
    until: datetime
    bucket_s: int
    items: tuple[OutageBucket, ...]


class Accounts(View):
    """What the store holds in all. Opened outages are the sum of those by outcome, the open ones included."""

    sessions: int
    events: int
    dead_letters: int
    outages_opened: int
    outages_by_outcome: dict[str, int]


class Blast(View):
    """The ten seconds in which the most participants of one room, region or version lost connection.

    Beside them the rest: whoever was connected elsewhere in the same ten seconds. Intervals are Wilson's, at 95 %, of
    these ten seconds: that they were the worst is not in them.
    """

    value: str | None = Field(examples=["br1"])
    at: datetime = Field(description="When the first of them lost connection.")
    affected: int = Field(examples=[14])
    connected: int = Field(examples=[15])
    share: float = Field(examples=[0.93])
    share_low: float = Field(examples=[0.702])
    share_high: float = Field(examples=[0.988])
    rest_affected: int = Field(examples=[1])
    rest_connected: int = Field(examples=[180])
    rest_share: float | None = Field(description="None where there was nobody else.", examples=[0.0056])
    rest_share_low: float | None = Field(examples=[0.001])
    rest_share_high: float | None = Field(examples=[0.0308])


class BlastRadius(View):
    """How far trouble spread, the widest first. Where nothing hit two participants at once, there are no items."""

    since: datetime
    until: datetime
    by: Spread
    items: tuple[Blast, ...]
    truncated: bool = Field(description="There were more outages than one answer looks at: the newest were.")
    completeness: Completeness
