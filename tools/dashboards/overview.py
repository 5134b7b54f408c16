"""The dashboard `roomwatch-overview`: whether it is bad, for whom and why, and whether the numbers can be trusted."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import (
    PROMETHEUS,
    Json,
    datasource_variable,
    heatmap,
    instant,
    label_variable,
    laid_out,
    query,
    row,
    series,
    stat,
    table,
)

UID: Final = "roomwatch-overview"
QUESTION: Final = (
    "Is it bad right now, for whom, with which code, do rooms come back, and can these numbers be trusted?"
)

PER_MINUTE: Final = "cpm"
SPIKE_SCORE: Final = 4  # as in RtcFailureSpike
LAG_MAX_S: Final = 120  # as in RtcCollectorLagging

REGION: Final = 'region=~"$region"'
FAILURES: Final = f'rtc_terminal_failures_total{{code=~"$code", {REGION}}}'
RECOVERED: Final = '{outcome="recovered"}'
# What reconnect success is of: an outage that was superseded or closed by the host says nothing about recovery.
DECIDED: Final = '{outcome=~"recovered|failed|abandoned|lost"}'


def per_minute(by: str, selector: str) -> str:
    """A counter's rate per minute, summed by labels."""
    return f"60 * sum by ({by}) (rate({selector}[$__rate_interval]))"


def outages_that_ended(selector: str) -> str:
    """Outages that ended over the range shown, less those whose end was taken back."""
    ended, reopened = (f"sum(increase(rtc_outages_{word}_total{selector}[$__range]))" for word in ("ended", "reopened"))
    return f"({ended} - {reopened})"


def quantile(q: float, histogram: str, selector: str = "") -> str:
    """A quantile of a histogram over time."""
    return f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket{selector}[$__rate_interval])))"


def now() -> list[Json]:
    """The answer to "is it bad?", without scrolling."""
    decided, recovered = outages_that_ended(DECIDED), outages_that_ended(RECOVERED)
    failed_joins = f'sum(increase(rtc_terminal_failures_total{{phase="join", {REGION}}}[$__range]))'
    joined = f"sum(increase(rtc_sessions_joined_total{{{REGION}}}[$__range]))"
    return [
        stat(
            "Sessions live",
            "Participants in their rooms now. A sudden fall without a rise of 'Sessions that ended' below means that "
            "telemetry stopped, not the calls: look at the last row.",
            query(f"sum(rtc_sessions_live{{{REGION}}})"),
        ),
        stat(
            "Reconnecting now",
            "Live sessions whose room is reconnecting. A few are normal, they come and go; a level that stays or "
            "climbs is an incident: see causes and regions below.",
            query(f"sum(rtc_sessions_reconnecting{{{REGION}}})"),
        ),
        stat(
            "Reconnect success in the time range",
            "Recovered outages of those that recovered, failed, were abandoned or lost, all regions. Nothing is shown "
            "where no outage ended.",
            instant(f"{recovered} / ({decided} > 0)"),
            unit="percentunit",
        ),
        stat(
            "Join success in the time range",
            "Sessions that joined, of those that joined or failed to; who cancelled is not counted.",
            instant(f"{joined} / ({joined} + {failed_joins} > 0)"),
            unit="percentunit",
        ),
        stat(
            "Sessions that failed in the time range",
            "Sessions that never joined or were dropped, with one of the chosen codes; each once, however often it "
            "retried.",
            instant(f"sum(increase({FAILURES}[$__range]))"),
        ),
        stat(
            "Telemetry behind",
            "Age of the oldest event that is not stored yet. Above 2 minutes the other numbers tell of the past and "
            "spike alerts are silent.",
            query("max(rtc_collector_lag_seconds)"),
            unit="s",
            above_is_bad=LAG_MAX_S,
        ),
    ]


