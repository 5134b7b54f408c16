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

from session_core.instants import us_from_utc, utc_from_us

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


PLAIN_TEXT: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that sorts by its characters' numbers, as in SQLite. By the language of whoever made the database an index is
half as dear again to write to, other in each place, and broken by the next version of the system's library."""

metadata = MetaData()

_OPEN: Final = text("ended_at IS NULL")
TOLD_LATE: Final = "first_append_at - coalesce(connecting_at, joined_at) > 3600000000"
TOLD_LATE_OF_TIMES: Final = "first_append_at - coalesce(connecting_at, joined_at) > '01:00:00'::interval"
"""The same where times are times of the database. Literals: an index serves what is written as it was made."""
# A multiplier and a prime, so that clocks that tell whole seconds are spread as well as those that tell milliseconds.
SPREAD: Final = "opened_at / 1000 * 7919 % 1000003"
SPREAD_OF_TIMES: Final = (
    "CAST(date_part('epoch', opened_at - '1970-01-01 00:00:00+00'::timestamptz) * 1000 AS BIGINT) * 7919 % 1000003"
)
"""A number of an outage by the millisecond in which it began, evenly spread. Said so, it may stand in an index."""
SAMPLE_ONE_IN: Final = 64
_ODD: Final = text("received_more IS NOT NULL OR lost IS NOT NULL")
_WRONG_CLOCK: Final = text("correction_us IS NOT NULL")
_REJOINED: Final = text("previous_session_id IS NOT NULL")
# A row that is written again and again leaves room on its page for its next version.
_ROOM_TO_GROW: Final = {"fillfactor": 75}

