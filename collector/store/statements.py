"""Parts of statements, made of the tables: what both databases' SQL is put together from."""

from __future__ import annotations

from sqlalchemy import Table


def names(table: Table) -> str:
    """All columns."""
    return ", ".join(column.name for column in table.columns)


def key(table: Table) -> str:
    """The columns of the key."""
    return ", ".join(column.name for column in table.primary_key)


def others(table: Table) -> list[str]:
    """The columns beside the key."""
    return [column.name for column in table.columns if not column.primary_key]


def replacing(table: Table) -> str:
    """After an INSERT: a row whose key is there already is replaced."""
    return (
        f"ON CONFLICT ({key(table)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others(table))}"
    )


def adding(table: Table) -> str:
    """After an INSERT: what a row holds is added to the row whose key is there already."""
    sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in others(table))
    return f"ON CONFLICT ({key(table)}) DO UPDATE SET {sums}"


def is_row(table: Table, mark: str) -> str:
    """Whether a row has the key whose values stand in the order of its columns; `mark` is the driver's placeholder."""
    return " AND ".join(f"{column.name} = {mark}" for column in table.primary_key)


def nothing(table: Table) -> str:
    """Whether a row of sums says nothing."""
    return " AND ".join(f"{table.name}.{name} = 0" for name in others(table))