def outages() -> list[list[Json]]:
    """What broke, and whether it came back."""
    return [
        [
            series(
                "Sessions live and reconnecting",
                "Sessions held by all collectors. Both fall together when people leave; reconnecting rises alone in an "
                "outage.",
                [
                    query(f"sum(rtc_sessions_live{{{REGION}}})", "live"),
                    query(f"sum(rtc_sessions_reconnecting{{{REGION}}})", "reconnecting"),
                ],
            ),
            series(
                "Reconnecting by region",
                "Where sessions are reconnecting. One region alone points at its signaling or its network; all of them "
                "at a release or a service they share.",
                [query(f"sum by (region) (rtc_sessions_reconnecting{{{REGION}}})", "{{region}}")],
                stacked=True,
            ),
            series(
                "Outages opened by cause",
                "Rooms that began to reconnect, per minute, and those that did so again within 10 s. Signaling: the "
                "connection to the server; media: the peer connection.",
                [
                    query(per_minute("cause", f"rtc_outages_started_total{{{REGION}}}"), "{{cause}}"),
                    query(per_minute("cause", "rtc_outage_flaps_total"), "flaps, {{cause}}, all regions"),
                ],
                unit=PER_MINUTE,
            ),
        ],
        [
            series(
                "Outages ended by outcome",
                "What became of outages, per minute, all regions. Failed: the window or the attempts were used up; "
                "abandoned: the user left first; lost: nothing was heard again.",
                [query(per_minute("outcome", "rtc_outages_ended_total"), "{{outcome}}")],
                unit=PER_MINUTE,
                stacked=True,
            ),
            series(
                "Time to reconnect",
                "Downtime of recovered outages, all regions, and of all outages beside it: the recovered alone "
                "flatter. An exemplar leads to a session.",
                [
                    query(quantile(0.5, "rtc_outage_duration_seconds", RECOVERED), "p50 recovered"),
                    query(quantile(0.95, "rtc_outage_duration_seconds", RECOVERED), "p95 recovered", exemplars=True),
                    query(quantile(0.95, "rtc_outage_duration_seconds"), "p95 of all"),
                ],
                unit="s",
            ),
            heatmap(
                "Time to reconnect, distribution",
                "Recovered outages by downtime, all regions. Two bands mean two kinds of outage, which a quantile "
                "would hide.",
                f"sum by (le) (increase(rtc_outage_duration_seconds_bucket{RECOVERED}[$__rate_interval]))",
                unit="s",
            ),
        ],
    ]


def failures() -> list[list[Json]]:
    """With which code, in which phase, where."""
    here = (
        f"/d/{UID}?var-code=${{__data.fields.Code}}&var-region=${{__data.fields.Region}}"
        "&var-datasource=${datasource}&${__url_time_range}"
    )
    return [
        [
            series(
                "Sessions that failed, by code",
                "Failed sessions per minute by code and phase (join: never joined; session: dropped). An exemplar "
                "leads to a session.",
                [query(per_minute("code, phase", FAILURES), "{{code}} {{phase}}", exemplars=True)],
                unit=PER_MINUTE,
                stacked=True,
            ),
            table(
                "Failures in the time range, by code, phase and region",
                "The greatest first; a row opens this dashboard for its code and region. 53000: signaling could not be "
                "reached; 53002: the reconnection window ended; 53405: media failed; 20104: the token had expired.",
                instant(f"sum by (code, phase, region) (increase({FAILURES}[$__range])) > 0", shape="table"),
                renamed={"Value": "Sessions", "code": "Code", "phase": "Phase", "region": "Region"},
                link={"title": "Only this code and region", "url": here, "targetBlank": False},
                unit="short",
            ),
        ],
        [
            series(
                "Spike score",
                "How far failures of the last 10 minutes are above what yesterday predicts for the traffic of now; "
                "about 0 when all is well, an alert above 4 (5 where more than 10 an hour are usual).",
                [query('code_phase:rtc_terminal_failures:poisson_z10m{code=~"$code"}', "{{code}} {{phase}}")],
                above_is_bad=SPIKE_SCORE,
            ),
            series(
                "Sessions that ended, by fate",
                "Per minute. Dropped, abandoned and lost are the ones that hurt; left, completed, removed and "
                "superseded are how calls end.",
                [query(per_minute("fate", f"rtc_sessions_ended_total{{{REGION}}}"), "{{fate}}")],
                unit=PER_MINUTE,
                stacked=True,
            ),
            series(
                "Time reconnecting per session-hour",
                "Seconds of an hour in its room that a session spends reconnecting, of the sessions that ended, all "
                "regions.",
                [
                    query(
                        '3600 * sum(rate(rtc_state_seconds_total{state="reconnecting"}[$__rate_interval]))'
                        " / (sum(rate(rtc_state_seconds_total[$__rate_interval])) > 0)",
                        "reconnecting",
                    )
                ],
                unit="s",
            ),
        ],
    ]


