"""An archive of a month and what the store answers of it: what DuckDB and Spark are held to."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine

from collector.archive import Archive, closed_days
from session_core.instants import us_from_utc
from tests.filling import fill
from tests.histories import fleet
from tests.plain_app import plain_app

PAGE: Final = Path(__file__).parents[1] / "docs" / "archive.md"
DAY_US: Final = 86_400_000_000
SESSIONS: Final = 900
DECEMBER: Final = {"since": "2025-12-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
BEGUN_US: Final = us_from_utc(datetime(2025, 11, 30, tzinfo=UTC))
NOW_US: Final = us_from_utc(datetime(2026, 1, 6, tzinfo=UTC))
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
    """What GET /api/v1/breakdowns/failure-codes answers of December."""
    app = plain_app(engine, NOW_US)

    async def ask() -> Any:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            answer = await client.get("/api/v1/breakdowns/failure-codes", params=DECEMBER)
            return answer.raise_for_status().json()

    return sorted((one["phase"], one["error"]["code"], one["count"]) for one in asyncio.run(ask())["items"])


def statements() -> Iterator[str]:
    """The SQL of the page, in order."""
    yield from re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
