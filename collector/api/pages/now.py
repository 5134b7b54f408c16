"""The fleet now: what is broken, since when, for whom."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from collector.api.behind import BADLY, FAILED, between, failed, heard, outages, sessions, settled, tried
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.explore_charts import trend
from collector.api.exploring import Asked
from collector.api.headline import Hours, headline
from collector.api.linked_charts import LinkedChart, over_time
from collector.api.meanings import MEANINGS, meaning
from collector.api.pages.incidents import open_incidents
from collector.api.pages.showing import page, part
from collector.api.words import iso
from collector.store.questions import Dimension, Span
from collector.store.reader import Reader
from collector.store.reading import minutes
from collector.store.views import Affected, FailureCodes
from collector.store.views_breakdowns import Breakdown
from collector.store.views_kpis import Kpis
from collector.times import HOUR_US
from session_core.instants import utc_from_us

router = APIRouter(default_response_class=HTMLResponse)

BUCKET_US: Final = 300_000_000
CHART_US: Final = 6 * HOUR_US
LATEST: Final = 25
CODES_IN_CHART: Final = 5
CODES_MAX: Final = 100
_SPLIT_BY: Final[tuple[Dimension, ...]] = ("region", "app_version", "sdk_version")


@router.get("/")
def now_page(request: Request, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """The fleet now."""
    with reader.together() as seen:
        return page(request, "now", _now(seen, now_us), now_us, fragment="/fragments/now")


@router.get("/fragments/now")
def now_part(request: Request, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """What changes on the page of the fleet."""
    with reader.together() as seen:
        return part(request, "now", _now(seen, now_us), now_us)


def _now(reader: Reader, now_us: int) -> dict[str, Any]:
    fleet = reader.fleet()
    if not fleet.sessions_ever:
        return {"fleet": fleet}
    hour = minutes(Span(now_us - HOUR_US, now_us))
    until_us = now_us + -now_us % BUCKET_US
    chart = Span(until_us - CHART_US, until_us)
    drawn = iso(utc_from_us(chart.since_us)), iso(utc_from_us(chart.until_us))
    kpis = reader.kpis(hour, now_us=now_us)
    codes = reader.failure_codes(hour, now_us=now_us)
    affected: dict[Dimension, tuple[Affected, ...]] = {
        by: reader.affected(hour, by=by, now_us=now_us).items for by in _SPLIT_BY
    }
    in_hour = reader.outage_buckets(hour, bucket_us=BUCKET_US).items
    broken = reader.outage_buckets(chart, bucket_us=BUCKET_US).items
    failures = reader.failure_codes(chart, bucket_us=BUCKET_US, now_us=now_us)
    return {
        "fleet": fleet,
        "kpis": kpis,
        "codes": codes,
        **_rows(kpis, reader.breakdown("fates", hour, phase="join", by=("code",), limit=CODES_MAX, now_us=now_us)),
        "meaning": meaning,
        "meanings": MEANINGS,
        "affected": affected,
        "statements": headline(in_hour, codes, affected, kpis, Hours(broken, failures, chart, BUCKET_US)),
        "outages_chart": trend(broken, chart, BUCKET_US, Asked((), *drawn)),
        "failures_chart": _failures_chart(failures, chart),
        "latest": reader.latest_outages(chart, limit=LATEST, now_us=now_us).items,
        "incidents": open_incidents(reader, now_us),
        "completeness": kpis.completeness,
        "heard": heard(kpis.since, kpis.until),
        "refused": "/telemetry?since=-1h#refused",
    }


def _rows(kpis: Kpis, joins: Breakdown) -> dict[str, Any]:
    """The shares of the hour, each number with the address of its rows; and the addresses of rows beside."""
    hour = between(kpis.since, kpis.until)
    over, of = partial(settled, kpis.since, kpis.until), kpis.kpis
    joined = sessions(also=[("joined_at", hour)])
    began = sessions(also=[("since", iso(kpis.since)), ("until", iso(kpis.until))])
    gave_up = sum(one.count for one in joins.items if one.values is not None and one.values["code"] is None)
    tries = of["join_success"].denominator + gave_up
    return {
        "shares": (
            ("Joined", of["join_success"], joined, tries, began),
            ("Dropped", of["drop_rate"], sessions(BADLY, hour), of["drop_rate"].denominator, joined),
            *(
                (label, of[name], over([outcome]), of[name].denominator, over())
                for label, name, outcome in (
                    ("Came back", "reconnect_success_strict", "recovered"),
                    ("Left while waiting", "abandonment", "abandoned"),
                )
            ),
        ),
        "cancelled": sessions(FAILED["join"], hour, [("cancelled", "yes")]),
        "recovered": outages(iso(kpis.since), iso(kpis.until), [("outcome", "recovered")]),
        "all_failed": {phase: tried(hour, fates) for phase, fates in FAILED.items()},
        "failed_with": lambda one: failed([one.error.code], hour, FAILED[one.phase]),
        "dropped": lambda by, value: sessions(BADLY, hour, [(by, value or "")]),
        "over": lambda by, value: over(also=[(by, value or "")]),
    }


def _failures_chart(failures: FailureCodes, span: Span) -> LinkedChart:
    totals: dict[int, int] = {}
    for one in failures.items:
        totals[one.error.code] = totals.get(one.error.code, 0) + one.count
    ranked = sorted(totals, key=lambda code: (-totals[code], code))[:CODES_IN_CHART]
    keys = {code: f"code-{place}" for place, code in enumerate(ranked)}
    labels = {f"code-{place}": str(code) for place, code in enumerate(ranked)} | {"code-other": "other codes"}
    counts = ((one.at, keys.get(one.code, "code-other"), one.count) for one in failures.buckets or ())
    theirs = {key: [code for code in totals if keys.get(code, "code-other") == key] for key in labels}

    def rows(key: str | None, stretch: tuple[str, str] | None) -> str:
        ended = "..".join(stretch) if stretch else between(utc_from_us(span.since_us), utc_from_us(span.until_us))
        return failed(totals if key is None else theirs[key], ended)

    return over_time(counts, labels, span, BUCKET_US, rows)