def telemetry() -> list[list[Json]]:
    """Whether the numbers above can be trusted."""
    return [
        [
            series(
                "Behind the topic",
                "Age of the oldest event not stored, by partition; 0 when caught up. The line is where spike alerts "
                "fall silent.",
                [query("max by (partition) (rtc_collector_lag_seconds)", "partition {{partition}}")],
                unit="s",
                above_is_bad=LAG_MAX_S,
            ),
            series(
                "Records waiting",
                "Records of the topic that are not stored yet. It rises when a collector is down or the store is slow.",
                [query("sum(rtc_collector_lag_messages)", "records")],
            ),
            series(
                "Events by result",
                "Per second. Late: older than 15 minutes, stored and in no live number here. A burst of duplicates "
                "follows a restart or a rebalance.",
                [query("sum by (result) (rate(rtc_collector_events_total[$__rate_interval]))", "{{result}}")],
                unit="ops",
            ),
        ],
        [
            series(
                "From append to store",
                "Freshness: from an event's append time at the broker to its commit in the store.",
                [
                    query(quantile(0.5, "rtc_collector_event_delay_seconds"), "p50"),
                    query(quantile(0.99, "rtc_collector_event_delay_seconds"), "p99"),
                ],
                unit="s",
            ),
            series(
                "Transactions",
                "Duration of a batch's transaction. Slow ones with small batches point at the store.",
                [
                    query(quantile(0.5, "rtc_collector_transaction_seconds"), "p50"),
                    query(quantile(0.99, "rtc_collector_transaction_seconds"), "p99"),
                ],
                unit="s",
            ),
            series(
                "Records refused, and lost unread",
                "Dead letters by reason, per minute: a client speaks wrongly, or someone else is on the topic. "
                "Lost unread: the log dropped them before a collector came to them; keep it for longer.",
                [
                    query(per_minute("reason", "rtc_collector_dead_letters_total") + " > 0", "{{reason}}"),
                    query("60 * sum(rate(rtc_collector_records_lost_total[$__rate_interval])) > 0", "lost unread"),
                ],
                unit=PER_MINUTE,
            ),
        ],
    ]


def dashboard() -> Json:
    """The whole dashboard, as Grafana reads it from a file."""
    headed = [
        ("Now", [(4, now())]),
        ("Outages", [(8, line) for line in outages()]),
        ("Failures", [(8, line) for line in failures()]),
        ("Telemetry health", [(7, line) for line in telemetry()]),
    ]
    lines = [line for title, below in headed for line in ((1, [row(title)]), *below)]
    return {
        "annotations": {"list": [_built_in_annotation(), _alerts_annotation()]},
        "description": QUESTION,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [_other_dashboards()],
        "panels": laid_out(lines),
        "refresh": "30s",
        "schemaVersion": 39,
        "tags": ["roomwatch"],
        "templating": {
            "list": [
                datasource_variable(),
                label_variable("region", "Region", "rtc_sessions_live"),
                label_variable("code", "Code", "rtc_terminal_failures_total"),
            ]
        },
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": "Roomwatch / Overview",
        "uid": UID,
        "version": 1,
        "weekStart": "",
    }


def _built_in_annotation() -> Json:
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }


def _alerts_annotation() -> Json:
    firing = 'count by (alertname, code) (ALERTS{alertstate="firing", alertname=~"Rtc.+", alertname!="RtcWatchdog"})'
    return {
        "datasource": PROMETHEUS,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "name": "Alerts",
        "target": {"expr": firing, "refId": "Alerts", "step": "60s"},
        "titleFormat": "{{alertname}} {{code}}",
    }


def _other_dashboards() -> Json:
    return {
        "asDropdown": True,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": ["roomwatch"],
        "targetBlank": False,
        "title": "Roomwatch",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    }
