"""Metrics: what is counted, when, under which labels, and how much of it there may be."""

import subprocess
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from collector import metric_labels
from collector.ingest import decode, derive
from collector.metric_labels import DIMENSIONS
from collector.metrics import LATE_AFTER_US, Held, Metrics
from session_core.errors import CATALOGUE, Appears, EndsAs

NOW_US = 1_800_000_000_000_000
ID = UUID("01900000-0000-7000-8000-000000000001")
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"


class Told(NamedTuple):
    """A difference with defaults."""

    kind: str
    sign: int = 1
    restates: bool = False
    at_us: int = NOW_US
    code: int = -1
    cause: str = ""
    outcome: str = ""
    fate: str = ""
    region: str = "ie1"
    sdk: str = "js"
    sdk_version: str = ""
    app_version: str = ""
    a: int = 0
    b: int = 0
    session_id: UUID = ID


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), version="1.2.3", regions=["ie1"], sdks=["js"])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def above_zero(metrics: Metrics) -> dict[str, float]:
    """Every series of the product above 0, as `name{values}`."""
    return {
        f"{s.name}{{{','.join(s.labels.values())}}}": s.value
        for family in metrics.registry.collect()
        for s in family.samples
        if s.value > 0 and not s.name.startswith(("rtc_collector", "rtc_outage_duration_seconds_bucket"))
    }


def test_a_session_that_joined_reconnected_and_was_dropped_is_counted_once_in_each_counter(metrics: Metrics) -> None:
    told = [
        Told("started"),
        Told("joined", a=400),
        Told("outage", cause="signaling", a=1),
        Told("outage_ended", cause="signaling", outcome="failed", code=53002, a=12_500, b=4),
        Told("ended", fate="dropped", code=53002, a=60_000, b=12_500),
    ]
    metrics.count(told, now_us=NOW_US)
    assert above_zero(metrics) == {
        "rtc_sessions_started_total{ie1,js}": 1,
        "rtc_connect_attempts_total{ie1}": 1,
        "rtc_sessions_joined_total{ie1}": 1,
        "rtc_sessions_ended_total{ie1,dropped}": 1,
        "rtc_terminal_failures_total{session,53002,ie1}": 1,
        "rtc_outages_started_total{signaling,ie1}": 1,
        "rtc_outages_ended_total{signaling,failed}": 1,
        "rtc_outage_flaps_total{signaling}": 1,
        "rtc_outage_duration_seconds_count{failed,signaling}": 1,
        "rtc_outage_duration_seconds_sum{failed,signaling}": 12.5,
        "rtc_state_seconds_total{connected}": 60,
        "rtc_state_seconds_total{reconnecting}": 12.5,
    }


def test_a_join_that_failed_is_a_failure_of_the_join_phase(metrics: Metrics) -> None:
    metrics.count([Told("ended", fate="not_joined", code=53000)], now_us=NOW_US)
    assert value(metrics, "rtc_terminal_failures_total", phase="join", code="53000", region="ie1") == 1
    assert value(metrics, "rtc_terminal_failures_total", phase="session", code="53000", region="ie1") == 0


@pytest.mark.parametrize(
    ("fate", "code"),
    [("left", -1), ("not_joined", -1), ("completed", 53118), ("superseded", 53205), ("lost", -1), ("abandoned", -1)],
)
def test_an_end_that_is_no_failure_is_none(metrics: Metrics, fate: str, code: int) -> None:
    metrics.count([Told("ended", fate=fate, code=code)], now_us=NOW_US)
    assert above_zero(metrics) == {f"rtc_sessions_ended_total{{ie1,{fate}}}": 1}


def test_what_is_older_than_a_quarter_of_an_hour_moves_no_live_counter(metrics: Metrics) -> None:
    old, young = NOW_US - LATE_AFTER_US, NOW_US - LATE_AFTER_US + 1
    metrics.count([Told("ended", fate="dropped", code=53000, at_us=old)], now_us=NOW_US)
    assert above_zero(metrics) == {}
    metrics.count([Told("joined", at_us=young)], now_us=NOW_US)
    assert above_zero(metrics) == {"rtc_sessions_joined_total{ie1}": 1}


def test_a_fact_told_again_in_other_words_is_counted_once(metrics: Metrics) -> None:
    metrics.count([Told("started", region="")], now_us=NOW_US)
    again = [Told("started", sign=-1, restates=True, region=""), Told("started", restates=True)]
    metrics.count(again, now_us=NOW_US)
    assert above_zero(metrics) == {
        "rtc_sessions_started_total{unknown,js}": 1,
        "rtc_connect_attempts_total{unknown}": 1,
    }


