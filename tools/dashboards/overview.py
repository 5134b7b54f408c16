"""The dashboard `roomwatch-overview`, *Are rooms all right?*: is the promise kept, is it bad now, and where."""

from __future__ import annotations

from typing import Final

from tools.dashboards import promql
from tools.dashboards.frame import dashboard as framed
from tools.dashboards.frame import label_variable, link_to
from tools.dashboards.panels import coarse, instant, linked, query, row, series, stat
from tools.dashboards.promql import REGION, failures, per_minute
from tools.dashboards.shared import reconnect_success, spike_score
from tools.dashboards.vocabulary import (
    DROPS,
    JOIN_OBJECTIVE,
    LAG_MAX_S,
    OBJECTIVE,
    OUTAGES,
    OVERVIEW,
    PER_MINUTE,
    SECONDS,
    SHARE,
    TELEMETRY,
    Json,
)

BUDGET: Final = round(1 - OBJECTIVE, 6)
DESCRIPTION: Final = (
    "Start here: whether the promise is kept, whether it is bad right now, where, and whether these numbers are fresh. "
    "Each panel links to the dashboard that says why."
)


def now() -> list[Json]:
    """The answer, without scrolling."""
    return [
        stat(
            "Drop-free sessions in the time range",
            f"Of the sessions that ended and had joined, those not dropped, abandoned or lost, all regions. "
            f"The objective is {OBJECTIVE:.0%}. Below it, see why in 'Why do rooms drop?'.",
            instant(f"1 - {promql.dropped_share()}"),
            unit=SHARE,
            below_is_bad=OBJECTIVE,
            when_none="no session",
        ),
        stat(
            "Budget used in the time range",
            f"Dropped sessions of all regions beside the {BUDGET:.0%} that the objective allows. Above 100 % the "
            "promise was broken over this range; over 30 days it is what a report would say.",
            instant(f"{promql.dropped_share()} / {BUDGET}"),
            unit=SHARE,
            above_is_bad=1,
            when_none="no session",
        ),
        stat(
            "Join success in the time range",
            "Sessions that joined, of those that tried and did not cancel, in the chosen regions. The objective is "
            f"{JOIN_OBJECTIVE:.0%}; below, look at the codes of phase join.",
            instant(promql.join_success()),
            unit=SHARE,
            below_is_bad=JOIN_OBJECTIVE,
            when_none="no session",
        ),
        reconnect_success(),
        stat(
            "Reconnecting now",
            "Live sessions whose room is reconnecting. A few are normal, they come and go; a level that stays or "
            "climbs is an incident: see by region below.",
            query(f"sum(rtc_sessions_reconnecting{{{REGION}}})"),
        ),
        linked(
            stat(
                "Telemetry behind",
                "Age of the oldest event that is not stored yet, all regions. Above 2 minutes the other numbers tell "
                "of the past and spike alerts are silent: see 'Can I trust these numbers?' first.",
                query("max(rtc_collector_lag_seconds)"),
                unit=SECONDS,
                above_is_bad=LAG_MAX_S,
                when_none="no collector",
            ),
            TELEMETRY.question,
            link_to(TELEMETRY),
        ),
    ]


def promise() -> list[Json]:
    """How fast the budget goes, and what uses it."""
    return [
        linked(
            coarse(
                series(
                    "Dropped share over the last hour, by region",
                    "Sessions dropped, abandoned or lost in the hour before each moment, of those that ended in it "
                    "and had joined, by region. The dashed line is what the objective allows. One region above it: its "
                    "signaling or network; all of them: a release or a service they share.",
                    [query(promql.dropped_share_by_region(over="1h"), "{{region}}")],
                    unit=SHARE,
                    above_is_bad=BUDGET,
                    when_none="no session",
                )
            ),
            DROPS.question,
            link_to(DROPS, "region", "code"),
        ),
        linked(
            series(
                "Sessions that ended, by fate",
                "Per minute, in the chosen regions. Dropped, abandoned and lost use the budget; left, completed, "
                "removed and superseded are how calls end.",
                [query(per_minute("fate", f"rtc_sessions_ended_total{{{REGION}}}"), "{{fate}}")],
                unit=PER_MINUTE,
                colours=("fate",),
                stacked=True,
                beside=True,
            ),
            DROPS.question,
            link_to(DROPS, "region", "code"),
        ),
    ]


def trouble() -> list[Json]:
    """Whether it is bad now, and where."""
    return [
        series(
            "Sessions live and reconnecting",
            "Sessions held by all collectors. Both fall together when people leave; reconnecting rises alone in an "
            "outage. A sudden fall of live without ends above means that telemetry stopped, not the calls.",
            [
                query(f"sum(rtc_sessions_live{{{REGION}}})", "live"),
                query(promql.highest(f"sum(rtc_sessions_reconnecting{{{REGION}}})"), "reconnecting"),
            ],
            colours=("state",),
        ),
        linked(
            series(
                "Reconnecting by region",
                "Where sessions are reconnecting, the most within each step, so that half a minute shows on a day too. "
                "One region alone points at its signaling or its network.",
                [query(promql.highest(f"sum by (region) (rtc_sessions_reconnecting{{{REGION}}})"), "{{region}}")],
                stacked=True,
                beside=True,
            ),
            OUTAGES.question,
            link_to(OUTAGES, "region"),
        ),
    ]


def codes() -> list[Json]:
    """With which code."""
    by_code = promql.rates_that_rose("code", failures())
    return [
        linked(
            series(
                "Sessions that failed, by code",
                "Sessions per minute that did not join or were dropped, once each however often they retried. 53000: "
                "signaling could not be reached; 53002: the reconnection window ended; 53405: media failed; 20104: "
                "the token had expired. An exemplar leads to a session.",
                [query(by_code, "{{code}}", exemplars=True)],
                unit=PER_MINUTE,
                colours=("code",),
                stacked=True,
                beside=True,
            ),
            DROPS.question,
            link_to(DROPS, "region", "code"),
        ),
        spike_score(),
    ]


def dashboard() -> Json:
    """The whole dashboard."""
    lines = [
        (1, [row("The promise, and now")]),
        (4, now()),
        (8, promise()),
        (1, [row("Is it bad right now, and where?")]),
        (8, trouble()),
        (8, codes()),
    ]
    variables = [
        label_variable("region", "Region", "rtc_sessions_live"),
        label_variable("code", "Code", "rtc_terminal_failures_total"),
    ]
    return framed(OVERVIEW, DESCRIPTION, lines, variables)
