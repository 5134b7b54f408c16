"""Text of PostgreSQL sorts by its characters' numbers, whatever the language of whoever made the database.

Indexes of text are made anew: a quarter of a minute a million sessions (3.9 s for 300,000 of ten events), in which
nobody writes and nobody reads, so collectors are stopped for it. Where the database was made with the locale C it takes
as long. SQLite has it so.

Revision: 2026_11_30_without_language
After: 2026_11_30_whole_hours
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_without_language"
down_revision = "2026_11_30_whole_hours"
branch_labels = None
depends_on = None

TEXTS = {
    "events": (
        "type room_sid participant_sid from_state to_state subject_sid region network_type error_origin reason extra"
    ),
    "sessions": (
        "room_sid room_name participant_sid identity policy state sdk sdk_version app_version platform "
        "network_type region media_region terminal_type terminal_from terminal_origin terminal_reason "
        "lost fate"
    ),
    "outages": "cause closing_type closing_origin outcome",
    "rollups": "kind cause outcome fate region sdk sdk_version app_version",
    "rollup_fives": "kind cause outcome fate region sdk sdk_version app_version",
    "rollup_hours": "kind cause outcome fate region sdk sdk_version app_version",
    "kafka_offsets": "cluster_id topic consumer_group",
    "dead_letters": "topic reason place detail",
    "incidents": "fingerprint alertname severity labels annotations",
    "api_tokens": "token_id name scopes secret_hash",
    "logins": "kind name scopes token_id",
    "audit": "event actor facts",
}


# Days of events that were taken out of their table, to be dropped or to come back: they have to look like it then.
DETACHED = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname LIKE 'events\\_%'
    AND (NOT relispartition OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = oid AND inhdetachpending))
"""


def upgrade() -> None:
    sort_by("C")


def downgrade() -> None:
    sort_by("default")


def sort_by(collation: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("SET LOCAL statement_timeout = 0")
    # All at once and in the order of who writes: whoever is still at work makes this fail before it has done anything.
    others = (table for table in TEXTS if table != "kafka_offsets")
    op.execute(f"LOCK TABLE kafka_offsets, {', '.join(others)} IN ACCESS EXCLUSIVE MODE")
    days = list(op.get_bind().execute(sa.text(DETACHED)).scalars())
    for table, columns in [*TEXTS.items(), *((day, TEXTS["events"]) for day in days)]:
        anew = (f'ALTER {column} TYPE text COLLATE "{collation}"' for column in columns.split())
        op.execute(f"ALTER TABLE {table} {', '.join(anew)}")
    # What was known of the columns is forgotten with their type, and nothing looks at old days again. Of a table that
    # it has seen empty PostgreSQL believes that it stays so.
    for table in ("events", "sessions", "outages", "rollups", "rollup_fives", "rollup_hours"):
        if op.get_bind().scalar(sa.text(f"SELECT EXISTS (SELECT FROM {table})")):
            op.execute(f"ANALYZE {table}")
