"""Sums by the hour, made of the fives, so that a day is few rows.

Quick on any store. Collectors make the sums in the minutes after it; until then answers take as long as before. Those
of versions before have to be stopped: what they write late would not take its hour back.

Revision: 2026_11_30_whole_hours
After: 2026_11_30_updates_in_place
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_whole_hours"
down_revision = "2026_11_30_updates_in_place"
branch_labels = None
depends_on = None

WORDS = ("kind", "code", "cause", "outcome", "fate", "region", "sdk", "sdk_version", "app_version")


def upgrade() -> None:
    types = dict.fromkeys(WORDS, sa.Text()) | {"code": sa.Integer()}
    op.create_table(
        "rollup_hours",
        sa.Column("hour", sa.Integer(), autoincrement=False, primary_key=True),
        *(sa.Column(name, types[name], autoincrement=False, primary_key=True) for name in WORDS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in "nabcd"),
    )
    op.create_table(
        "whole_hours",
        sa.Column("hour", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("is_summed", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("whole_hours")
    op.drop_table("rollup_hours")
