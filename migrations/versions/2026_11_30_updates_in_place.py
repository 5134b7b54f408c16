"""What lets PostgreSQL update a session in its place, without a word to its indexes: none holds what events change.

On a large store this takes a second a million sessions; collectors wait meanwhile. Those of versions before have to
be stopped: what they write lacks what this adds.

Revision: 2026_11_30_updates_in_place
After: 2026_11_30_sums
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_updates_in_place"
down_revision = "2026_11_30_sums"
branch_labels = None
depends_on = None

ODD = sa.text("received_more IS NOT NULL OR lost IS NOT NULL")
WRONG_CLOCK = sa.text("correction_us IS NOT NULL")
WRONG_CLOCK_BEFORE = sa.text("clock_offset_us < -2000000 OR clock_offset_us > 2000000")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
    drop_indexes()
    op.add_column("sessions", sa.Column("correction_us", sa.BigInteger(), nullable=True))
    op.execute(f"UPDATE sessions SET correction_us = clock_offset_us WHERE {WRONG_CLOCK_BEFORE}")
    make_indexes("told_until", WRONG_CLOCK)


def downgrade() -> None:
    drop_indexes()
    op.drop_column("sessions", "correction_us")
    make_indexes("last_append_at", WRONG_CLOCK_BEFORE)


def drop_indexes() -> None:
    for name in ("sessions_odd", "sessions_wrong_clock"):
        op.drop_index(name, "sessions")


def make_indexes(column: str, wrong_clock: sa.TextClause) -> None:
    for name, which in (("sessions_odd", ODD), ("sessions_wrong_clock", wrong_clock)):
        op.create_index(name, "sessions", [column], sqlite_where=which, postgresql_where=which)
