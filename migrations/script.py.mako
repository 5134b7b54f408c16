"""${message}

Before this is merged (python tools/new_migration.py "what it does" made this file):

1. It must not hold a lock that a writing collector needs for longer than a moment. env.py gives a statement 4 s to get
   its lock and 60 s to end.
   - A new column is nullable or has a constant default; it is filled in slices, later, by the program.
   - An index on a table with data: `with op.get_context().autocommit_block():` and
     `op.create_index(..., postgresql_concurrently=True, if_not_exists=True)`. On `events`, which is partitioned, that
     is an index a day.
   - A constraint is added NOT VALID and validated by a migration of its own.
2. The *previous* version of the program still runs while this is applied, and after it. A column that goes is first no
   longer read, then no longer written, then, a release later, dropped. A name that changes is a new column and the
   death of the old one.
3. It works on SQLite and PostgreSQL: types by `with_variant`, changes of a table in SQLite by
   `with op.batch_alter_table(...)`.
4. It says what it means by itself: it does not import tables.py, which will have moved on when this runs again.
5. There is a way back as long as it loses nothing; one that would lose data raises.

Revision: ${up_revision}
After: ${down_revision | comma,n}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