def test_time_in_states_told_again_adds_what_is_new(metrics: Metrics) -> None:
    metrics.count([Told("ended", fate="left", a=60_000)], now_us=NOW_US)
    again = [
        Told("ended", sign=-1, restates=True, fate="left", a=60_000),
        Told("ended", restates=True, fate="left", a=61_000, b=500),
    ]
    metrics.count(again, now_us=NOW_US)
    assert value(metrics, "rtc_state_seconds_total", state="connected") == 61
    assert value(metrics, "rtc_state_seconds_total", state="reconnecting") == 0.5


def test_a_lost_session_that_came_back_is_reopened(metrics: Metrics) -> None:
    metrics.count([Told("ended", fate="lost")], now_us=NOW_US)
    metrics.count([Told("ended", sign=-1, fate="lost")], now_us=NOW_US)
    assert value(metrics, "rtc_sessions_ended_total", region="ie1", fate="lost") == 1
    assert value(metrics, "rtc_sessions_reopened_total", fate="lost") == 1


def test_time_that_a_lost_session_had_spent_is_not_counted_again_when_it_comes_back(metrics: Metrics) -> None:
    metrics.count([Told("ended", fate="lost", a=60_000)], now_us=NOW_US)
    metrics.count([Told("ended", sign=-1, fate="lost", a=60_000)], now_us=NOW_US)
    metrics.count([Told("ended", fate="left", a=40_000)], now_us=NOW_US)
    assert value(metrics, "rtc_state_seconds_total", state="connected") == 60
    metrics.count([Told("ended", fate="left", a=100_000)], now_us=NOW_US)
    assert value(metrics, "rtc_state_seconds_total", state="connected") == 140


def test_an_outage_of_a_lost_session_that_came_back_is_reopened(metrics: Metrics) -> None:
    metrics.count([Told("outage_ended", cause="signaling", outcome="lost", a=90_000)], now_us=NOW_US)
    metrics.count([Told("outage_ended", sign=-1, cause="signaling", outcome="lost", a=90_000)], now_us=NOW_US)
    assert value(metrics, "rtc_outages_ended_total", cause="signaling", outcome="lost") == 1
    assert value(metrics, "rtc_outages_reopened_total", cause="signaling", outcome="lost") == 1


def test_failures_and_durations_lead_to_a_session_by_exemplar(metrics: Metrics) -> None:
    told = [
        Told("ended", fate="dropped", code=53405),
        Told("outage_ended", cause="media", outcome="failed", a=7_000),
    ]
    metrics.count(told, now_us=NOW_US)
    body, content_type = metrics.render(OPENMETRICS)
    found = {
        s.name: s.exemplar.labels
        for family in text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]
        for s in family.samples
        if s.exemplar
    }
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert found == {
        "rtc_terminal_failures_total": {"session_id": str(ID)},
        "rtc_outage_duration_seconds_bucket": {"session_id": str(ID)},
    }


def test_a_scraper_that_asks_for_text_gets_text_without_exemplars(metrics: Metrics) -> None:
    metrics.count([Told("ended", fate="dropped", code=53405)], now_us=NOW_US)
    body, content_type = metrics.render("text/plain")
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"session_id" not in body
    assert b"_created" not in body


def test_every_legal_failure_of_a_known_region_starts_at_zero(metrics: Metrics) -> None:
    begun = {
        (s.labels["phase"], s.labels["code"])
        for family in metrics.registry.collect()
        for s in family.samples
        if s.name == "rtc_terminal_failures_total" and s.labels["region"] == "ie1" and s.value == 0
    }
    legal = {(phase, code) for phase, codes in metric_labels.FAILURE_CODES.items() for code in (*codes, "other")}
    assert begun == legal
    assert {("join", "53000"), ("session", "53000"), ("session", "53002")} < begun
    assert ("join", "53002") not in begun  # a window that ends needs a session that had joined


def test_label_codes_are_codes_of_the_catalogue_that_may_appear_there() -> None:
    for phase, appears in (("join", Appears.CONNECT), ("session", Appears.DISCONNECTED)):
        for code in map(int, metric_labels.FAILURE_CODES[phase]):
            assert appears in CATALOGUE[code].appears
            assert phase == "join" or CATALOGUE[code].ends_as is EndsAs.DROPPED


def test_a_region_met_for_the_first_time_has_all_its_series(metrics: Metrics) -> None:
    metrics.count([Told("started", region="sg1")], now_us=NOW_US)
    assert value(metrics, "rtc_terminal_failures_total", phase="session", code="53002", region="sg1") == 0
    assert value(metrics, "rtc_sessions_live", region="sg1") == 0


