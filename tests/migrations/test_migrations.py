"""Migrations make the tables that the program means."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from collector.errors import StoreUnavailable
from collector.shipped import migrations_dir
from collector.store.engine import make_engine, migrate
from collector.store.schema_version import expected_version, migrations_config
from collector.store.tables import metadata

COLLATIONS = """
    SELECT collname FROM pg_attribute JOIN pg_collation ON pg_collation.oid = attcollation
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
"""
BY_LANGUAGE = "2026_11_30_whole_hours"
"""The version before."""
VERSIONS = sorted((migrations_dir() / "versions").glob("*.py"))


def test_the_tables_that_migrations_make_are_those_of_the_program(migrated: Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_columns_stand_in_the_order_of_the_program(migrated: Engine) -> None:
    inspector = inspect(migrated)
    there = {name: [column["name"] for column in inspector.get_columns(name)] for name in metadata.tables}
    assert there == {name: list(table.columns.keys()) for name, table in metadata.tables.items()}


def test_what_a_comparison_of_columns_does_not_see_is_made_too(empty_postgresql_url: str) -> None:
    engine = make_engine(empty_postgresql_url)
    migrate(engine)
    with engine.connect() as connection:
        key = connection.exec_driver_sql("SELECT pg_get_partkeydef('events'::regclass)").scalar()
        full = "SELECT relname FROM pg_class WHERE 'fillfactor=75' = ANY(reloptions) ORDER BY relname"
        room = list(connection.exec_driver_sql(full).scalars())
        index = connection.exec_driver_sql("SELECT pg_get_indexdef('sessions_open'::regclass)").scalar()
    engine.dispose()
    assert key == "RANGE (session_id)"
    assert room == ["outages", "rollups", "sessions"]
    assert str(index).endswith("(kafka_partition) WHERE (ended_at IS NULL)")


def test_no_text_sorts_by_the_language_of_the_database(empty_postgresql_url: str) -> None:
    engine = make_engine(empty_postgresql_url)
    migrate(engine)
    with engine.connect() as connection:
        found = set(connection.exec_driver_sql(COLLATIONS).scalars())
    engine.dispose()
    assert found == {"C"}


def test_text_of_days_that_were_taken_out_of_their_table_sorts_alike_and_who_writes_meanwhile_stops_it(
    empty_postgresql_url: str,
) -> None:
    engine, config = make_engine(empty_postgresql_url), migrations_config()
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE events_20200101 (LIKE events INCLUDING ALL)")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, BY_LANGUAGE)
    with engine.connect() as connection:
        assert "C" not in set(connection.exec_driver_sql(COLLATIONS).scalars())
        connection.exec_driver_sql("LOCK TABLE kafka_offsets IN ROW EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            migrate(engine)
    assert migrate(engine).found == BY_LANGUAGE
    with engine.connect() as connection:
        assert set(connection.exec_driver_sql(COLLATIONS).scalars()) == {"C"}
    engine.dispose()


def test_there_is_one_line_of_migrations_and_its_head_is_the_last_file() -> None:
    script = ScriptDirectory.from_config(migrations_config())
    in_order = [one.revision for one in script.walk_revisions()][::-1]
    assert in_order == [load(path).revision for path in VERSIONS]
    assert in_order[-1] == expected_version()


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: str(path.stem))
def test_a_migration_is_named_by_its_day_and_stands_on_its_own(path: Path) -> None:
    assert re.fullmatch(r"20\d\d_[01]\d_[0-3]\d_[a-z0-9_]+", path.stem)
    assert path.stem == load(path).revision
    assert len(load(path).revision) <= 32  # what alembic_version holds
    assert "collector" not in re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
