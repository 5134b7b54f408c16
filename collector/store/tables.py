"""The schema, once, for SQLite and PostgreSQL. Migrations make it; a test compares the two.

Rules:
1. Every table of sessions carries `session_id` first in its key, so that it can be distributed by it. No sequences.
2. Times are µs since 1970 in Python and in SQLite, timestamptz in PostgreSQL; ids are UUIDs, 16 bytes in SQLite.
3. Few, narrow columns: a column is here because a question needs it. Documents stay in `events.extra`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine

from session_core.events import us_from_utc, utc_from_us

SCHEMA_VERSION_TABLE: Final = "alembic_version"


class Micros(TypeDecorator[int]):
    """A moment: µs since 1970 in Python."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A timestamptz where the database has one."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """To the database."""
        return utc_from_us(value) if value is not None and dialect.name == "postgresql" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """From the database."""
        del dialect
        return us_from_utc(value) if isinstance(value, datetime) else value


class Uuid(TypeDecorator[UUID]):
    """A UUID; 16 bytes in SQLite, so that the order of UUIDv7 keys is the order of time."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A native uuid where the database has one."""
        return dialect.type_descriptor(
            postgresql.UUID(as_uuid=True) if dialect.name == "postgresql" else LargeBinary(16)
        )

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        """To the database."""
        return value.bytes if value is not None and dialect.name != "postgresql" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        """From the database."""
        del dialect
        return UUID(bytes=value) if isinstance(value, bytes) else value


metadata = MetaData()

_OPEN: Final = text("ended_at IS NULL")
# A row that is written again and again leaves room on its page for its next version.
_ROOM_TO_GROW: Final = {"fillfactor": 75}

events = Table(
    "events",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("event_at", Micros, nullable=False),
    Column("append_at", Micros, nullable=False),
    Column("stored_at", Micros, nullable=False),
    Column("kafka_partition", Integer, nullable=False),
    Column("kafka_offset", BigInteger, nullable=False),
    Column("room_sid", Text),
    Column("participant_sid", Text),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("subject_sid", Text),
    Column("region", Text),
    Column("network_type", Text),
    Column("error_code", Integer),
    Column("error_origin", Text),
    Column("reason", Text),
    Column("outage_number", Integer),
    Column("attempts", Integer),
    Column("downtime_ms", BigInteger),
    Column("extra", Text),  # JSON: policy, client, token, vendor, text of an unknown code
    postgresql_partition_by="RANGE (session_id)",
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # grows by one a write: an update applies to the version that was read
    Column("kafka_partition", Integer, nullable=False),
    Column("room_sid", Text),
    Column("room_name", Text),
    Column("participant_sid", Text),
    Column("identity", Text),
    Column("previous_session_id", Uuid),
    Column("policy", Text),
    Column("connecting_at", Micros),
    Column("joined_at", Micros),
    Column("last_event_at", Micros, nullable=False),
    Column("first_append_at", Micros, nullable=False),
    Column("last_append_at", Micros, nullable=False),
    Column("clock_offset_us", BigInteger, nullable=False),  # min(append time - sent_at)
    Column("state", Text, nullable=False),
    Column("sdk", Text),
    Column("sdk_version", Text),
    Column("app_version", Text),
    Column("platform", Text),
    Column("network_type", Text),
    Column("region", Text),
    Column("media_region", Text),
    Column("token_expires_at", Micros),
    Column("token_ttl_s", Integer),
    Column("terminal_type", Text),  # room.disconnected or room.connect_failed
    Column("terminal_from", Text),
    Column("terminal_code", Integer),
    Column("terminal_origin", Text),
    Column("terminal_reason", Text),
    Column("terminal_at", Micros),
    Column("terminal_vendor_code", Integer),
    Column("outages", Integer, nullable=False),
    Column("reconnecting_ms", BigInteger, nullable=False),
    Column("connected_ms", BigInteger, nullable=False),
    Column("lost", Text),  # JSON: {reason: {type: count}}
    Column("received_to", Integer, nullable=False),  # seqs 0 … received_to-1 were received,
    Column("received_more", LargeBinary),  # and these intervals: int32 pairs [from, to)
    Column("told_until", Micros),  # last_append_at of a session that ended
    Column("lost_at", Micros),
    Column("fate", Text, nullable=False),
    Column("ended_at", Micros),
    Column("keys", LargeBinary, nullable=False),  # the keys that `first` and `last` values go by
    Index("sessions_room_sid", "room_sid"),
    Index("sessions_started", "first_append_at"),
    Index("sessions_fate_ended", "fate", "ended_at"),
    Index("sessions_told_until", "told_until"),
    # The watchdog and the gauges ask a partition for its sessions that have not ended; this index grows and shrinks by
    # one entry a session, where one on last_append_at would be written with every event. For sessions that ended,
    # `told_until` stands in for that.
    Index("sessions_open", "kafka_partition", sqlite_where=_OPEN, postgresql_where=_OPEN),
    postgresql_with=_ROOM_TO_GROW,
)

