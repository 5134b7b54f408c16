"""Every PromQL expression of the dashboards is one, asks what there is, and is answered by a real Prometheus."""

import re
import time
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from tests.dashboards.scraped import SESSION_ID, Scraped, live_through, watched
from tests.dashboards.shown import ANNOTATIONS, COMMITTED, LISTED, PANEL_EXPRESSIONS, selected
from tests.servers.prometheus import Prometheus
from tests.waiting import wait_until

VARIABLES = sorted(
    {
        re.fullmatch(r"label_values\((\w+), (\w+)\)", one["query"]["query"]).groups()  # type: ignore[union-attr]
        for dashboard in COMMITTED.values()
        for one in dashboard["templating"]["list"]
        if one["type"] == "query" and isinstance(one["query"], dict)
    }
)


@pytest.mark.parametrize("expr", [*PANEL_EXPRESSIONS, *ANNOTATIONS])
def test_every_expression_is_one_in_the_grammar_of_prometheus_3(expr: str) -> None:
    assert promql_parser.parse(expr) is not None


def test_every_label_in_an_expression_is_one_of_its_metric() -> None:
    found = [(one.name, one.unknown, expr) for expr in PANEL_EXPRESSIONS for one in selected(expr) if one.unknown]
    assert found == []


@pytest.mark.parametrize(
    "expr",
    ['rtc_sessions_live{fate="left"}', "sum by (code) (rate(rtc_sessions_joined_total[1m]))", "max by (le) (up)"],
)
def test_a_label_that_its_metric_never_has_is_found(expr: str) -> None:
    (one,) = selected(expr)
    assert one.unknown


@pytest.fixture(scope="module")
def prometheus(prometheus_binary: object) -> Iterator[Prometheus]:
    """A real Prometheus with our rules that has scraped a collector before and after something happened."""
    del prometheus_binary
    with Scraped() as collector, watched(collector) as server:
        wait_until(lambda: server.query("rtc_terminal_failures_total"), within_s=30)
        live_through(collector.metrics, now_us=time.time_ns() // 1000)  # noqa: TID251 - the servers' clock is real
        yield server


@pytest.mark.parametrize("expr", PANEL_EXPRESSIONS)
def test_every_expression_of_a_panel_is_answered_by_a_real_prometheus(prometheus: Prometheus, expr: str) -> None:
    assert wait_until(lambda: prometheus.query(expr), within_s=30)


# Rightly empty as they are shipped: nothing of ours fires but the watchdog, which they leave out.
@pytest.mark.parametrize("expr", ANNOTATIONS)
def test_the_annotation_shows_alerts_that_fire(prometheus: Prometheus, expr: str) -> None:
    shown = expr.replace('alertname!="RtcWatchdog"', 'alertname="RtcWatchdog"')
    assert shown != expr
    assert wait_until(lambda: prometheus.query(shown), within_s=30)


@pytest.mark.parametrize(("metric", "label"), VARIABLES)
def test_a_variable_has_values_to_choose_from(prometheus: Prometheus, metric: str, label: str) -> None:
    assert wait_until(lambda: prometheus.get(f"/api/v1/label/{label}/values", **{"match[]": metric}), within_s=30)


@pytest.mark.parametrize("metric", ["rtc_terminal_failures_total", "rtc_outage_duration_seconds_bucket"])
def test_an_exemplar_leads_from_a_metric_to_a_session(prometheus: Prometheus, metric: str) -> None:
    def exemplars() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = prometheus.get(
            "/api/v1/query_exemplars", query=metric, start="0", end="9999999999"
        )
        return found

    series = wait_until(exemplars, within_s=30)
    assert {one["labels"]["session_id"] for part in series for one in part["exemplars"]} == {str(SESSION_ID)}


def test_every_series_that_a_real_prometheus_scraped_is_one_of_ours(prometheus: Prometheus) -> None:
    names = {name for name in prometheus.get("/api/v1/label/__name__/values") if re.fullmatch(r"rtc_\w+", name)}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in names} == LISTED.keys()
