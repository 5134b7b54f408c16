"""Exports over HTTP: sessions, their outages or their events as one file, streamed while the database gives rows.

Rules:
1. Whatever its size, an export takes the memory of some thousand rows.
2. It reads one state of the store, and holds that for `http_export_s` at most, however slowly the client reads.
3. A file that could not be finished is no file: the connection is cut before the end that HTTP would mark.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from collector.api.asking import STOP, Limits
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.export_formats import MEDIA, Format, make_writer, written
from collector.api.fields import PATTERN, TEXT_MAX
from collector.api.filters import VALUES_MAX, CauseWord, Codes, Numbers, SessionFiltersQuery, Time, numbers
from collector.api.problems import problems
from collector.errors import BadFilter, CollectorError, FormatMissing
from collector.store.exporting import COLUMNS, Exported
from collector.store.questions import OutageFilters, Outcome, SessionFilters, Span
from collector.store.reader import Reader
from session_core.instants import utc_from_us

log = logging.getLogger("collector.api")

router = APIRouter(prefix="/exports", tags=["exports"])

COMPLETENESS: Final = "Roomwatch-Completeness"
ROWS_MAX: Final = "Roomwatch-Rows-Max"

_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file. It is whole where the answer ends as HTTP says; where it ends at its row limit, its "
        "last line says `truncated`.",
        "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA.values()},
        "headers": {
            COMPLETENESS: {
                "description": "How complete the sessions are that this is about: JSON, as in other answers.",
                "schema": {"type": "string"},
            },
            ROWS_MAX: {"description": "At how many rows the file ends.", "schema": {"type": "integer"}},
            "Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}},
        },
    }
}


class ExportQuery(SessionFiltersQuery):
    """Whose rows, and how they are written."""

    since: Time = Field(default="-24h", description="Sessions that began then or later.", examples=["-7d"])
    format: Format = Field(default="csv", description="csv, jsonl (a JSON object a line) or parquet.", examples=["csv"])
    limit: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Rows at most; http_export_rows_max where none is named."
    )
    cause: Annotated[list[CauseWord], Field(max_length=VALUES_MAX)] = Field(
        default=[], description="Of outages: what was lost first.", examples=[["signaling"]]
    )
    outcome: Annotated[list[Outcome], Field(max_length=VALUES_MAX)] = Field(
        default=[], description="Of outages: what became of them.", examples=[["failed"]]
    )
    outage_code: Codes = Field(
        default=[],
        description="Of outages: the code that they were closed with; `code` is that of their sessions.",
        examples=[[53002]],
    )
    downtime_ms: Numbers = Field(default=[], description="Of outages: how long they took.", examples=[["5000.."]])
    fields: Annotated[str, StringConstraints(max_length=TEXT_MAX)] | None = Field(
        default=None,
        description="Only these columns, separated by commas.",
        json_schema_extra={"pattern": PATTERN},
        examples=["session_id"],
    )

    def of_outages(self, rows: Exported) -> OutageFilters:
        """The filters of outages as the store takes them. Raises BadFilter where other rows are asked for."""
        for name in ("cause", "outcome", "outage_code", "downtime_ms"):
            if rows != "outages" and (told := getattr(self, name)):
                raise BadFilter(name, str(told[0]), f"is a filter of outages, not of {rows}: take /exports/outages")
        return OutageFilters(
            cause=tuple(self.cause),
            outcome=tuple(self.outcome),
            code=tuple(self.outage_code),
            downtime_ms=numbers(self.downtime_ms),
        )

    def columns(self, rows: Exported) -> tuple[str, ...]:
        """The names of the columns; none: all. Raises BadFilter for names that these rows do not have."""
        names = () if self.fields is None else tuple(self.fields.split(","))
        known = tuple(column.name for column in COLUMNS[rows])
        for name in names:
            if name not in known:
                why = f"{name or 'nothing'} is no column of {rows}; these are: {', '.join(known)}"
                raise BadFilter("fields", self.fields or "", why, known)
        return names


@router.get("/{rows}", response_class=Response, responses={**_ANSWER, **problems(FormatMissing)})
def export_rows(
    request: Request,
    rows: Annotated[Exported, Path(description="What a row is about.", examples=["sessions"])],
    query: Annotated[ExportQuery, Query()],
    reader: ReaderDep,
    now_us: NowDep,
) -> Response:
    """Sessions that match all filters, or all outages or events of those sessions, as one file; the newest first."""
    limits = cast("Limits", request.app.state.limits)
    rows_max = min(query.limit or limits.export_rows, limits.export_rows)
    selected = (rows, query.span(now_us), query.filters(now_us), query.of_outages(rows), query.columns(rows))
    asked = _Asked(reader, selected, query.format, rows_max, now_us)
    parts = asked.parts()
    headers = {
        COMPLETENESS: next(parts).decode(),
        ROWS_MAX: str(rows_max),
        "Content-Disposition": f'attachment; filename="{_name(rows, now_us)}.{query.format}"',
        "Content-Type": MEDIA[query.format],
    }
    return _Streamed(parts, headers)


_Selected = tuple[Exported, Span, SessionFilters, OutageFilters, tuple[str, ...]]
"""Rows of what, of which sessions and which of their outages, and which columns."""


class _Asked:
    """An export that somebody asked for."""

    def __init__(self, reader: Reader, asked: _Selected, wanted: Format, rows_max: int, now_us: int) -> None:
        self._reader = reader
        self._asked = asked
        self._format: Format = wanted
        self._rows_max = rows_max
        self._now_us = now_us

    def parts(self) -> Iterator[bytes]:
        """First how complete it is, as JSON; then the file. Each part is made in whatever thread asks for it."""
        with self._reader.export(*self._asked) as export:
            complete = export.completeness(self._now_us).model_dump_json()
            writer = make_writer(self._format, export.columns, {"roomwatch.completeness": complete})
            yield complete.encode()
            with closing(export.rows(self._rows_max)) as rows:
                yield from written(writer, rows)
            why = f"there are more than {self._rows_max} rows; ask for a shorter range or with more filters"
            yield writer.end(why if export.truncated else None)


def _name(rows: Exported, now_us: int) -> str:
    return f"roomwatch-{rows}-{utc_from_us(now_us):%Y%m%dT%H%M%SZ}"


class _Streamed(Response):
    """Sends the parts as they are made, each when the client has taken those before."""

    def __init__(self, parts: Iterator[bytes], headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive  # collector/api/asking.py listens whether the client hangs up
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while (part := await run_in_threadpool(next, self._parts, None)) is not None:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (CollectorError, TimeoutError) as error:
            if scope[STOP].is_for_nobody:
                log.info("%s was cut off: the client hung up", scope["path"])
            else:
                log.warning("%s was cut off: %s", scope["path"], str(error) or "the client did not read on in time")
        finally:
            # Where the server cuts it off, a thread may still make a part: it ends with its question.
            with suppress(ValueError):
                await run_in_threadpool(self._parts.close)  # type: ignore[attr-defined]
