"""What Alertmanager tells of.

Revision: 2026_11_28_incidents
After: 2026_11_24_replayed_dead_letters
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_incidents"
down_revision = "2026_11_24_replayed_dead_letters"
branch_labels = None
depends_on = None

# µs since 1970 where the database has no time of its own.
MICROS = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("started_at", MICROS, primary_key=True),
        sa.Column("ended_at", MICROS),
        sa.Column("told_at", MICROS, nullable=False),
        sa.Column("alertname", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text()),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("annotations", sa.Text(), nullable=False),
    )
    op.create_index("incidents_started", "incidents", ["started_at"])
    op.create_index("incidents_told", "incidents", ["told_at"])


def downgrade() -> None:
    op.drop_table("incidents")