events = Table(
    "events",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("type", PLAIN_TEXT, nullable=False),
    Column("event_at", Micros, nullable=False),
    Column("append_at", Micros, nullable=False),
    Column("stored_at", Micros, nullable=False),
    Column("kafka_partition", Integer, nullable=False),
    Column("kafka_offset", BigInteger, nullable=False),
    Column("room_sid", PLAIN_TEXT),
    Column("participant_sid", PLAIN_TEXT),
    Column("from_state", PLAIN_TEXT),
    Column("to_state", PLAIN_TEXT),
    Column("subject_sid", PLAIN_TEXT),
    Column("region", PLAIN_TEXT),
    Column("network_type", PLAIN_TEXT),
    Column("error_code", Integer),
    Column("error_origin", PLAIN_TEXT),
    Column("reason", PLAIN_TEXT),
    Column("outage_number", Integer),
    Column("attempts", Integer),
    Column("downtime_ms", BigInteger),
    Column("extra", PLAIN_TEXT),  # JSON: policy, client, token, vendor, text of an unknown code
    postgresql_partition_by="RANGE (session_id)",
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # grows by one a write: an update applies to the version that was read
    Column("kafka_partition", Integer, nullable=False),
    Column("room_sid", PLAIN_TEXT),
    Column("room_name", PLAIN_TEXT),
    Column("participant_sid", PLAIN_TEXT),
    Column("identity", PLAIN_TEXT),
    Column("previous_session_id", Uuid),
    Column("policy", PLAIN_TEXT),
    Column("connecting_at", Micros),
    Column("joined_at", Micros),
    Column("last_event_at", Micros, nullable=False),
    Column("first_append_at", Micros, nullable=False),
    Column("last_append_at", Micros, nullable=False),
    Column("clock_offset_us", BigInteger, nullable=False),  # min(append time - sent_at)
    Column("state", PLAIN_TEXT, nullable=False),
    Column("sdk", PLAIN_TEXT),
    Column("sdk_version", PLAIN_TEXT),
    Column("app_version", PLAIN_TEXT),
    Column("platform", PLAIN_TEXT),
    Column("network_type", PLAIN_TEXT),
    Column("region", PLAIN_TEXT),
    Column("media_region", PLAIN_TEXT),
    Column("token_expires_at", Micros),
    Column("token_ttl_s", Integer),
    Column("terminal_type", PLAIN_TEXT),  # room.disconnected or room.connect_failed
    Column("terminal_from", PLAIN_TEXT),
    Column("terminal_code", Integer),
    Column("terminal_origin", PLAIN_TEXT),
    Column("terminal_reason", PLAIN_TEXT),
    Column("terminal_at", Micros),
    Column("terminal_vendor_code", Integer),
    Column("outages", Integer, nullable=False),
    Column("reconnecting_ms", BigInteger, nullable=False),
    Column("connected_ms", BigInteger, nullable=False),
    Column("lost", PLAIN_TEXT),  # JSON: {reason: {type: count}}
    Column("received_to", Integer, nullable=False),  # seqs 0 … received_to-1 were received,
    Column("received_more", LargeBinary),  # and these intervals: int32 pairs [from, to)
    Column("told_until", Micros),  # last_append_at of a session that ended
    Column("lost_at", Micros),
    Column("fate", PLAIN_TEXT, nullable=False),
    Column("ended_at", Micros),
    Column("keys", LargeBinary, nullable=False),  # the keys that `first` and `last` values go by
    Column("correction_us", BigInteger),  # clock_offset_us where that is beyond ±2 s: what to add to a client's times
    # PostgreSQL writes to all indexes of a row anew where a column changed that any of them holds or asks for in its
    # condition. So none has to do with what most events change: last_append_at, clock_offset_us, and the like.
    # Says which session was a room's first, beside which there are.
    Index("sessions_room", "room_sid", "first_append_at"),
    # What people have in hand when they ask: each costs a twenty-fifth of what is written to PostgreSQL's log.
    Index("sessions_identity", "identity"),
    Index("sessions_participant_sid", "participant_sid"),
    Index("sessions_room_name", "room_name", "first_append_at"),
    Index("sessions_previous", "previous_session_id", sqlite_where=_REJOINED, postgresql_where=_REJOINED),
    Index("sessions_started", "first_append_at"),
    Index(
        "sessions_told_late",
        "first_append_at",
        sqlite_where=text(TOLD_LATE),
        postgresql_where=text(TOLD_LATE_OF_TIMES),
    ),
    # Few have gaps or losses, and every answer about a stretch of time looks at them.
    Index("sessions_odd", "told_until", sqlite_where=_ODD, postgresql_where=_ODD),
    # Few clocks are wrong, and who asks whether telemetry can be trusted asks which.
    Index("sessions_wrong_clock", "told_until", sqlite_where=_WRONG_CLOCK, postgresql_where=_WRONG_CLOCK),
    Index("sessions_fate_ended", "fate", "ended_at"),
    Index("sessions_told_until", "told_until"),
    # The watchdog and the gauges ask a partition for its sessions that have not ended; this index grows and shrinks by
    # one entry a session. For sessions that ended, `told_until` stands in for last_append_at.
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
    Column("cause", PLAIN_TEXT),
    Column("since_previous_ms", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("signaling_down_ms", BigInteger, nullable=False),
    Column("media_down_ms", BigInteger, nullable=False),
    Column("downtime_ms", BigInteger, nullable=False),
    Column("closing_type", PLAIN_TEXT),  # room.reconnected or room.disconnected
    Column("closing_code", Integer),
    Column("closing_origin", PLAIN_TEXT),
    Column("closing_at", Micros),
    Column("outcome", PLAIN_TEXT, nullable=False),
    Column("keys", LargeBinary, nullable=False),
    Column("opened_at", Micros, nullable=False),  # started_at, corrected by the session's clock offset
    # Lists come in this order; and it tells whose outages began in a time without a look at the rows.
    Index("outages_opened", "opened_at", "session_id", "number"),
    Index("outages_downtime", "downtime_ms"),
    # Of very many, some say how all of them are.
    Index(
        "outages_sample",
        "opened_at",
        sqlite_where=text(f"{SPREAD} % {SAMPLE_ONE_IN} = 0"),
        postgresql_where=text(f"{SPREAD_OF_TIMES} % {SAMPLE_ONE_IN} = 0"),
    ),
    postgresql_with=_ROOM_TO_GROW,
)

rollups = Table(
    "rollups",
    metadata,
    Column("minute", Integer, primary_key=True, autoincrement=False),  # minutes since 1970, corrected client time
    Column("kafka_partition", Integer, primary_key=True, autoincrement=False),
    Column("kind", PLAIN_TEXT, primary_key=True),  # started, joined, outage, outage_ended, ended
    Column("code", Integer, primary_key=True, autoincrement=False),  # -1: none
    Column("cause", PLAIN_TEXT, primary_key=True),
    Column("outcome", PLAIN_TEXT, primary_key=True),
    Column("fate", PLAIN_TEXT, primary_key=True),
    Column("region", PLAIN_TEXT, primary_key=True),
    Column("sdk", PLAIN_TEXT, primary_key=True),
    Column("sdk_version", PLAIN_TEXT, primary_key=True),
    Column("app_version", PLAIN_TEXT, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("a", BigInteger, nullable=False),  # what the kind sums: see docs/store.md
    Column("b", BigInteger, nullable=False),
    Column("c", BigInteger, nullable=False),
    Column("d", BigInteger, nullable=False),
    postgresql_with=_ROOM_TO_GROW,
)


def _summed_by(stretch: str, table: str) -> Table:
    """The sums of rollups over Kafka partitions and over longer stretches, which are numbered since 1970."""
    return Table(
        table,
        metadata,
        Column(stretch, Integer, primary_key=True, autoincrement=False),
        *(
            Column(column.name, column.type, primary_key=True, autoincrement=False)
            for column in rollups.primary_key
            if column.name not in {"minute", "kafka_partition"}
        ),
        *(Column(name, BigInteger, nullable=False) for name in "nabcd"),
    )


def _noted_by(stretch: str, table: str) -> Table:
    """Of which stretches there are sums that can be trusted."""
    return Table(
        table,
        metadata,
        Column(stretch, Integer, primary_key=True, autoincrement=False),
        Column("is_summed", Integer, nullable=False),  # 0: about to be
    )


rollup_fives, whole_fives = _summed_by("five", "rollup_fives"), _noted_by("five", "whole_fives")
rollup_hours, whole_hours = _summed_by("hour", "rollup_hours"), _noted_by("hour", "whole_hours")

kafka_offsets = Table(
    "kafka_offsets",
    metadata,
    Column("cluster_id", PLAIN_TEXT, primary_key=True),
    Column("topic", PLAIN_TEXT, primary_key=True),
    Column("kafka_partition", Integer, primary_key=True, autoincrement=False),
    Column("consumer_group", PLAIN_TEXT, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("topic", PLAIN_TEXT, primary_key=True),
    Column("kafka_partition", Integer, primary_key=True, autoincrement=False),
    Column("kafka_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("append_at", Micros, nullable=False),
    Column("stored_at", Micros, nullable=False),
    Column(
        "reason", PLAIN_TEXT, nullable=False
    ),  # a code of the closed list: session_core.wire.REASONS and the collector's
    Column("place", PLAIN_TEXT, nullable=False),  # where in the document
    Column("detail", PLAIN_TEXT, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),  # untouched, up to a bound; the whole is in the topic of dead letters
    Column("replayed_at", Micros),  # when it was sent again, if it was
    Index("dead_letters_stored", "stored_at"),
)

# What Alertmanager told of: one row an alert and start. Not of sessions: where tables are distributed, this one is not.
incidents = Table(
    "incidents",
    metadata,
    Column("fingerprint", PLAIN_TEXT, primary_key=True),  # Alertmanager's: what the labels hash to
    Column("started_at", Micros, primary_key=True),
    Column("ended_at", Micros),
    Column("told_at", Micros, nullable=False),  # when it was last told of
    Column("alertname", PLAIN_TEXT, nullable=False),
    Column("severity", PLAIN_TEXT),
    Column("labels", PLAIN_TEXT, nullable=False),  # JSON
    Column("annotations", PLAIN_TEXT, nullable=False),  # JSON
    Index("incidents_started", "started_at"),
    Index("incidents_told", "told_at"),
)

# Who may ask: docs/access.md. Of no session; small, and read by key alone.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", PLAIN_TEXT, primary_key=True),  # the part of the token that is no secret
    Column("name", PLAIN_TEXT, nullable=False),
    Column("scopes", PLAIN_TEXT, nullable=False),  # words with a space between
    Column("secret_hash", PLAIN_TEXT, nullable=False),  # scrypt, with its parameters and salt
    Column("created_at", Micros, nullable=False),
    Column("expires_at", Micros),
    Column("used_at", Micros),
    Column("revoked_at", Micros),
)

# People who are logged in, and links with which they may once.
logins = Table(
    "logins",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),  # SHA-256 of 32 random bytes
    Column("kind", PLAIN_TEXT, nullable=False),  # link or session
    Column("name", PLAIN_TEXT, nullable=False),
    Column("scopes", PLAIN_TEXT, nullable=False),
    Column("token_id", PLAIN_TEXT),  # whose token it was; with the token ends the login
    Column("created_at", Micros, nullable=False),
    Column("expires_at", Micros, nullable=False),
    Column("seen_at", Micros, nullable=False),
    Index("logins_expires", "expires_at"),
)

# What was done that somebody may have to answer for; the newest rows alone.
audit = Table(
    "audit",
    metadata,
    Column("at", Micros, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("event", PLAIN_TEXT, nullable=False),  # a word of collector.store.audit.EVENTS
    Column("actor", PLAIN_TEXT, nullable=False),
    Column("facts", PLAIN_TEXT, nullable=False),  # JSON; no secret, and nobody who was erased
)
