"""Begins a migration: `python tools/new_migration.py "drop platform of sessions"`, then fill in what it does.

The file is named by the day and the words; what to think of stands in the file, from migrations/script.py.mako.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alembic import command

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collector.store.schema_version import migrations_config

NAME_LENGTH_MAX: Final = 32
"""What the column of alembic_version holds."""


def main(words: list[str]) -> int:
    """Writes the file and says where it is."""
    message = " ".join(words).strip()
    if not message:
        print('say what it does: python tools/new_migration.py "drop platform of sessions"', file=sys.stderr)
        return 2
    name = migration_name(message, datetime.now(tz=UTC))  # noqa: TID251 - a tool at the edge; a name wants today
    made = command.revision(migrations_config(), message, rev_id=name)
    print(getattr(made, "path", made))
    return 0


def migration_name(message: str, today: datetime) -> str:
    """`2026_11_24_drop_platform_of_sessions`, as far as there is room."""
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    return f"{today:%Y_%m_%d}_{slug}"[:NAME_LENGTH_MAX].rstrip("_")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
