"""Which version of the schema this program was written for, as the migrations name it."""

from __future__ import annotations

from functools import cache
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory

from collector.shipped import migrations_dir

MIGRATE: Final = "roomwatch migrate"


def migrations_config() -> Config:
    """Alembic's configuration; there is no alembic.ini, so that it cannot say something else."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    # A migration's name begins with its day, so that files sort in the order in which they apply.
    config.set_main_option("file_template", "%%(rev)s")
    return config


@cache
def expected_version() -> str:
    """The newest version that the shipped migrations lead to."""
    head = ScriptDirectory.from_config(migrations_config()).get_current_head()
    if head is None:
        raise FileNotFoundError(f"{migrations_dir()} holds no migration: the installation is not whole")
    return head


def is_known(version: str) -> bool:
    """Whether a migration of this program leads to that version; one that is not known is a newer program's."""
    return any(
        script.revision == version for script in ScriptDirectory.from_config(migrations_config()).walk_revisions()
    )
