"""Codes: which there were, what each means, whom it hits, what to do."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from collector.api.behind import FAILED, between, failed, heard, tried
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.linked_charts import LinkedChart, over_time
from collector.api.meanings import MEANINGS, meaning
from collector.api.pages.showing import page
from collector.api.stretches import RANGES, RangeName
from collector.errors import CodeNotFound
from collector.store.questions import Dimension, Span
from collector.store.reader import Reader
from collector.store.reader_incidents import hit
from collector.store.views import FailureCodes
from collector.store.views_incidents import Hit
from session_core.errors import CATALOGUE
from session_core.instants import us_from_utc

router = APIRouter(default_response_class=HTMLResponse)

_SPLIT_BY: Final[tuple[tuple[Dimension, str], ...]] = (
    ("region", "Region"),
    ("app_version", "App version"),
    ("sdk_version", "SDK version"),
)
_FATES: Final = [fate for fates in FAILED.values() for fate in fates]
_PHASES: Final = {"session": "in the room", "join": "joining"}
_STACK: Final = {"code-0": "dropped from a room", "code-1": "could not join"}
_KEYS: Final = {"session": "code-0", "join": "code-1"}
VALUES_SHOWN: Final = 8


@router.get("/codes")
def codes_page(
    request: Request, reader: ReaderDep, now_us: NowDep, last: Annotated[RangeName, Query()] = "7d"
) -> HTMLResponse:
    """The codes that there were, and all others that there are."""
    with reader.together() as seen:
        return page(request, "codes", _codes(seen, last, now_us), now_us)


@router.get("/codes/{code}")
def code_page(
    request: Request,
    code: Annotated[int, Path(ge=0, le=2**31 - 1)],
    reader: ReaderDep,
    now_us: NowDep,
    last: Annotated[RangeName, Query()] = "7d",
) -> HTMLResponse:
    """One code. Raises CodeNotFound where neither the catalogue nor a session of the range has it."""
    with reader.together() as seen:
        return page(request, "code", _code(seen, code, last, now_us), now_us)


def _codes(reader: Reader, last: RangeName, now_us: int) -> dict[str, Any]:
    span, step = RANGES[last].span(now_us), RANGES[last].bucket_us
    told = reader.failure_codes(span, bucket_us=step, now_us=now_us)
    counts: dict[int, int] = {}
    for one in told.items:
        counts[one.error.code] = counts.get(one.error.code, 0) + one.count
    return {
        "told": told,
        "rows": [
            {
                "code": code,
                "count": counts[code],
                "rows": failed([code], between(told.since, told.until)),
                "error": next(one.error for one in told.items if one.error.code == code),
                "while": [_PHASES[one.phase] for one in told.items if one.error.code == code],
                "trend": _trend(told, code, span, step),
            }
            for code in sorted(counts, key=lambda code: (-counts[code], code))
        ],
        "failed": sum(counts.values()) + told.failures_left_out,
        "all_failed": tried(between(told.since, told.until), _FATES),
        "others": [row for code, row in CATALOGUE.items() if code not in counts],
        "meaning": meaning,
        "ranges": RANGES,
        "last": last,
        "completeness": told.completeness,
        "heard": heard(told.since, told.until),
    }


def _code(reader: Reader, code: int, last: RangeName, now_us: int) -> dict[str, Any]:
    span, step = RANGES[last].span(now_us), RANGES[last].bucket_us
    told = reader.failure_codes(span, code=code, bucket_us=step, now_us=now_us)
    row = CATALOGUE.get(code)
    if row is None and not told.items:
        raise CodeNotFound(code)
    return {
        "code": code,
        "row": row,
        "name": row.name if row else "A code of the server's own",
        "says": meaning(code),
        "known": MEANINGS.get(code),
        "count": {phase: sum(one.count for one in told.items if one.phase == phase) for phase in _PHASES},
        "behind": lambda by, value: failed([code], between(told.since, told.until), also=[(by, value or "")]),
        "there": lambda by, value: tried(between(told.since, told.until), also=[(by, value or "")]),
        "chart": _chart(told, code, span, step),
        "hits": [(by, label, _hits(reader, code, span, by, now_us)) for by, label in _SPLIT_BY] if told.items else [],
        "sessions": reader.failed_with(code, span) if told.items else (),
        "ranges": RANGES,
        "last": last,
        "told": told,
        "completeness": told.completeness,
        "heard": heard(told.since, told.until),
    }


def _chart(told: FailureCodes, code: int, span: Span, step: int) -> LinkedChart:
    fates = {_KEYS[phase]: fates for phase, fates in FAILED.items()}

    def rows(key: str | None, stretch: tuple[str, str] | None) -> str:
        ended = "..".join(stretch) if stretch else between(told.since, told.until)
        return failed([code], ended) if key is None else failed([code], ended, fates[key])

    counts = ((one.at, _KEYS[one.phase], one.count) for one in told.buckets or ())
    return over_time(counts, _STACK, span, step, rows)


def _hits(reader: Reader, code: int, span: Span, by: Dimension, now_us: int) -> list[Hit]:
    """Of each value how many of its sessions failed with the code, beside all others; the most first."""
    failed: dict[str | None, int] = {}
    for one in reader.failure_codes(span, code=code, by=(by,), now_us=now_us).items:
        if not one.rest:
            failed[one.value] = failed.get(one.value, 0) + one.count
    there = {row.value: row.ended + row.join_failures for row in reader.affected(span, by=by, now_us=now_us).items}
    all_failed, all_there = sum(failed.values()), sum(there.values())
    found = [
        hit(value, count, there[value], all_failed, all_there) for value, count in failed.items() if value in there
    ]
    return sorted(found, key=lambda one: (-one.affected, one.sessions, one.value or ""))[:VALUES_SHOWN]


def _trend(told: FailureCodes, code: int, span: Span, step: int) -> list[tuple[float, float, float]]:
    """The bars of a small chart: place, width and height, all in percent."""
    counts: dict[int, int] = {}
    for one in told.buckets or ():
        if one.code == code:
            at_us = us_from_utc(one.at)
            counts[at_us] = counts.get(at_us, 0) + one.count
    top, whole = max(counts.values(), default=1), span.until_us - span.since_us
    width = 100 * step / whole
    return [
        (round(100 * (at - span.since_us) / whole, 2), round(width * 0.8, 2), round(100 * count / top, 1))
        for at, count in sorted(counts.items())
    ]
