"""An archive of a month and what the store answers of it: what DuckDB and Spark are held to."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from collector.archive import Archive, closed_days
from collector.store.questions import Span
from collector.store.reader import Reader
from session_core.events import us_from_utc
from tests.filling import fill
from tests.histories import fleet

PAGE: Final = Path(__file__).parents[1] / "docs" / "archive.md"
DAY_US: Final = 86_400_000_000
SESSIONS: Final = 900
DECEMBER: Final = Span(us_from_utc(datetime(2025, 12, 1, tzinfo=UTC)), us_from_utc(datetime(2026, 1, 1, tzinfo=UTC)))
BEGUN_US: Final = DECEMBER.since_us - DAY_US
NOW_US: Final = DECEMBER.until_us + 5 * DAY_US
TODAY: Final = date(2026, 1, 6)

Failures = list[tuple[str, int, int]]
"""Phase, code and how many sessions."""


def fill_a_month(engine: Engine) -> None:
    """Sessions of 33 days, December among them; most of the silent ones are lost by the end of it."""
    fill(engine, fleet(SESSIONS, begun_us=BEGUN_US, every_us=33 * DAY_US // SESSIONS), now_us=NOW_US)


def write_all(engine: Engine, folder: Path) -> Archive:
    """Every closed day."""
    archive = Archive(folder)
    closed, going_on = closed_days(engine, TODAY, closed_after_days=2)
    assert going_on == {}
    for day in closed:
        archive.write(engine, day, lambda _done, _of: None)
    return archive


def failures_by_the_api(engine: Engine) -> Failures:
    """What GET /api/v1/failure-codes answers of December."""
    answer = Reader(engine).failure_codes(DECEMBER, now_us=NOW_US)
    return sorted((item.phase, item.error.code, item.count) for item in answer.items)


def statements() -> Iterator[str]:
    """The SQL of the page, in order."""
    yield from re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
