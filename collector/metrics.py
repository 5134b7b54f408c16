"""What moves the metrics: every one of metric_list.py, in one class on a registry that is handed in.

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

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from collector import metric_labels as labels
from collector.metric_facts import Difference
from collector.metric_list import Counted, MetricList

LATE_AFTER_US: Final = 15 * 60 * 1_000_000


class Held(NamedTuple):
    """What the owner of a partition holds of one region, as counts of sessions."""

    live: int = 0
    reconnecting: int = 0
    token_risk: int = 0


class Metrics(MetricList):
    """All metrics of a process, on `registry`. Regions and SDKs that are expected start at 0 before they are seen."""

    def __init__(
        self, registry: CollectorRegistry, *, version: str, regions: Iterable[str] = (), sdks: Iterable[str] = ()
    ) -> None:
        super().__init__(registry, version)
        self._held: dict[int, Mapping[str | None, Held]] = {}
        self._owed_ms: Tally[str] = Tally()  # time in a state that was taken back after it was counted
        self._values = {name: labels.FirstSeen(labels.VALUES_REMEMBERED) for name in labels.DIMENSIONS}
        self._sdks = labels.Bounded(labels.SDKS_MAX, str, sdks)
        self._regions = labels.Bounded(labels.REGIONS_MAX, self.begin_region, regions)

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
        told_of = list(differences)
        self._note_values(told for told in told_of if told.kind == "started" and told.sign > 0)
        in_time = [told for told in told_of if now_us - told.at_us < LATE_AFTER_US]
        counted: Counted = Tally()
        for told in in_time:
            if told.restates:
                continue
            if told.sign > 0:
                self._count_one(told, counted)
            else:
                self._take_back(told, counted)
        for (counter, values), n in counted.items():
            counter.labels(*values).inc(n)
        for state, spent_ms in _state_ms(in_time).items():
            due_ms = spent_ms - self._owed_ms[state]
            self.state_seconds.labels(state).inc(max(due_ms, 0) / 1000)
            self._owed_ms[state] = max(-due_ms, 0)
        for (event_type, result), n in (results or {}).items():
            known = event_type if event_type in labels.EVENT_TYPES else labels.UNKNOWN
            self.events.labels(known, result if result in labels.RESULTS else labels.OTHER).inc(n)
        for move, n in (transitions or {}).items():
            self.state_transitions.labels(*(move if move in labels.TRANSITIONS else (labels.OTHER,) * 3)).inc(n)

    def _note_values(self, sessions: Iterable[Difference]) -> None:
        """Also what is told late or again in other words: it has rows of rollups too."""
        for told in sessions:
            for dimension, is_new in self._values.items():
                if is_new(getattr(told, dimension)):
                    self.client_values.labels(dimension).inc()

    def _count_one(self, told: Difference, counted: Counted) -> None:
        match told.kind:
            case "started":
                region = self._regions(told.region)
                counted[self.sessions_started, (region, self._sdks(told.sdk))] += 1
                counted[self.connect_attempts, (region,)] += 1
            case "joined":
                counted[self.sessions_joined, (self._regions(told.region),)] += 1
            case "outage":
                cause = _cause(told)
                counted[self.outages_started, (cause, self._regions(told.region))] += 1
                counted[self.outage_flaps, (cause,)] += 1 if told.a else 0
            case "outage_ended" if told.outcome in labels.OUTCOMES:
                cause = _cause(told)
                counted[self.outages_ended, (cause, told.outcome)] += 1
                self.outage_duration.labels(told.outcome, cause).observe(told.a / 1000, _exemplar(told))
            case "ended":
                self._count_end(told, counted)

    def _take_back(self, told: Difference, counted: Counted) -> None:
        if told.kind == "ended":
            counted[self.sessions_reopened, (_fate(told),)] += 1
        elif told.kind == "outage_ended" and told.outcome in labels.OUTCOMES:
            counted[self.outages_reopened, (_cause(told), told.outcome)] += 1

    def _count_end(self, told: Difference, counted: Counted) -> None:
        fate = _fate(told)
        region = self._regions(told.region)
        counted[self.sessions_ended, (region, fate)] += 1
        if told.code >= 0 and fate in labels.FAILED_FATES:
            phase = labels.JOIN if fate == labels.NOT_JOINED else labels.SESSION
            code = labels.failure_code(told.code, phase)
            self.terminal_failures.labels(phase, code, region).inc(1, _exemplar(told))

    def count_dead_letters(self, reasons: Iterable[str]) -> None:
        """Counts records that were refused, one a reason."""
        for reason, n in Tally(reasons).items():
            known = reason if reason in labels.DEAD_LETTER_REASONS else labels.OTHER
            self.dead_letters.labels(known).inc(n)

    def count_client_losses(self, lost: Mapping[str, int]) -> None:
        """Counts events that outboxes of clients lost, by the reason that they told."""
        for reason, n in lost.items():
            self.client_events_lost.labels(reason if reason in labels.LOSS_REASONS else labels.OTHER).inc(n)

    def hold(self, partition: int, held: Mapping[str | None, Held]) -> None:
        """What the owner of `partition` holds now, by region as the clients told it."""
        self._held[partition] = held
        self._set_held()

    def set_cache(self, sessions: int, size: int) -> None:
        """How many sessions are held in memory, and about how many bytes they take."""
        self.cache_sessions.set(sessions)
        self.cache_bytes.set(size)

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

    def count_question(self, kind: str, outcome: str) -> None:
        """Counts a question to the API that came to this end. May be called from any thread."""
        self.questions.labels(kind, outcome).inc()

    def set_questions(self, kind: str, under_way: int) -> None:
        """How many questions of a kind are being answered. May be called from any thread."""
        self.questions_under_way.labels(kind).set(under_way)

    def _set_held(self) -> None:
        live, reconnecting, token_risk = Tally[str](), Tally[str](), Tally[str]()
        # Partitions may go from the loop while the thread of the store tells what they hold.
        for of_partition in list(self._held.values()):
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
