"""The dashboard `roomwatch-telemetry`, *Can I trust these numbers?*: what is late, missing or refused."""

from __future__ import annotations

from typing import Final

from tools.dashboards.frame import dashboard as framed
from tools.dashboards.panels import instant, query, row, series, stat
from tools.dashboards.promql import in_range, quantile, quantile_in_range, rates_that_rose
from tools.dashboards.vocabulary import (
    BYTES,
    COMPLETE_FROM,
    LAG_MAX_S,
    PER_MINUTE,
    PER_SECOND,
    SECONDS,
    SHARE,
    TELEMETRY,
    Json,
)

DESCRIPTION: Final = (
    "What the other dashboards are made of: whether collectors run, how far they are behind, what was refused or "
    "lost before it was read, and how the store bears it."
)
DELAY: Final = "rtc_collector_event_delay_seconds"
TRANSACTION: Final = "rtc_collector_transaction_seconds"


def now() -> list[Json]:
    """Yes or no."""
    return [
        stat(
            "Collectors",
            "Collectors that Prometheus scrapes. Fewer than you run: one is down, and the others have taken its "
            "partitions, or soon will.",
            query("count(rtc_collector_build_info)"),
            when_none="none",
        ),
        stat(
            "Behind",
            "Age of the oldest event that is not stored yet. Above 2 minutes all numbers tell of the past, and spike "
            "alerts are silent until it is caught up.",
            query("max(rtc_collector_lag_seconds)"),
            unit=SECONDS,
            above_is_bad=LAG_MAX_S,
            when_none="no collector",
        ),
        stat(
            "Stored within",
            "Freshness: the 99th percentile in the time range of the time from an event's append at the broker to its "
            "commit in the store; to the edge of a bucket.",
            instant(quantile_in_range(0.99, DELAY)),
            unit=SECONDS,
            when_none="no event",
        ),
        stat(
            "Refused",
            "Records of the time range that became dead letters. They are kept: see `roomwatch dead-letters` and the "
            "reasons below.",
            instant(in_range("rtc_collector_dead_letters_total")),
            above_is_bad=1,
        ),
        stat(
            "Lost unread",
            "Offsets that the log dropped before a collector came to them, in the time range. They are gone: let the "
            "topic keep more, or add collectors.",
            instant(in_range("rtc_collector_records_lost_total")),
            above_is_bad=1,
        ),
        stat(
            "Complete",
            "Events that came in time, of those that sessions had sent by their sequence numbers, in the time range. "
            f"Below {COMPLETE_FROM:.0%} counts tell less than happened: outboxes overflow, or clients die. "
            "What a silent session did not say any more is unknown.",
            instant(
                f"{in_range('rtc_collector_events_received_total')}"
                f" / ({in_range('rtc_collector_events_expected_total')} > 0)"
            ),
            unit=SHARE,
            below_is_bad=COMPLETE_FROM,
            when_none="no event",
        ),
    ]


def late() -> list[Json]:
    """What has not come yet."""
    return [
        series(
            "Behind, by partition",
            "Age of the oldest event not stored; 0 when caught up. The dashed line is where spike alerts fall silent. "
            "One partition alone: its collector waits for something; all of them: the store or the broker. Beside it "
            "the time since somebody looked for sessions that fell silent, of the partition where that is longest ago.",
            [
                query("max by (partition) (rtc_collector_lag_seconds)", "partition {{partition}}"),
                query("time() - min(rtc_collector_sweep_timestamp_seconds > 0)", "since the last sweep"),
            ],
            unit=SECONDS,
            above_is_bad=LAG_MAX_S,
            when_none="no partition",
        ),
        series(
            "Records waiting",
            "Records of the topic that are not stored yet. It rises when a collector is down or the store is slow, "
            "and falls back when they have caught up.",
            [query("sum(max by (partition) (rtc_collector_lag_messages))", "records")],
            when_none="no partition",
        ),
    ]


def missing() -> list[Json]:
    """What does not count, and why."""
    refused = rates_that_rose("reason", "rtc_collector_dead_letters_total")
    lost = rates_that_rose("reason", "rtc_client_events_lost_total")
    return [
        series(
            "Events by result",
            "Per second. Late: older than 15 minutes, in the store and in no live number. A burst of duplicates "
            "follows a restart or a rebalance and is harmless; expired: older than what is kept.",
            [query("sum by (result) (rate(rtc_collector_events_total[$__rate_interval]))", "{{result}}")],
            unit=PER_SECOND,
            colours=("result",),
            stacked=True,
            beside=True,
        ),
        series(
            "Refused, lost unread, and lost by clients",
            "Per minute. A reason that begins with a release: that client speaks wrongly. wrong-key, not-json: someone "
            "else is on the topic. Client, overflow: outboxes that could not reach the broker for so long that they "
            "had to drop events; refused: the broker would never take them.",
            [
                query(refused, "{{reason}}"),
                query("60 * sum(rate(rtc_collector_records_lost_total[$__rate_interval]))", "lost unread"),
                query(lost, "client: {{reason}}"),
            ],
            unit=PER_MINUTE,
            colours=("result",),
        ),
    ]


def store() -> list[Json]:
    """How the store bears it."""
    return [
        series(
            "From append to store, and transactions",
            "Freshness beside what a batch's transaction takes. Both slow: the store; freshness alone: the collector "
            "waits for records or is behind.",
            [
                query(quantile(0.5, DELAY), "p50 to the store"),
                query(quantile(0.99, DELAY), "p99 to the store"),
                query(quantile(0.99, TRANSACTION), "all of a transaction, p99"),
            ],
            unit=SECONDS,
            colours=("quantile",),
            when_none="no event",
        ),
        series(
            "Size of the store",
            "With indexes, when a collector last looked for what is old; of SQLite the whole alone. It levels out "
            "once the oldest day is deleted daily.",
            [query("max by (table) (rtc_collector_store_bytes)", "{{table}}")],
            unit=BYTES,
        ),
    ]


def dashboard() -> Json:
    """The whole dashboard."""
    lines = [
        (1, [row("Now, and in the time range")]),
        (4, now()),
        (1, [row("Is something late?")]),
        (8, late()),
        (1, [row("Is something missing?")]),
        (8, missing()),
        (1, [row("Does the store bear it?")]),
        (8, store()),
    ]
    return framed(TELEMETRY, DESCRIPTION, lines, [])
