"""What says of a stretch of time how much is missing of what was told in it.

On a large store this takes a second a million sessions; collectors wait meanwhile.

Revision: 2026_11_29_odd_sessions
After: 2026_11_29_lists
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_29_odd_sessions"
down_revision = "2026_11_29_lists"
branch_labels = None
depends_on = None

ODD = sa.text("received_more IS NOT NULL OR lost IS NOT NULL")


def upgrade() -> None:
    op.create_index("sessions_odd", "sessions", ["last_append_at"], sqlite_where=ODD, postgresql_where=ODD)


def downgrade() -> None:
    op.drop_index("sessions_odd", "sessions")
