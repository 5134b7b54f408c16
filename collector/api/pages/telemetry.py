"""Telemetry: whether what the other pages say can be trusted."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from collector.api.behind import between, heard, sessions
from collector.api.dependencies import NowDep, ReaderDep, refuse_unknown_parameters
from collector.api.exploring import LABELS, RANGES, bucket_us_of, widened
from collector.api.filters import span_of
from collector.api.linked_charts import over_time
from collector.api.pages.showing import page
from collector.api.trust import answer, findings
from collector.api.words import duration, number
from collector.store.reader import Reader

router = APIRouter(default_response_class=HTMLResponse, dependencies=[Depends(refuse_unknown_parameters)])

DAY_MS: Final = 86_400_000
SHOWN: Final = 8
CHART: Final = {"lost": "went silent", "failed": "with events missing"}
KINDS: Final = {
    "events": "Events",
    "sessions": "Sessions",
    "outages": "Outages",
    "rollups": "Sums by the minute",
    "dead_letters": "Refused records",
    "incidents": "Incidents",
}
REASONS: Final = {
    "empty": "There was nothing in it.",
    "too-large": "It had more bytes than an event may have.",
    "not-utf8": "It was not text.",
    "not-json": "It was text, and no JSON.",
    "unknown-major": "It was made for a newer collector: upgrade this one first, then replay.",
    "unknown-type": "An event of a type that there is none of: something else writes to this topic, or a newer client.",
    "missing-field": "A field was missing that this event must have.",
    "invalid-field": "A field was of a wrong type or out of bounds.",
    "identity-mismatch": "Its id, its source and its data contradicted each other.",
    "wrong-key": "The record's key was not the session's id, so it lies in a partition that is not its own.",
    "clock-out-of-range": "It told a time that only a broken clock can mean.",
    "too-many-events": "Its session has told more events than one may.",
    "too-many-gaps": "Its session has more gaps than can be kept account of.",
    "too-many-outages": "Its session has had more outages than one may.",
    "store-refused": "The database would not take it.",
}

Since = Literal["-1h", "-6h", "-24h", "-7d"]


@router.get("/telemetry")
def telemetry_page(
    request: Request, reader: ReaderDep, now_us: NowDep, since: Annotated[Since, Query()] = "-1h"
) -> HTMLResponse:
    """What has not arrived, what went silent, was refused or came late; and what to do about each."""
    return page(request, "telemetry", _telemetry(reader, since, now_us), now_us)


def _telemetry(reader: Reader, since: Since, now_us: int) -> dict[str, Any]:
    span = span_of(since, "now", now_us)
    bucket_us = bucket_us_of(span)
    span = widened(span, bucket_us)
    told = reader.telemetry(span, bucket_us=bucket_us, now_us=now_us)
    found = findings(told)
    counts = [(one.at, "lost", one.silent) for one in told.over_time]
    counts += [(one.at, "failed", one.with_gaps) for one in told.over_time]
    return {
        "answer": answer(found, told),
        "chart": over_time(
            (one for one in counts if one[2]), CHART, span, bucket_us, partial(_untold, between(told.since, told.until))
        ),
        "findings": found,
        "heard": heard(told.since, told.until),
        "kinds": KINDS,
        "labels": LABELS,
        "off": _off,
        "ranges": {word: RANGES[word] for word in ("-1h", "-6h", "-24h", "-7d")},
        "reasons": REASONS,
        "shown": SHOWN,
        "since": since,
        "told": told,
        "completeness": told.completeness,
    }


def _untold(there: str, key: str | None, stretch: tuple[str, str] | None) -> str:
    """The sessions of a kind, or of both, where both are to be had at once: those that began in a stretch."""
    began = [] if stretch is None else [("since", stretch[0]), ("until", stretch[1])]
    kinds = {"lost": [("fate", "lost")], "failed": [("untold", "yes")]}
    return sessions((), also=[("heard", there), *(kinds[key] if key else []), *began])


def _off(ms: int) -> str:
    """How far a clock is off: days where hours say nothing any more."""
    return f"{number(ms / DAY_MS)} days" if ms >= 2 * DAY_MS else duration(ms)