outages = Table(
    "outages",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kafka_partition", Integer, nullable=False),
    Column("started_at", Micros, nullable=False),
    Column("cause", Text),
    Column("since_previous_ms", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("signaling_down_ms", BigInteger, nullable=False),
    Column("media_down_ms", BigInteger, nullable=False),
    Column("downtime_ms", BigInteger, nullable=False),
    Column("closing_type", Text),  # room.reconnected or room.disconnected
    Column("closing_code", Integer),
    Column("closing_origin", Text),
    Column("closing_at", Micros),
    Column("outcome", Text, nullable=False),
    Column("keys", LargeBinary, nullable=False),
    Index("outages_started", "started_at"),
    postgresql_with=_ROOM_TO_GROW,
)

rollups = Table(
    "rollups",
    metadata,
    Column("minute", Integer, primary_key=True, autoincrement=False),  # minutes since 1970, corrected client time
    Column("kafka_partition", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # started, joined, outage, outage_ended, ended
    Column("code", Integer, primary_key=True, autoincrement=False),  # -1: none
    Column("cause", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("fate", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("sdk", Text, primary_key=True),
    Column("sdk_version", Text, primary_key=True),
    Column("app_version", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("a", BigInteger, nullable=False),  # what the kind sums first: see docs/store.md
    Column("b", BigInteger, nullable=False),
    postgresql_with=_ROOM_TO_GROW,
)

kafka_offsets = Table(
    "kafka_offsets",
    metadata,
    Column("cluster_id", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("kafka_partition", Integer, primary_key=True, autoincrement=False),
    Column("consumer_group", Text, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("kafka_partition", Integer, primary_key=True, autoincrement=False),
    Column("kafka_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("append_at", Micros, nullable=False),
    Column("stored_at", Micros, nullable=False),
    Column("reason", Text, nullable=False),  # a code of the closed list: session_core.wire.REASONS and the collector's
    Column("place", Text, nullable=False),  # where in the document
    Column("detail", Text, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),  # untouched, up to a bound; the whole is in the topic of dead letters
    Column("replayed_at", Micros),  # when it was sent again, if it was
    Index("dead_letters_stored", "stored_at"),
)

# What Alertmanager told of: one row an alert and start. Not of sessions: where tables are distributed, this one is not.
incidents = Table(
    "incidents",
    metadata,
    Column("fingerprint", Text, primary_key=True),  # Alertmanager's: what the labels hash to
    Column("started_at", Micros, primary_key=True),
    Column("ended_at", Micros),
    Column("told_at", Micros, nullable=False),  # when it was last told of
    Column("alertname", Text, nullable=False),
    Column("severity", Text),
    Column("labels", Text, nullable=False),  # JSON
    Column("annotations", Text, nullable=False),  # JSON
    Index("incidents_started", "started_at"),
    Index("incidents_told", "told_at"),
)
