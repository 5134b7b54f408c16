"""The first schema.

Days of `events` are made by the writer, as data comes; see collector/store/partitions_postgresql.py.

Revision: 2026_11_24_first_schema
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_first_schema"
down_revision = None
branch_labels = None
depends_on = None

# µs since 1970 where the database has no time of its own, 16 bytes where it has no UUID.
MICROS = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
UUID = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")
OPEN = sa.text("ended_at IS NULL")
ROOM_TO_GROW = {"fillfactor": 75}


def upgrade() -> None:
    make_events()
    make_sessions()
    make_outages()
    make_rollups()
    make_kafka_offsets()
    make_dead_letters()


def downgrade() -> None:
    raise NotImplementedError("nothing lies before the first schema; drop the database instead")


def make_events() -> None:
    op.create_table(
        "events",
        sa.Column("session_id", UUID, primary_key=True),
        sa.Column("seq", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("event_at", MICROS, nullable=False),
        sa.Column("append_at", MICROS, nullable=False),
        sa.Column("stored_at", MICROS, nullable=False),
        sa.Column("kafka_partition", sa.Integer(), nullable=False),
        sa.Column("kafka_offset", sa.BigInteger(), nullable=False),
        sa.Column("room_sid", sa.Text()),
        sa.Column("participant_sid", sa.Text()),
        sa.Column("from_state", sa.Text()),
        sa.Column("to_state", sa.Text()),
        sa.Column("subject_sid", sa.Text()),
        sa.Column("region", sa.Text()),
        sa.Column("network_type", sa.Text()),
        sa.Column("error_code", sa.Integer()),
        sa.Column("error_origin", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("outage_number", sa.Integer()),
        sa.Column("attempts", sa.Integer()),
        sa.Column("downtime_ms", sa.BigInteger()),
        sa.Column("extra", sa.Text()),
        postgresql_partition_by="RANGE (session_id)",
        sqlite_with_rowid=False,
    )


def make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", UUID, primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kafka_partition", sa.Integer(), nullable=False),
        sa.Column("room_sid", sa.Text()),
        sa.Column("room_name", sa.Text()),
        sa.Column("participant_sid", sa.Text()),
        sa.Column("identity", sa.Text()),
        sa.Column("previous_session_id", UUID),
        sa.Column("policy", sa.Text()),
        sa.Column("connecting_at", MICROS),
        sa.Column("joined_at", MICROS),
        sa.Column("last_event_at", MICROS, nullable=False),
        sa.Column("first_append_at", MICROS, nullable=False),
        sa.Column("last_append_at", MICROS, nullable=False),
        sa.Column("clock_offset_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sdk", sa.Text()),
        sa.Column("sdk_version", sa.Text()),
        sa.Column("app_version", sa.Text()),
        sa.Column("platform", sa.Text()),
        sa.Column("network_type", sa.Text()),
        sa.Column("region", sa.Text()),
        sa.Column("media_region", sa.Text()),
        sa.Column("token_expires_at", MICROS),
        sa.Column("token_ttl_s", sa.Integer()),
        sa.Column("terminal_type", sa.Text()),
        sa.Column("terminal_from", sa.Text()),
        sa.Column("terminal_code", sa.Integer()),
        sa.Column("terminal_origin", sa.Text()),
        sa.Column("terminal_reason", sa.Text()),
        sa.Column("terminal_at", MICROS),
        sa.Column("terminal_vendor_code", sa.Integer()),
        sa.Column("outages", sa.Integer(), nullable=False),
        sa.Column("reconnecting_ms", sa.BigInteger(), nullable=False),
        sa.Column("connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.Text()),
        sa.Column("received_to", sa.Integer(), nullable=False),
        sa.Column("received_more", sa.LargeBinary()),
        sa.Column("told_until", MICROS),
        sa.Column("lost_at", MICROS),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("ended_at", MICROS),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        postgresql_with=ROOM_TO_GROW,
    )
    op.create_index("sessions_room_sid", "sessions", ["room_sid"])
    op.create_index("sessions_started", "sessions", ["first_append_at"])
    op.create_index("sessions_fate_ended", "sessions", ["fate", "ended_at"])
    op.create_index("sessions_told_until", "sessions", ["told_until"])
    op.create_index("sessions_open", "sessions", ["kafka_partition"], sqlite_where=OPEN, postgresql_where=OPEN)


def make_outages() -> None:
    op.create_table(
        "outages",
        sa.Column("session_id", UUID, primary_key=True),
        sa.Column("number", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("kafka_partition", sa.Integer(), nullable=False),
        sa.Column("started_at", MICROS, nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("since_previous_ms", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("signaling_down_ms", sa.BigInteger(), nullable=False),
        sa.Column("media_down_ms", sa.BigInteger(), nullable=False),
        sa.Column("downtime_ms", sa.BigInteger(), nullable=False),
        sa.Column("closing_type", sa.Text()),
        sa.Column("closing_code", sa.Integer()),
        sa.Column("closing_origin", sa.Text()),
        sa.Column("closing_at", MICROS),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        postgresql_with=ROOM_TO_GROW,
    )
    op.create_index("outages_started", "outages", ["started_at"])


def make_rollups() -> None:
    op.create_table(
        "rollups",
        sa.Column("minute", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("kafka_partition", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("code", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("cause", sa.Text(), primary_key=True),
        sa.Column("outcome", sa.Text(), primary_key=True),
        sa.Column("fate", sa.Text(), primary_key=True),
        sa.Column("region", sa.Text(), primary_key=True),
        sa.Column("sdk", sa.Text(), primary_key=True),
        sa.Column("sdk_version", sa.Text(), primary_key=True),
        sa.Column("app_version", sa.Text(), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("a", sa.BigInteger(), nullable=False),
        sa.Column("b", sa.BigInteger(), nullable=False),
        postgresql_with=ROOM_TO_GROW,
    )


def make_kafka_offsets() -> None:
    op.create_table(
        "kafka_offsets",
        sa.Column("cluster_id", sa.Text(), primary_key=True),
        sa.Column("topic", sa.Text(), primary_key=True),
        sa.Column("kafka_partition", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("consumer_group", sa.Text(), primary_key=True),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
    )


def make_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("topic", sa.Text(), primary_key=True),
        sa.Column("kafka_partition", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("kafka_offset", sa.BigInteger(), primary_key=True),
        sa.Column("append_at", MICROS, nullable=False),
        sa.Column("stored_at", MICROS, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("value", sa.LargeBinary()),
    )
    op.create_index("dead_letters_stored", "dead_letters", ["stored_at"])
