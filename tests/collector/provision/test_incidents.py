"""Incidents of the store become marks in Grafana: each once, as long as it is, and with tags to ask for them by."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from collector.provision.marks import key_of, marks_of
from collector.store.incidents import Alert, Incidents
from collector.store.views_incidents import IncidentView
from tests.collector.provision.conftest import Run
from tests.servers.grafana_stub import GrafanaStub

MINUTE_US = 60_000_000
BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPIKE = IncidentView(
    incident_id="4f8a-1764000000000000",
    alertname="RtcFailureSpike",
    severity="page",
    started_at=BEGAN,
    ended_at=BEGAN.replace(minute=7),
    told_at=BEGAN.replace(minute=9),
    summary="<b>53000</b> in br1",
    description=None,
    labels={"code": "53000", "region": "br1", "severity": "page", "team": "rtc"},
    annotations={},
)


def test_a_mark_is_a_region_with_tags_and_a_link_to_whom_it_hit() -> None:
    (mark,) = marks_of([SPIKE], "https://r.example.org/")
    since_ms = int(BEGAN.timestamp()) * 1000
    assert (mark.since_ms, mark.until_ms) == (since_ms, since_ms + 7 * 60_000)
    assert mark.tags == (
        "roomwatch",
        "incident",
        "incident:4f8a-1764000000000000",
        "RtcFailureSpike",
        "severity:page",
        "code:53000",
        "region:br1",
    )
    assert key_of(mark.tags) == mark.key == SPIKE.incident_id
    assert mark.text == (
        "<b>&lt;b&gt;53000&lt;/b&gt; in br1</b><br>"
        '<a href="https://r.example.org/incidents/4f8a-1764000000000000">Whom it hit</a>'
    )


def test_one_that_goes_on_reaches_to_when_it_was_last_told() -> None:
    (mark,) = marks_of([SPIKE.model_copy(update={"ended_at": None, "description": "More"})], None)
    assert mark.until_ms - mark.since_ms == 9 * 60_000
    assert mark.text.endswith("<br>More<br>It goes on, as far as Alertmanager told.")


def test_one_that_was_told_at_its_start_is_a_region_all_the_same() -> None:
    (mark,) = marks_of([SPIKE.model_copy(update={"ended_at": None, "told_at": BEGAN})], None)
    assert mark.until_ms > mark.since_ms


def test_tags_of_somebody_else_are_of_no_incident() -> None:
    assert key_of(("roomwatch", "incident", "deploy")) is None


def test_an_incident_that_is_told_again_is_updated_and_not_doubled(
    stub: GrafanaStub, provision: Run, empty_engine: Engine
) -> None:
    now_us = time.time_ns() // 1_000_000 * 1000  # noqa: TID251 - the command's clock is real
    began = now_us - 20 * MINUTE_US
    alert = Alert("4f8a", began, None, {"alertname": "RtcFailureSpike", "code": "53000"}, {"summary": "Many fail"})
    kept, url = Incidents(empty_engine), empty_engine.url.render_as_string()

    def run() -> list[str]:
        ended = provision("--incidents", database_url=url)
        assert (ended.returncode, ended.stderr) == (0, "")
        return [line.split()[0] for line in ended.stdout.splitlines() if "RtcFailureSpike" in line]

    kept.keep([alert], now_us - 15 * MINUTE_US)
    kept.keep([replace(alert, fingerprint="old", started_at_us=now_us - 40 * 86_400_000_000, ended_at_us=1)], now_us)
    assert (run(), run()) == (["created"], [])
    kept.keep([replace(alert, ended_at_us=now_us - 5 * MINUTE_US)], now_us)
    assert (run(), run()) == (["updated"], [])
    (mark,) = stub.state.annotations.values()
    assert (mark["time"], mark["timeEnd"]) == (began // 1000, (now_us - 5 * MINUTE_US) // 1000)


def test_incidents_need_a_store_with_their_table(provision: Run, stub: GrafanaStub, tmp_path: Path) -> None:
    ended = provision("--incidents", "7d", database_url=f"sqlite:///{tmp_path}/empty.db")
    assert (ended.returncode, stub.asked) == (2, [])
    assert "run: roomwatch migrate" in ended.stderr
