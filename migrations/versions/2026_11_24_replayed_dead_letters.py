"""When a dead letter was sent again.

Revision: 2026_11_24_replayed_dead_letters
After: 2026_11_24_first_schema
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_replayed_dead_letters"
down_revision = "2026_11_24_first_schema"
branch_labels = None
depends_on = None

# µs since 1970 where the database has no time of its own.
MICROS = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("dead_letters", sa.Column("replayed_at", MICROS))


def downgrade() -> None:
    with op.batch_alter_table("dead_letters") as table:
        table.drop_column("replayed_at")
