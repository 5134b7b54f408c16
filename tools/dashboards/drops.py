"""The dashboard `roomwatch-drops`, *Why do rooms drop?*: with which code, since when, where, and what is new."""

from __future__ import annotations

from typing import Final

from tools.dashboards import promql
from tools.dashboards.frame import dashboard as framed
from tools.dashboards.frame import label_variable, link_to
from tools.dashboards.panels import bars, coarse, instant, linked, query, row, series, stat, table, wide
from tools.dashboards.promql import REGION, drop_rate, failures, in_range, or_none, or_zero, per_minute, rates_that_rose
from tools.dashboards.shared import spike_score
from tools.dashboards.vocabulary import (
    COUNT,
    DROPS,
    OBJECTIVE,
    PER_MINUTE,
    RELEASES,
    SHARE,
    Json,
    mapped,
)

DESCRIPTION: Final = (
    "Which codes end sessions or keep them from joining: how many, what share, since when, in which region, and what "
    "has grown since last week. By version it is told by 'Is this release worse?'."
)
BY_VERSION: Final = f"By version: {RELEASES.question}"
MOVERS: Final = 10
JOIN: Final = 'phase="join"'
SESSION: Final = 'phase="session"'


def how_many() -> list[Json]:
    """The size of it."""
    return [
        stat(
            "Sessions dropped with a code",
            "Sessions that had joined and were dropped with one of the chosen codes, in the time range and the chosen "
            "regions; each once, however often it retried.",
            instant(or_zero(in_range(failures(SESSION)))),
        ),
        stat(
            "Sessions that did not join",
            "Sessions that ended before they joined, with one of the chosen codes, in the time range and the chosen "
            "regions. Who cancelled is not counted.",
            instant(or_zero(in_range(failures(JOIN)))),
        ),
        stat(
            "Drop rate in the time range",
            "Sessions dropped, abandoned or lost, with a code or without, of those that joined, all regions. The "
            f"objective allows {1 - OBJECTIVE:.0%}.",
            instant(drop_rate()),
            unit=SHARE,
            above_is_bad=round(1 - OBJECTIVE, 6),
            when_none="no session",
        ),
    ]


def share(phase: str, title: str, description: str) -> Json:
    """What share of a phase's failures each code has."""
    of_code = in_range(failures(phase), "code")
    expr = f"sort_desc(({of_code} > 0) / on () group_left () {in_range(failures(phase))})"
    return bars(title, description, instant(or_none(expr, "code"), "{{code}}"), unit=SHARE, colours=("code",), most=1)


def shares() -> list[Json]:
    """Which code it is, and since when."""
    by_code = rates_that_rose("code, phase", failures())
    return [
        wide(
            12,
            linked(
                series(
                    "Sessions that failed, by code",
                    "Per minute, by code and phase (join: never joined; session: dropped). A step at one moment is "
                    "a release or an outage; a slow rise is a network or an expiring certificate. An exemplar "
                    "leads to a session.",
                    [query(by_code, "{{code}} {{phase}}", exemplars=True)],
                    unit=PER_MINUTE,
                    colours=("code",),
                    stacked=True,
                    beside=True,
                ),
                BY_VERSION,
                link_to(RELEASES, "region", "code"),
            ),
        ),
        share(
            SESSION,
            "Codes that dropped sessions",
            "Failure-code share, phase session, in the time range: of the sessions that were dropped with a chosen "
            "code. 53002: the window ended; 53405: media failed; 20104: the token had expired.",
        ),
        share(
            JOIN,
            "Codes that kept sessions from joining",
            "Failure-code share, phase join, in the time range. 53000: signaling could not be reached; 20101: the "
            "token is invalid; 53105: the room is full.",
        ),
    ]


def where() -> list[Json]:
    """In which region, and against what is usual."""
    ratio = f"{in_range(failures(), 'region', over='1h')} / ({joined_by_region()} > 0)"
    return [
        linked(
            coarse(
                series(
                    "Failures to attempts over the last hour, by region",
                    "Sessions that failed with a chosen code in the hour before each moment, of those that tried to "
                    "join in it: a region with more people has no higher line. All regions together: look at releases.",
                    [query(ratio, "{{region}}")],
                    unit=SHARE,
                    when_none="no attempt",
                )
            ),
            RELEASES.question,
            link_to(RELEASES, "region", "code"),
        ),
        spike_score(),
    ]


def joined_by_region() -> str:
    """Attempts to join in an hour, by region."""
    return in_range(f"rtc_connect_attempts_total{{{REGION}}}", "region", over="1h")


def movers() -> Json:
    """What has grown most since last week."""
    counted = f"sum by (code, phase) (increase({failures()}[$__range]))"
    last_week = f"sum by (code, phase) (increase({failures()}[$__range] offset 1w))"
    change = f"({counted} - ({last_week} or 0 * {counted}))"
    top = f"topk({MOVERS}, {change} > 0)"
    here = f"{counted} and on (code, phase) {top}"
    there = f"({last_week} or 0 * {counted}) and on (code, phase) {top}"
    return table(
        "Top movers against last week",
        "Codes that ended more sessions in this time range than in the same one a week before, the greatest rise "
        "first. Nothing was counted last week: all of it is the rise. A row opens this dashboard for its code.",
        [
            instant(or_none(here, "code"), shape="table"),
            instant(or_none(there, "code"), shape="table"),
            instant(or_none(top, "code"), shape="table"),
        ],
        renamed={
            "code": "Code",
            "phase": "Phase",
            "Value #A": "Now",
            "Value #B": "A week ago",
            "Value #C": "Rise",
        },
        cells={"Code": mapped("code")},
        links={"Code": _here("Only this code", code="${__data.fields.Code}")},
        sorted_by="Rise",
    )


def by_place() -> Json:
    """Codes by region, to pick from."""
    counted = f"{in_range(failures(), 'code, phase, region')} > 0"
    return table(
        "Failures in the time range, by code, phase and region",
        "The greatest first; a code or a region opens this dashboard for it alone.",
        [instant(or_none(counted, "code"), shape="table")],
        renamed={"code": "Code", "phase": "Phase", "region": "Region", "Value": "Sessions"},
        cells={"Code": mapped("code")},
        links={
            "Code": _here("Only this code", code="${__data.fields.Code}"),
            "Region": _here("Only this region", region="${__data.fields.Region}"),
        },
        sorted_by="Sessions",
        unit=COUNT,
    )


def fates() -> Json:
    """Drops that have no code."""
    selector = f'rtc_sessions_ended_total{{fate=~"{promql.HURT}|not_joined", {REGION}}}'
    return series(
        "Sessions that ended badly, by fate",
        "Per minute, with a code or without. Abandoned: the user left while reconnecting; lost: nothing was heard "
        "again; not joined includes who cancelled.",
        [query(per_minute("fate", selector), "{{fate}}")],
        unit=PER_MINUTE,
        colours=("fate",),
        stacked=True,
    )


def _here(title: str, **set_to: str) -> Json:
    others = [name for name in ("region", "code") if name not in set_to]
    return {"title": title, "url": link_to(DROPS, "datasource", *others, **set_to), "targetBlank": False}


def dashboard() -> Json:
    """The whole dashboard."""
    lines = [
        (1, [row("Which code?")]),
        (4, how_many()),
        (9, shares()),
        (1, [row("Where, and what is new?")]),
        (8, where()),
        (8, [movers(), by_place(), fates()]),
    ]
    variables = [
        label_variable("region", "Region", "rtc_sessions_live"),
        label_variable("code", "Code", "rtc_terminal_failures_total"),
    ]
    return framed(DROPS, DESCRIPTION, lines, variables)
