"""Tokens, logins, and the audit of what was done with them.

Revision: 2026_11_29_access
After: 2026_11_28_incidents
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_29_access"
down_revision = "2026_11_28_incidents"
branch_labels = None
depends_on = None

# µs since 1970 where the database has no time of its own; a UUID as 16 bytes where it has none.
MICROS = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", MICROS, nullable=False),
        sa.Column("expires_at", MICROS),
        sa.Column("used_at", MICROS),
        sa.Column("revoked_at", MICROS),
    )
    op.create_table(
        "logins",
        sa.Column("secret_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text()),
        sa.Column("created_at", MICROS, nullable=False),
        sa.Column("expires_at", MICROS, nullable=False),
        sa.Column("seen_at", MICROS, nullable=False),
    )
    op.create_index("logins_expires", "logins", ["expires_at"])
    op.create_table(
        "audit",
        sa.Column("at", MICROS, primary_key=True),
        sa.Column("entry_id", ID, primary_key=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    for table in ("audit", "logins", "api_tokens"):
        op.drop_table(table)
