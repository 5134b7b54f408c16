"""Every metric of the collector, in one class on a registry that is handed in. docs/metrics.md is generated from it.

Not here: what a difference is and when a transaction ends (collector/ingest), the values of labels (metric_labels.py).

Rules:
1. Counted after the transaction, from the difference of the rows before and after: a redelivery changes no row and so
   moves no counter. A crash between the two loses increments of one batch; it never doubles them.
2. Only what happened less than `LATE_AFTER_US` ago by corrected time counts: a replay or a catch-up is no spike.
3. A fact that is told again in other words (a better clock, a region that came later) stays counted as it was told
   first. A session or an outage whose end is taken back goes to `rtc_sessions_reopened_total` or
   `rtc_outages_reopened_total`: ended less reopened is what is so. Time that is taken back is owed, and the next that
   is told pays it.
4. One thread counts. Any thread may render; it takes milliseconds, so the event loop must not.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from collector import metric_labels as labels
from collector.metric_facts import Difference

LATE_AFTER_US: Final = 15 * 60 * 1_000_000

OUTAGE_EDGES_S: Final = (0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300)
DELAY_EDGES_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
TRANSACTION_EDGES_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCH_EDGES: Final = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


class Held(NamedTuple):
    """What the owner of a partition holds of one region, as counts of sessions."""

    live: int = 0
    reconnecting: int = 0
    token_risk: int = 0


class Listed(NamedTuple):
    """A metric as documentation lists it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class Metrics:
    """All metrics of a process, on `registry`. Regions and SDKs that are expected start at 0 before they are seen.

    Turns the `_created` series off, which prometheus_client can only do for the whole process.
    """

    def __init__(
        self, registry: CollectorRegistry, *, version: str, regions: Iterable[str] = (), sdks: Iterable[str] = ()
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry
        self.listed: list[Listed] = []
        self._make_product_metrics()
        self._make_collector_metrics()
        self._make_store_metrics()
        self.build_info.labels(version).set(1)
        self._held: dict[int, Mapping[str | None, Held]] = {}
        self._owed_ms: Tally[str] = Tally()  # time in a state that was taken back after it was counted
        self._sdks = labels.Bounded(labels.SDKS_MAX, str, sdks)
        self._regions = labels.Bounded(labels.REGIONS_MAX, self._begin_region, regions)
        self._begin()

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
        self.append_time_missing = self._gauge(
            "rtc_collector_append_time_missing",
            "1 where the topic has CreateTime, so that the collector's reading time stands in for the append time.",
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
        self.sessions_held = self._gauge(
            "rtc_collector_sessions_held", "Sessions in memory; beyond sessions_max only what is not written yet."
        )
        self.build_info = self._gauge("rtc_collector_build_info", "Always 1; the label tells the version.", "version")

    def count(
        self,
        differences: Iterable[Difference],
        *,
        now_us: int,
        results: Mapping[tuple[str, str], int] | None = None,
        transitions: Mapping[tuple[str, str | None, str | None], int] | None = None,
    ) -> None:
        """Counts a batch that was committed. `now_us` is the wall clock's reading.

        `results` has (type, result) of its events, `transitions` (subject, from_state, to_state) of those that were
        stored and on time.
        """
        in_time = [told for told in differences if now_us - told.at_us < LATE_AFTER_US]
        for told in in_time:
            if told.restates:
                continue
            if told.sign > 0:
                self._count_one(told)
            else:
                self._take_back(told)
        for state, spent_ms in _state_ms(in_time).items():
            due_ms = spent_ms - self._owed_ms[state]
            self.state_seconds.labels(state).inc(max(due_ms, 0) / 1000)
            self._owed_ms[state] = max(-due_ms, 0)
        for (event_type, result), n in (results or {}).items():
            known = event_type if event_type in labels.EVENT_TYPES else labels.UNKNOWN
            self.events.labels(known, result if result in labels.RESULTS else labels.OTHER).inc(n)
        for move, n in (transitions or {}).items():
            self.state_transitions.labels(*(move if move in labels.TRANSITIONS else (labels.OTHER,) * 3)).inc(n)

    def _count_one(self, told: Difference) -> None:
        cause = _cause(told)
        match told.kind:
            case "started":
                self.sessions_started.labels(self._regions(told.region), self._sdks(told.sdk)).inc()
                self.connect_attempts.labels(self._regions(told.region)).inc()
            case "joined":
                self.sessions_joined.labels(self._regions(told.region)).inc()
            case "outage":
                self.outages_started.labels(cause, self._regions(told.region)).inc()
                self.outage_flaps.labels(cause).inc(1 if told.a else 0)
            case "outage_ended" if told.outcome in labels.OUTCOMES:
                self.outages_ended.labels(cause, told.outcome).inc()
                self.outage_duration.labels(told.outcome, cause).observe(told.a / 1000, _exemplar(told))
            case "ended":
                self._count_end(told)

    def _take_back(self, told: Difference) -> None:
        if told.kind == "ended":
            self.sessions_reopened.labels(_fate(told)).inc()
        elif told.kind == "outage_ended" and told.outcome in labels.OUTCOMES:
            self.outages_reopened.labels(_cause(told), told.outcome).inc()

    def _count_end(self, told: Difference) -> None:
        fate = _fate(told)
        region = self._regions(told.region)
        self.sessions_ended.labels(region, fate).inc()
        if told.code >= 0 and fate in labels.FAILED_FATES:
            phase = labels.JOIN if fate == labels.NOT_JOINED else labels.SESSION
            code = labels.failure_code(told.code, phase)
            self.terminal_failures.labels(phase, code, region).inc(1, _exemplar(told))

    def count_dead_letters(self, reasons: Iterable[str]) -> None:
        """Counts records that were refused, one a reason."""
        for reason, n in Tally(reasons).items():
            known = reason if reason in labels.DEAD_LETTER_REASONS else labels.OTHER
            self.dead_letters.labels(known).inc(n)

    def hold(self, partition: int, held: Mapping[str | None, Held]) -> None:
        """What the owner of `partition` holds now, by region as the clients told it."""
        self._held[partition] = held
        self._set_held()

    def set_lag(self, partition: int, *, messages: int, seconds: float) -> None:
        """How far `partition` is behind."""
        if partition < labels.PARTITIONS_MAX:
            self.lag_messages.labels(str(partition)).set(messages)
            self.lag_seconds.labels(str(partition)).set(seconds)

    def revoke(self, partitions: Iterable[int]) -> None:
        """Forgets partitions that this process no longer owns: a stale gauge would count their sessions twice."""
        for partition in partitions:
            self._held.pop(partition, None)
            for gauge in (self.lag_messages, self.lag_seconds):
                gauge.remove(str(partition))
        self._set_held()

    def _set_held(self) -> None:
        live, reconnecting, token_risk = Tally[str](), Tally[str](), Tally[str]()
        for of_partition in self._held.values():
            for told, held in of_partition.items():
                region = self._regions(told)
                live[region] += held.live
                reconnecting[region] += held.reconnecting
                token_risk[region] += held.token_risk
        for region in self._regions.seen:
            self.sessions_live.labels(region).set(live[region])
            self.sessions_reconnecting.labels(region).set(reconnecting[region])
            self.token_risk.labels(region).set(token_risk[region])

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics as a scrape's body and its content type: OpenMetrics with exemplars where `accept` names it."""
        if "application/openmetrics-text" in accept:
            body: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4

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
        for table in labels.TABLES_THAT_AGE:
            self.rows_aged.labels(table)
        for event_type in labels.EVENT_TYPES:
            self.events.labels(event_type, "refused" if event_type == labels.UNKNOWN else "stored")
        for reason in (*labels.DEAD_LETTER_REASONS, labels.OTHER):
            self.dead_letters.labels(reason)

    def _begin_region(self, region: str) -> None:
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


def _state_ms(differences: Iterable[Difference]) -> dict[str, int]:
    """Time in states, net of what was taken back."""
    connected_ms = reconnecting_ms = 0
    for told in differences:
        if told.kind == "ended":
            connected_ms += told.sign * told.a
            reconnecting_ms += told.sign * told.b
    return {"connected": connected_ms, "reconnecting": reconnecting_ms}


def _cause(told: Difference) -> str:
    return told.cause if told.cause in labels.CAUSES else labels.UNKNOWN


def _fate(told: Difference) -> str:
    return told.fate if told.fate in labels.FATES else labels.OTHER


def _exemplar(told: Difference) -> dict[str, str]:
    return {"session_id": str(told.session_id)}
