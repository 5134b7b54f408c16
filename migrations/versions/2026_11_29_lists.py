"""What lists of rooms, sessions and outages go by.

On a large store this takes seconds a million sessions; collectors wait meanwhile.

Revision: 2026_11_29_lists
After: 2026_11_29_access
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_29_lists"
down_revision = "2026_11_29_access"
branch_labels = None
depends_on = None

NAMES = {
    "identity": ["identity"],
    "participant_sid": ["participant_sid"],
    "room_name": ["room_name", "first_append_at"],
}
REJOINED = sa.text("previous_session_id IS NOT NULL")
# An hour, in the words of each database.
TOLD_LATE = sa.text("first_append_at - coalesce(connecting_at, joined_at) > 3600000000")
TOLD_LATE_OF_TIMES = sa.text("first_append_at - coalesce(connecting_at, joined_at) > '01:00:00'::interval")


def upgrade() -> None:
    op.create_index("sessions_room", "sessions", ["room_sid", "first_append_at"])
    op.drop_index("sessions_room_sid", "sessions")
    for name, columns in NAMES.items():
        op.create_index(f"sessions_{name}", "sessions", columns)
    op.create_index(
        "sessions_previous", "sessions", ["previous_session_id"], sqlite_where=REJOINED, postgresql_where=REJOINED
    )
    op.create_index(
        "sessions_told_late",
        "sessions",
        ["first_append_at"],
        sqlite_where=TOLD_LATE,
        postgresql_where=TOLD_LATE_OF_TIMES,
    )
    op.create_index("outages_downtime", "outages", ["downtime_ms"])


def downgrade() -> None:
    op.drop_index("outages_downtime", "outages")
    for name in ("told_late", "previous", *NAMES, "room"):
        op.drop_index(f"sessions_{name}", "sessions")
    op.create_index("sessions_room_sid", "sessions", ["room_sid"])
