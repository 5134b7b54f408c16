"""`archive`: closed days as Parquet, for whoever asks about more than the store keeps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli.edge import DONE, FOUND, Commands, add_configured, positive, settings_of
from collector.cli.progress import Progress
from collector.errors import ExtraMissing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from collector.archive import Archive

ABOUT: Final = "write days that are over as Parquet files, one directory a day"


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the command to the grammar."""
    archive = add_configured(commands, "archive", _archive, ABOUT, whole=whole)
    archive.add_argument("folder", type=Path, metavar="DIR", help="where the archive lies; what is there already stays")
    archive.add_argument(
        "--closed-after",
        type=positive,
        default=2,
        metavar="DAYS",
        help="a day counts as over so many days after it ended; default: %(default)s",
    )
    archive.add_argument("--dry-run", action="store_true", help="say which days would be written, and write nothing")


def _archive(told: argparse.Namespace) -> int:
    try:
        from collector.archive import Archive, closed_days  # noqa: PLC0415 - see the package's docstring
    except ModuleNotFoundError as error:
        raise ExtraMissing("archive", "archive", error.name or "pyarrow") from None
    from collector.store.engine import make_engine, require_schema  # noqa: PLC0415

    settings = settings_of(told)
    archive = Archive(told.folder)
    engine = make_engine(settings.database_url.get_secret_value())
    try:
        require_schema(engine)
        today = datetime.now(tz=UTC).date()  # noqa: TID251 - at the process's edge
        closed, going_on = closed_days(engine, today, told.closed_after)
        if told.dry_run:
            there = archive.days()
            for day in (day for day in closed if day not in there):
                print(f"{day}: would be written to {archive.path(day)}")
        else:
            _write(archive, engine, closed)
    finally:
        engine.dispose()
    for day, count in going_on.items():
        print(f"{day}: left out, {count:,} of its sessions have not ended")
    print(f"{len(archive.days())} days are in {told.folder}")
    return FOUND if going_on else DONE


def _write(archive: Archive, engine: Engine, closed: Sequence[date]) -> None:
    with archive.alone():
        archive.clear()
        there = archive.days()
        for day in (day for day in closed if day not in there):
            progress = Progress("rows")
            try:
                written = archive.write(engine, day, progress.tell)
            finally:
                progress.end()
            print(f"{day}: {', '.join(f'{count:,} {name}' for name, count in written.rows.items())}")
