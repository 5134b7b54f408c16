"""Closed days as Parquet: one directory a day, which DuckDB, Spark, Trino or ClickHouse read as it is.

    ARCHIVE/v1/day=2026-11-23/sessions/part-0.parquet   outages/…   events/…   manifest.json

Rules:
1. A day is written whole or not at all: into a directory beside, checked against the store, then renamed. One process
   at a time writes, so that what lies half written beside is known to be a killed one's.
2. What was written is never changed. Columns are added, never renamed or removed, within a version of the schema.
3. Client times are as they were told; `correction_us` is what to add to them. Nothing of how rows merge is here.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Engine

from collector.errors import ArchiveError
from collector.store.days import Days, look
from collector.store.tables import events, outages, sessions

SCHEMA: Final = 1
TABLES: Final = {"sessions": sessions, "outages": outages, "events": events}
INTERNAL: Final = frozenset({"keys", "received_more", "version", "opened_at", "correction_us"})
"""Columns that say how rows are merged, or what others of the row imply."""
NAMING: Final = {
    "sessions/part-0.parquet": ("identity", "participant_sid"),
    "events/part-0.parquet": ("participant_sid", "subject_sid"),
}
"""Columns that name a participant."""
MANIFEST: Final = "manifest.json"
UNFINISHED: Final = ".unfinished-"
LOCK: Final = ".lock"

_US: Final = pa.timestamp("us", tz="UTC")
_TYPES: Final = {
    "Uuid": pa.string(),
    "Micros": _US,
    "Text": pa.string(),
    "Integer": pa.int32(),
    "BigInteger": pa.int64(),
}

Tell = Callable[[int, int], None]
"""Hears how many rows of how many are written."""


class Archived(NamedTuple):
    """A day in the archive, and how many rows of each table it has."""

    day: date
    rows: dict[str, int]


def schema_of(name: str) -> pa.Schema:
    """The columns of a table, as the archive has them."""
    table = TABLES[name]
    fields = [
        pa.field(column.name, _TYPES[type(column.type).__name__], nullable=bool(column.nullable))
        for column in table.columns
        if column.name not in INTERNAL
    ]
    if name != "events":
        fields.append(pa.field("correction_us", pa.int64(), nullable=False))
    return pa.schema(fields, metadata={"roomwatch.schema": str(SCHEMA), "roomwatch.table": name})


def closed_days(engine: Engine, today: date, closed_after_days: int) -> tuple[list[date], dict[date, int]]:
    """Days that ended so long ago, oldest first; of those, days with sessions that have not ended, and how many."""
    with look(engine) as days:
        past = [day for day in days.held() if day + timedelta(days=closed_after_days) < today]
        going_on = {day: count for day in past if (count := days.open_sessions(day))}
    return [day for day in past if day not in going_on], going_on


class Archive:
    """A folder of days."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"v{SCHEMA}"

    def path(self, day: date) -> Path:
        """Where a day lies, or would."""
        return self._folder / f"day={day.isoformat()}"

    def days(self) -> list[date]:
        """The days that are here, oldest first."""
        if not self._folder.is_dir():
            return []
        names = (path.name for path in self._folder.iterdir() if (path / MANIFEST).is_file())
        return sorted(date.fromisoformat(name.removeprefix("day=")) for name in names if name.startswith("day="))

    def naming(self, names: Collection[str]) -> list[date]:
        """The days whose sessions or events name one of these: an identity, or the SID of a participant.

        Reads these columns of every day, some rows at a time. Raises ArchiveError.
        """
        return [day for day in self.days() if any(_names(self.path(day) / name, names) for name in NAMING)]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this is open nobody else writes here, on this machine or in a container that shares the folder.

        Raises ArchiveError. The lock goes with the process that has it, however that ends.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ArchiveError(str(self._folder), f"cannot be written: {error.strerror or error}") from error
        try:
            self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def write(self, engine: Engine, day: date, tell: Tell) -> Archived:
        """Writes a day as it stands in the store now, `alone`. Raises ArchiveError, and what the store raises."""
        if self.path(day).exists():
            raise ArchiveError(str(self.path(day)), "is there already; a day is written once")
        unfinished = self._folder / f"{UNFINISHED}{day.isoformat()}"
        try:
            unfinished.mkdir(parents=True)
            with look(engine) as days:
                archived = _write(days, day, unfinished, tell)
            _check(archived, unfinished)
            _settle(unfinished)
            unfinished.rename(self.path(day))
            _sync(self._folder)
        except OSError as error:
            raise ArchiveError(str(self._folder), f"cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return archived

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArchiveError(str(self._folder), "is being written by another process") from None
        except OSError as error:
            raise ArchiveError(str(self._folder), f"cannot be locked: {error.strerror or error}") from error

    def clear(self) -> int:
        """Removes, `alone`, what runs that were killed left unfinished; returns how many directories."""
        left = list(self._folder.glob(f"{UNFINISHED}*"))
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)


def _names(path: Path, names: Collection[str]) -> bool:
    wanted = pa.array(sorted(names))
    try:
        with pq.ParquetFile(path) as file:
            columns = list(NAMING[f"{path.parent.name}/{path.name}"])
            for rows in file.iter_batches(columns=columns):
                if any(pc.any(pc.is_in(column, wanted)).as_py() for column in rows.columns):
                    return True
    except (OSError, pa.ArrowException) as error:
        raise ArchiveError(str(path), f"cannot be read: {error}") from error
    return False


def _write(days: Days, day: date, folder: Path, tell: Tell) -> Archived:
    counts = {name: days.count(table, day) for name, table in TABLES.items()}
    of, done = sum(counts.values()), 0
    for name, table in TABLES.items():
        schema = schema_of(name)
        path = folder / name / "part-0.parquet"
        path.parent.mkdir()
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            for rows in days.rows(table, day, schema.names):
                file.write_batch(_batch(rows, schema))
                done += len(rows)
                tell(done, of)
    manifest = {"schema": SCHEMA, "day": day.isoformat(), "rows": counts}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return Archived(day, counts)


def _batch(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.record_batch(
        [pa.array(_plain(values), type=field.type) for values, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _plain(values: tuple[Any, ...]) -> list[Any]:
    return [str(value) if isinstance(value, UUID) else value for value in values]


def _check(archived: Archived, folder: Path) -> None:
    """Raises ArchiveError where a file does not hold what the store counted."""
    for name, expected in archived.rows.items():
        path = folder / name / "part-0.parquet"
        found = pq.read_metadata(path).num_rows
        if found != expected:
            raise ArchiveError(str(path), f"holds {found} rows, the store counted {expected}; nothing was archived")


def _settle(folder: Path) -> None:
    """All of it is on the disk."""
    for path in _files(folder):
        _sync(path)


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*"), reverse=True)
    yield folder


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
