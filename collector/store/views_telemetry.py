"""What the store says of itself: whether what it answers can be trusted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from collector.store.views import Client, Completeness, View


class ToldBy(View):
    """How much of what they sent has arrived, of the sessions that share a value."""

    value: str | None = Field(description="None: not told.")
    sessions: int
    events_received: int
    events_missing: int = Field(
        description="Sequence numbers that were passed over, or what outboxes say they dropped, whichever is more."
    )
    silent: int

    @property
    def share(self) -> float | None:
        """Received of sent; None where nothing was sent."""
        sent = self.events_received + self.events_missing
        return self.events_received / sent if sent else None


class ToldAt(View):
    """Sessions that began in one stretch of time, and how many of them did not tell all."""

    at: datetime
    sessions: int
    silent: int
    with_gaps: int


class OddSession(View):
    """A session that something is the matter with: events that are missing, silence, a wrong clock."""

    session_id: UUID
    identity: str | None
    participant_sid: str | None
    room_sid: str | None
    room_name: str | None
    client: Client
    last_append_at: datetime
    missing: int = 0
    clock_offset_ms: int = 0


class LostByClient(View):
    """Events that clients' outboxes say they dropped, by why and what they were."""

    reason: str
    type: str
    count: int


class Refused(View):
    """Records that were refused for one reason."""

    reason: str
    count: int
    last_at: datetime


class RefusedRecord(View):
    """One of them; the whole of it: `roomwatch dead-letters show PARTITION/OFFSET`."""

    topic: str
    partition: int
    offset: int
    stored_at: datetime
    reason: str
    place: str
    detail: str
    replayed_at: datetime | None


class Clocks(View):
    """Sessions by how far their client's clock is off the broker's. Beyond 2 s their times are corrected."""

    right: int
    seconds: int = Field(description="Off by 2 s to a minute.")
    minutes: int = Field(description="Off by a minute to an hour.")
    hours: int = Field(description="Off by more.")
    worst: tuple[OddSession, ...]


class Delays(View):
    """How long events of the newest sessions took, in ms, by the nearest rank."""

    events: int
    to_broker_p50_ms: int | None = Field(description="From a client's corrected clock to the broker.")
    to_broker_p99_ms: int | None
    to_store_p50_ms: int | None = Field(description="From the broker to the store.")
    to_store_p99_ms: int | None


class Kept(View):
    """How far back one kind of row reaches, and after how many days such rows go."""

    kind: str
    days: int = Field(description="0: kept forever.")
    oldest_at: datetime | None


class Reading(View):
    """How far one group of collectors has read and stored one topic."""

    topic: str
    group: str
    partitions: int
    records: int


class Telemetry(View):
    """All of it, of the sessions that ended in the time and of those that go on."""

    since: datetime
    until: datetime
    bucket_s: int
    live: int
    by: dict[str, tuple[ToldBy, ...]]
    over_time: tuple[ToldAt, ...]
    gaps: tuple[OddSession, ...] = Field(description="Those with the most missing.")
    silent: tuple[OddSession, ...] = Field(description="Those that went silent last.")
    lost: tuple[LostByClient, ...]
    refused: tuple[Refused, ...]
    refused_last: tuple[RefusedRecord, ...]
    clocks: Clocks
    delays: Delays
    kept: tuple[Kept, ...]
    schema_version: str
    reading: tuple[Reading, ...]
    completeness: Completeness
