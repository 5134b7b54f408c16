"""The dashboard `roomwatch-outages`, *Do they come back?*: how often connections break, why, and what becomes of it."""

from __future__ import annotations

from typing import Final

from tools.dashboards import promql
from tools.dashboards.frame import dashboard as framed
from tools.dashboards.frame import label_variable, link_to
from tools.dashboards.panels import coarse, heatmap, instant, linked, query, row, series, stat
from tools.dashboards.promql import DECIDED, REGION, in_range, outages_ended, per_minute, quantile, quantile_in_range
from tools.dashboards.shared import reconnect_success
from tools.dashboards.vocabulary import (
    DROPS,
    OUTAGES,
    PER_MINUTE,
    RECONNECT_OBJECTIVE,
    RELEASES,
    SECONDS,
    SHARE,
    Json,
)

DESCRIPTION: Final = (
    "Outages of sessions: how often they open and why, how they end, and how long it takes. How many attempts they "
    "take is told by version in 'Is this release worse?'."
)
DURATION: Final = "rtc_outage_duration_seconds"
ATTEMPTS_ELSEWHERE: Final = f"Attempts per outage: {RELEASES.question}"
RECOVERED: Final = '{outcome="recovered"}'


def now() -> list[Json]:
    """The five numbers of it."""
    abandoned, decided = outages_ended("abandoned"), outages_ended(DECIDED)
    opened = f"rtc_outages_started_total{{{REGION}}}"
    hours = f"sum(avg_over_time(rtc_sessions_live{{{REGION}}}[$__range]))"
    flaps = f"{in_range('rtc_outage_flaps_total')} / ({in_range('rtc_outages_started_total')} > 0)"
    return [
        reconnect_success(),
        stat(
            "Abandoned",
            "Outages during which the user left, of the same, all regions. A rise while success falls: people do not "
            "wait any longer; shorten the window or tell them more.",
            instant(f"{abandoned} / ({decided} > 0)"),
            unit=SHARE,
            when_none="no outage",
        ),
        stat(
            "Outages per hour in a room",
            "Outages that opened, per hour that a session spent in its room (by the sessions live), in the chosen "
            "regions. What is normal is a property of your users' networks: watch its change.",
            instant(f"3600 * sum(rate({opened}[$__range])) / ({hours} > 0)"),
            when_none="no session",
        ),
        stat(
            "95 % are back within",
            "The 95th percentile of the downtime of recovered outages in the time range, all regions; to the edge of a "
            "bucket.",
            instant(quantile_in_range(0.95, DURATION, RECOVERED)),
            unit=SECONDS,
            when_none="no outage",
        ),
        stat(
            "Flaps",
            "Outages that began within 10 s of the end of the one before, of all that opened, all regions. Many: "
            "connections are declared well too early.",
            instant(flaps),
            unit=SHARE,
            when_none="no outage",
        ),
    ]


def opening_and_ending() -> list[Json]:
    """How often, why, and what became of them."""
    return [
        series(
            "Outages opened, by cause",
            "Rooms that began to reconnect, per minute. Signaling: the connection to the server broke; media: the peer "
            "connection did.",
            [query(per_minute("cause", f"rtc_outages_started_total{{{REGION}}}"), "{{cause}}")],
            unit=PER_MINUTE,
            colours=("cause",),
            stacked=True,
        ),
        series(
            "Outages opened, by region",
            "The same by region. One region alone points at its signaling or its network.",
            [query(per_minute("region", f"rtc_outages_started_total{{{REGION}}}"), "{{region}}")],
            unit=PER_MINUTE,
            stacked=True,
        ),
        linked(
            series(
                "Outages ended, by outcome",
                "Per minute, all regions. Failed: the window or the attempts were used up; abandoned: the user left "
                "first; lost: nothing was heard again; closed: the room was.",
                [query(per_minute("outcome", "rtc_outages_ended_total"), "{{outcome}}")],
                unit=PER_MINUTE,
                colours=("outcome",),
                stacked=True,
            ),
            DROPS.question,
            link_to(DROPS, "region"),
        ),
    ]


def how_long() -> list[Json]:
    """How long it takes to come back."""
    return [
        series(
            "Time to reconnect",
            "Downtime of recovered outages, all regions, and the 95th percentile of all outages beside it: the "
            "recovered alone flatter. An exemplar leads to a session.",
            [
                query(quantile(0.5, DURATION, RECOVERED), "p50 recovered"),
                query(quantile(0.95, DURATION, RECOVERED), "p95 recovered", exemplars=True),
                query(quantile(0.95, DURATION), "all, p95"),
            ],
            unit=SECONDS,
            colours=("quantile",),
            when_none="no outage",
        ),
        heatmap(
            "Time to reconnect, distribution",
            "Recovered outages by downtime, all regions. Two bands mean two kinds of outage, which a quantile would "
            "hide.",
            f"sum by (le) (increase({DURATION}_bucket{RECOVERED}[$__rate_interval]))",
            unit=SECONDS,
        ),
    ]


def over_time() -> list[Json]:
    """Whether it gets better or worse."""
    success = promql.reconnect_success(over="1h")
    lenient = f"{outages_ended('recovered', over='1h')} / ({outages_ended('recovered|failed|lost', over='1h')} > 0)"
    reconnecting = (
        '3600 * sum(rate(rtc_state_seconds_total{state="reconnecting"}[$__rate_interval]))'
        " / (sum(rate(rtc_state_seconds_total[$__rate_interval])) > 0)"
    )
    return [
        linked(
            coarse(
                series(
                    "Reconnect success over the last hour",
                    "Of the outages that ended in the hour before each moment, all regions. Strict counts who left "
                    "while reconnecting as a failure, lenient does not count them at all: between the two lines are "
                    "those who left. The dashed line is the objective.",
                    [query(success, "strict"), query(lenient, "lenient")],
                    unit=SHARE,
                    colours=("success",),
                    below_is_bad=RECONNECT_OBJECTIVE,
                    most=1,
                    when_none="no outage",
                )
            ),
            ATTEMPTS_ELSEWHERE,
            link_to(RELEASES, "region"),
        ),
        series(
            "Time reconnecting per session-hour",
            "Seconds of an hour in its room that a session spends reconnecting, of the sessions that ended, all "
            "regions. It is what users feel: short outages that come often count as much as one that is long.",
            [query(reconnecting, "reconnecting")],
            unit=SECONDS,
            colours=("state",),
            when_none="no session",
        ),
    ]


def dashboard() -> Json:
    """The whole dashboard."""
    lines = [
        (1, [row("In the time range")]),
        (4, now()),
        (1, [row("How often, why, and what becomes of it")]),
        (8, opening_and_ending()),
        (1, [row("How long does it take?")]),
        (8, how_long()),
        (8, over_time()),
    ]
    return framed(OUTAGES, DESCRIPTION, lines, [label_variable("region", "Region", "rtc_sessions_live")])