def test_values_that_clients_had_not_told_before_are_counted_also_late_or_in_other_words(metrics: Metrics) -> None:
    told = [Told("started", app_version="1"), Told("joined", app_version="2"), Told("started", app_version="1")]
    metrics.count(told, now_us=NOW_US)
    changed = Told("started", restates=True, app_version="3", sdk_version="9")
    metrics.count([changed._replace(sign=-1, app_version="1"), changed], now_us=NOW_US + 2 * LATE_AFTER_US)
    counted = {name: value(metrics, "rtc_collector_client_values_total", dimension=name) for name in DIMENSIONS}
    assert counted == {"region": 1, "sdk": 1, "sdk_version": 1, "app_version": 2}


def test_a_fleet_of_ever_new_values_is_counted_on_in_bounded_memory() -> None:
    is_new = metric_labels.FirstSeen(3)
    assert [is_new(word) for word in ("a", "b", "a", "", "c", "d", "d", "a")] == [
        True, True, False, False, True, True, False, True,
    ]  # fmt: skip


def test_what_clients_and_servers_invent_becomes_other(metrics: Metrics) -> None:
    metrics.count([Told("started", region=f"r{n}", sdk=f"sdk{n}") for n in range(50)], now_us=NOW_US)
    metrics.count([Told("ended", fate="dropped", code=99_999)], now_us=NOW_US)
    metrics.count([], now_us=NOW_US, results={("room.teleported", "stored"): 1}, transitions={("room", "x", "y"): 2})
    metrics.count_dead_letters(["the moon"])
    assert value(metrics, "rtc_sessions_started_total", region="r18", sdk="other") == 1
    assert value(metrics, "rtc_sessions_started_total", region="other", sdk="other") == 31
    assert value(metrics, "rtc_terminal_failures_total", phase="session", code="other", region="ie1") == 1
    assert value(metrics, "rtc_collector_events_total", type="unknown", result="stored") == 1
    assert value(metrics, "rtc_state_transitions_total", subject="other", from_state="other", to_state="other") == 2
    assert value(metrics, "rtc_collector_dead_letters_total", reason="other") == 1


def test_gauges_sum_the_partitions_held_and_forget_the_revoked(metrics: Metrics) -> None:
    metrics.hold(0, {"ie1": Held(live=5, reconnecting=2, token_risk=1), "": Held(live=1)})
    metrics.hold(3, {"ie1": Held(live=7)})
    metrics.set_lag(3, messages=12, seconds=0.5)
    assert value(metrics, "rtc_sessions_live", region="ie1") == 12
    assert value(metrics, "rtc_sessions_live", region="unknown") == 1
    assert value(metrics, "rtc_token_risk_sessions", region="ie1") == 1
    metrics.revoke([0, 3])
    assert value(metrics, "rtc_sessions_live", region="ie1") == 0
    assert value(metrics, "rtc_sessions_reconnecting", region="ie1") == 0
    assert value(metrics, "rtc_collector_lag_messages", partition="3") is None


def full() -> Metrics:
    """A collector that has met everything there is."""
    metrics = Metrics(CollectorRegistry(), version="1.2.3")
    metrics.count(
        [Told("started", region=f"r{r}", sdk=f"sdk{s}") for r in range(30) for s in range(9)],
        now_us=NOW_US,
        results={(t, r): 1 for t in metric_labels.EVENT_TYPES for r in metric_labels.RESULTS},
    )
    metrics.count(
        [
            Told("ended", fate=fate, code=code, region=f"r{region}")
            for code in CATALOGUE
            for fate in metric_labels.FATES
            for region in range(30)
        ],
        now_us=NOW_US,
    )
    metrics.hold(0, {f"r{region}": Held(live=1) for region in range(30)})
    for partition in range(12):
        metrics.set_lag(partition, messages=0, seconds=0)
    return metrics


def test_a_collector_that_has_met_everything_has_fewer_than_two_thousand_series() -> None:
    series = sum(len(family.samples) for family in full().registry.collect())
    assert 1_000 < series < 2_000


def test_promtool_finds_no_fault_with_any_metric(promtool: Path) -> None:
    done = subprocess.run([promtool, "check", "metrics"], input=full().render()[0], capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_every_metric_is_listed_with_the_words_of_its_help(metrics: Metrics) -> None:
    exposed = {
        (f.name + "_total" if f.type == "counter" else f.name, f.type, f.documentation)
        for f in metrics.registry.collect()
    }
    assert {(listed.name, listed.kind, listed.text) for listed in metrics.listed} == exposed
    assert all(listed.name.startswith("rtc_") and listed.text.endswith(".") for listed in metrics.listed)


def test_the_closed_lists_are_those_of_ingest() -> None:
    assert set(metric_labels.DEAD_LETTER_REASONS) == set(decode.REASONS)
    assert set(metric_labels.OUTCOMES) == set(derive.OUTCOMES) - {"open"}
    assert set(metric_labels.FATES) == {*(fate.value for fate in EndsAs), "not_joined"}
