"""Which metrics there are: each made once, by name, help and labels, with the series that exist before anything came.

docs/metrics.md is generated from this list. What counts them is metrics.py; the values of labels are metric_labels.py.
"""

from __future__ import annotations

from collections import Counter as Tally
from typing import Final, NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from collector import metric_labels as labels

OUTAGE_EDGES_S: Final = (0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300)
DELAY_EDGES_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
TRANSACTION_EDGES_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCH_EDGES: Final = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)

Counted: TypeAlias = Tally[tuple[Counter, tuple[str, ...]]]
"""What is to be added to which counter, by the values of its labels: to find those takes longer than to count."""


class Listed(NamedTuple):
    """A metric as documentation lists it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class MetricList:
    """All metrics of a process, on `registry`.

    Turns the `_created` series off, which prometheus_client can only do for the whole process.
    """

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry
        self.listed: list[Listed] = []
        self._make_product_metrics()
        self._make_collector_metrics()
        self._make_wholeness_metrics()
        self._make_store_metrics()
        self.build_info.labels(version).set(1)
        self._begin()
        self._begin_questions()

    def _make_product_metrics(self) -> None:
        self.sessions_started = self._counter(
            "rtc_sessions_started_total", "Sessions that began: someone asked to join a room.", "region", "sdk"
        )
        self.connect_attempts = self._counter(
            "rtc_connect_attempts_total", "Attempts to join a room: what failures to join are measured by.", "region"
        )
        self.sessions_joined = self._counter("rtc_sessions_joined_total", "Sessions that joined their room.", "region")
        self.sessions_ended = self._counter(
            "rtc_sessions_ended_total",
            "Sessions that ended, by fate; what was taken back is in rtc_sessions_reopened_total.",
            "region",
            "fate",
        )
        self.sessions_reopened = self._counter(
            "rtc_sessions_reopened_total",
            "Ends that were taken back, by the fate they had told: a lost session came back or ended otherwise.",
            "fate",
        )
        self.terminal_failures = self._counter(
            "rtc_terminal_failures_total",
            "Sessions that failed, once each, by phase (join: never joined; session: dropped) and room error code.",
            "phase",
            "code",
            "region",
        )
        self.outages_started = self._counter(
            "rtc_outages_started_total", "Outages that opened: a room began to reconnect.", "cause", "region"
        )
        self.outages_ended = self._counter(
            "rtc_outages_ended_total", "Outages that ended, by what became of them.", "cause", "outcome"
        )
        self.outages_reopened = self._counter(
            "rtc_outages_reopened_total",
            "Ends of outages that were taken back, by the outcome they had told: a lost session came back.",
            "cause",
            "outcome",
        )
        self.outage_flaps = self._counter(
            "rtc_outage_flaps_total", "Outages that opened within 10 s of the end of the one before.", "cause"
        )
        self.outage_duration = self._histogram(
            "rtc_outage_duration_seconds", "Downtime of outages that ended.", OUTAGE_EDGES_S, "outcome", "cause"
        )
        self.state_transitions = self._counter(
            "rtc_state_transitions_total", "Changes of state, of rooms and of participants.",
            "subject", "from_state", "to_state",
        )  # fmt: skip
        self.state_seconds = self._counter(
            "rtc_state_seconds_total", "Time spent in a state by sessions, counted when they end.", "state"
        )
        self.sessions_live = self._gauge(
            "rtc_sessions_live", "Sessions in their room now, of the partitions this collector owns.", "region"
        )
        self.sessions_reconnecting = self._gauge(
            "rtc_sessions_reconnecting", "Live sessions whose room is reconnecting now.", "region"
        )
        self.token_risk = self._gauge(
            "rtc_token_risk_sessions", "Live sessions whose access token expires before an outage could end.", "region"
        )

    def _make_collector_metrics(self) -> None:
        self.events = self._counter(
            "rtc_collector_events_total",
            "Events read: stored, duplicate, late (stored, too old for live counters), expired or refused.",
            "type",
            "result",
        )
        self.event_delay = self._histogram(
            "rtc_collector_event_delay_seconds", "From an event's append time to its commit in the store.",
            DELAY_EDGES_S,
        )  # fmt: skip
        self.transaction = self._histogram(
            "rtc_collector_transaction_seconds", "Duration of a batch's transaction.", TRANSACTION_EDGES_S
        )
        self.batch_events = self._histogram("rtc_collector_batch_events", "Records in a batch.", BATCH_EDGES)
        self.sessions_met = self._counter(
            "rtc_collector_sessions_met_total",
            "Sessions that batches met: held in memory, read from the store, or new to both.",
            "where",
        )
        self.cache_sessions = self._gauge("rtc_collector_cache_sessions", "Sessions held in memory.")
        self.cache_bytes = self._gauge("rtc_collector_cache_bytes", "Bytes that those take, about.")
        self.lag_messages = self._gauge(
            "rtc_collector_lag_messages", "Records of a partition that are not stored yet.", "partition"
        )
        self.lag_seconds = self._gauge(
            "rtc_collector_lag_seconds",
            "Age of the oldest record of a partition that is not stored yet; 0 when caught up.",
            "partition",
        )
        self.dead_letters = self._counter("rtc_collector_dead_letters_total", "Records refused, by reason.", "reason")
        self.letters_left_out = self._counter(
            "rtc_collector_dead_letters_left_out_total",
            "Records refused that the store had no room for; the topic of dead letters has them.",
        )
        self.records_lost = self._counter(
            "rtc_collector_records_lost_total",
            "Offsets that the log dropped before they were read: we were away for longer than it keeps them.",
        )
        self.unknown_fields = self._counter(
            "rtc_collector_unknown_fields_total", "Fields that newer clients sent and this collector left out."
        )
        self.client_values = self._counter(
            "rtc_collector_client_values_total",
            "Regions, SDKs and versions that clients told and this collector had not met: rollups have rows for each.",
            "dimension",
        )
        self.append_time_missing = self._gauge(
            "rtc_collector_append_time_missing",
            "1 where the topic has CreateTime, so that the collector's reading time stands in for the append time.",
        )

    def _make_wholeness_metrics(self) -> None:
        """What tells whether the others tell all."""
        self.events_expected = self._counter(
            "rtc_collector_events_expected_total",
            "Events that sessions had sent when the newest of theirs came in time, as their sequence numbers tell.",
        )
        self.events_received = self._counter(
            "rtc_collector_events_received_total", "Of those, events that came in time: completeness is their share."
        )
        self.client_events_lost = self._counter(
            "rtc_client_events_lost_total",
            "Events that clients say their outboxes lost before they could be sent, by reason; said in time.",
            "reason",
        )
        self.swept_at = self._gauge(
            "rtc_collector_sweep_timestamp_seconds",
            "When this collector last looked for sessions that fell silent, in the partition where that is longest "
            "ago; 0 while it owns none.",
        )

    def _make_store_metrics(self) -> None:
        self.rows_aged = self._counter(
            "rtc_collector_rows_aged_out_total", "Old rows deleted; of whole days of events an estimate.", "table"
        )
        self.aged_at = self._gauge(
            "rtc_collector_retention_success_timestamp_seconds", "When this collector last deleted all that was old."
        )
        self.ageing_failures = self._counter(
            "rtc_collector_retention_failures_total", "Attempts to delete what was old that failed."
        )
        self.stretches_summed = self._counter(
            "rtc_collector_stretches_summed_total",
            "Stretches of five minutes and of an hour that were summed up, so that questions about days are quick; "
            "those that were written to later count again.",
        )
        self.summing_failures = self._counter(
            "rtc_collector_summing_failures_total",
            "Attempts to sum up stretches of five minutes and of an hour that failed.",
        )
        self.oldest_day = self._gauge(
            "rtc_collector_oldest_day_timestamp_seconds",
            "Where the oldest day of events began; 0 where there are none.",
        )
        self.store_bytes = self._gauge(
            "rtc_collector_store_bytes",
            "Size of a table with its indexes, and of `all`, when this collector last looked for what is old. SQLite "
            "knows `all` alone.",
            "table",
        )
        self.questions = self._counter(
            "rtc_collector_questions_total",
            "Questions and exports asked of the API and the pages, by how they ended: refused are those that waited "
            "in vain for their turn, gone those whose asker hung up.",
            "kind",
            "outcome",
        )
        self.questions_under_way = self._gauge(
            "rtc_collector_questions_under_way", "Questions and exports that are being answered.", "kind"
        )
        self.build_info = self._gauge("rtc_collector_build_info", "Always 1; the label tells the version.", "version")

    def _begin(self) -> None:
        """Makes the series that need no region exist at 0."""
        for cause in labels.CAUSES:
            self.outage_flaps.labels(cause)
            for outcome in labels.OUTCOMES:
                self.outages_ended.labels(cause, outcome)
                self.outages_reopened.labels(cause, outcome)
                self.outage_duration.labels(outcome, cause)
        for fate in labels.FATES:
            self.sessions_reopened.labels(fate)
        for state in labels.STATES:
            self.state_seconds.labels(state)
        for move in labels.TRANSITIONS:
            self.state_transitions.labels(*move)
        self.store_bytes.labels("all")
        for dimension in labels.DIMENSIONS:
            self.client_values.labels(dimension)
        for where in labels.MET:
            self.sessions_met.labels(where)
        for table in labels.TABLES_THAT_AGE:
            self.rows_aged.labels(table)
        for event_type in labels.EVENT_TYPES:
            self.events.labels(event_type, "refused" if event_type == labels.UNKNOWN else "stored")
        for reason in (*labels.LOSS_REASONS, labels.OTHER):
            self.client_events_lost.labels(reason)
        for reason in (*labels.DEAD_LETTER_REASONS, labels.OTHER):
            self.dead_letters.labels(reason)

    def _begin_questions(self) -> None:
        for kind in labels.QUESTIONS:
            self.questions_under_way.labels(kind)
            for outcome in labels.ANSWERS:
                self.questions.labels(kind, outcome)

    def begin_region(self, region: str) -> None:
        """Makes every series of a region exist at 0, before its first failure."""
        self.connect_attempts.labels(region)
        self.sessions_joined.labels(region)
        for fate in labels.FATES:
            self.sessions_ended.labels(region, fate)
        for phase, codes in labels.FAILURE_CODES.items():
            for code in (*codes, labels.OTHER):
                self.terminal_failures.labels(phase, code, region)
        for cause in labels.CAUSES:
            self.outages_started.labels(cause, region)
        for gauge in (self.sessions_live, self.sessions_reconnecting, self.token_risk):
            gauge.labels(region)

    def _counter(self, name: str, text: str, *names: str) -> Counter:
        self.listed.append(Listed(name, "counter", names, text))
        return Counter(name, text, names, registry=self.registry)

    def _gauge(self, name: str, text: str, *names: str) -> Gauge:
        self.listed.append(Listed(name, "gauge", names, text))
        return Gauge(name, text, names, registry=self.registry)

    def _histogram(self, name: str, text: str, edges: tuple[float, ...], *names: str) -> Histogram:
        self.listed.append(Listed(name, "histogram", names, text))
        return Histogram(name, text, names, buckets=edges, registry=self.registry)
