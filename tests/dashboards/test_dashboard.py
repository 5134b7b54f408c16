"""The dashboards are what the generator makes, keep the linter's rules, and ask what a real Prometheus can answer."""

import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from collector.metrics import Metrics
from tests.dashboards.rule_files import DASHBOARDS, ROOT, RULE_FILES, recorded
from tests.dashboards.scraped import SESSION_ID, Scraped, live_through
from tests.servers.prometheus import Prometheus
from tests.waiting import wait_until
from tools.dashboards import lint, overview
from tools.dashboards.files import FILES

Dashboard = dict[str, Any]

COMMITTED = sorted(DASHBOARDS.glob("roomwatch-*.json"))
OF_THE_PATH = {metric.name for metric in Metrics(CollectorRegistry(), version="0").listed}
KNOWN = OF_THE_PATH | recorded()
EXPRESSIONS = [lint.substituted(expr) for expr in lint.expressions(overview.dashboard())]

# Metrics that no panel shows, and why.
ON_NO_PANEL = {
    "rtc_sessions_started_total": "its sum is that of connect attempts; by SDK it is asked when a release is in doubt",
    "rtc_connect_attempts_total": "the recording rules measure failures to join by it",
    "rtc_sessions_reopened_total": "the drop rate takes it off",
    "rtc_state_transitions_total": "for questions at hand; outages and ends show what matters",
    "rtc_token_risk_sessions": "belongs to a dashboard about tokens",
    "rtc_collector_batch_events": "for questions at hand about the write path",
    "rtc_collector_unknown_fields_total": "tells of newer clients, which is no trouble",
    "rtc_collector_append_time_missing": "`roomwatch check` and /readyz tell it to whom it concerns",
    "rtc_collector_rows_aged_out_total": "for questions at hand about retention",
    "rtc_collector_client_values_total": "an alert looks at it; which values there are is asked of the API",
    "rtc_collector_retention_failures_total": "its log line names the reason; what counts is the last success",
    "rtc_collector_retention_success_timestamp_seconds": "the alert RtcRetentionFails asks it",
    "rtc_collector_oldest_day_timestamp_seconds": "for questions at hand: how far back events reach",
    "rtc_collector_dead_letters_left_out_total": "what is refused is shown by reason; this tells where to look for it",
    "rtc_collector_store_bytes": "for questions at hand about growth; disks have alerts of their own",
    "rtc_collector_cache_sessions": "for questions at hand about memory",
    "rtc_collector_cache_bytes": "for questions at hand about memory",
    "rtc_collector_sessions_met_total": "for questions at hand about memory",
    "rtc_collector_build_info": "for joins with a version",
}


def test_generated_files_are_what_the_generator_makes() -> None:
    assert {name: (ROOT / name).read_text() == make() for name, make in FILES.items()} == dict.fromkeys(FILES, True)


def test_every_dashboard_is_one_row_of_the_readme_with_the_question_it_answers() -> None:
    rows = re.findall(
        r"^\| `dashboards/(roomwatch-[\w-]+\.json)` \| (.+) \|$", (DASHBOARDS / "README.md").read_text(), re.MULTILINE
    )
    committed = {path.name: json.loads(path.read_text())["description"] for path in COMMITTED}
    assert dict(rows) == committed == {f"{overview.UID}.json": overview.QUESTION}


def test_the_linter_finds_no_fault_with_any_dashboard() -> None:
    assert [fault for path in COMMITTED for fault in lint.faults(json.loads(path.read_text()), path.name, KNOWN)] == []


def first_panel(dashboard: Dashboard) -> Dashboard:
    found: Dashboard = next(panel for panel in dashboard["panels"] if panel["type"] != "row")
    return found


def set_expr(expr: str) -> Callable[[Dashboard], object]:
    return lambda dashboard: first_panel(dashboard)["targets"][0].update(expr=expr)


FAULTS: list[tuple[Callable[[Dashboard], object], str]] = [
    (lambda d: d.update(uid="Overview!"), "uid Overview! is not"),
    (lambda d: d.update(elements={}), "second format"),
    (lambda d: d.update(schemaVersion=42), "schemaVersion 42"),
    (lambda d: d.update(editable=True), "edited in Grafana"),
    (lambda d: d.update(description=""), "no description"),
    (lambda d: first_panel(d).update(id=1), "id 1 stands on 2 panels"),
    (lambda d: first_panel(d)["gridPos"].update(w=30), "outside the grid"),
    (lambda d: first_panel(d)["gridPos"].update(w=6), "overlap"),
    (lambda d: first_panel(d).update(description=""), "has no description"),
    (lambda d: first_panel(d).update(title=""), "has no title"),
    (lambda d: first_panel(d)["fieldConfig"]["defaults"].pop("unit"), "has no unit"),
    (lambda d: first_panel(d).update(datasource={"uid": "abc"}), "does not ask the chosen data source"),
    (lambda d: first_panel(d).update(targets=[]), "asks nothing"),
    (set_expr('sum(rtc_sessions_alive{region=~"$region"})'), "rtc_sessions_alive is no metric of ours"),
    (set_expr('sum(rtc_sessions_live{region=~"$place"})'), "$place is used and not declared"),
    (set_expr('sum(rtc_sessions_live{region="$region"})'), "needs =~"),
    (set_expr("sum(rate(rtc_connect_attempts_total[5m]))"), "a fixed range"),
    (set_expr("sum(rtc_connect_attempts_total)"), "a counter without rate"),
    (lambda d: d["templating"]["list"].append({**d["templating"]["list"][1], "name": "spare"}), "$spare is declared"),
    (lambda d: d["templating"]["list"][1].update(refresh=1), "does not follow the time range"),
    (lambda d: d["templating"]["list"][1].update(allValue=None), "does not take several values"),
    (lambda d: d["templating"]["list"].pop(0), "no variable chooses the data source"),
]


@pytest.mark.parametrize(("spoil", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_the_linter_finds(spoil: Callable[[Dashboard], object], fault: str) -> None:
    dashboard = copy.deepcopy(overview.dashboard())
    spoil(dashboard)
    assert fault in "\n".join(lint.faults(dashboard, f"{overview.UID}.json", KNOWN))


def test_every_metric_is_on_a_panel_or_has_a_reason_why_not() -> None:
    shown = lint.metrics_used(overview.dashboard()) & OF_THE_PATH
    assert sorted(shown & ON_NO_PANEL.keys()) == []
    assert sorted(OF_THE_PATH - shown - ON_NO_PANEL.keys()) == []


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_every_expression_is_one_in_the_grammar_of_prometheus_3(expr: str) -> None:
    assert promql_parser.parse(expr) is not None


def test_provisioning_names_the_data_source_and_a_folder_that_people_cannot_change() -> None:
    (source,) = yaml.safe_load((DASHBOARDS / "provisioning/datasources/roomwatch.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((DASHBOARDS / "provisioning/dashboards/roomwatch.yml").read_text())["providers"]
    assert (source["type"], source["uid"]) == ("prometheus", "roomwatch-prometheus")
    scrapes_every = yaml.safe_load((DASHBOARDS / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrapes_every
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)


@pytest.fixture(scope="module")
def prometheus(prometheus_binary: object) -> Iterator[Prometheus]:
    """A real Prometheus with our rules that has scraped a collector before and after something happened."""
    del prometheus_binary
    with Scraped() as collector:
        rules = {path.name: path.read_text().replace("interval: 30s", "interval: 1s") for path in RULE_FILES}
        configuration = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: {sorted(rules)}
scrape_configs: [{{job_name: roomwatch, static_configs: [{{targets: ['{collector.address}']}}]}}]
"""
        with Prometheus(configuration, rules) as server:
            wait_until(lambda: server.query("rtc_terminal_failures_total"), within_s=30)
            live_through(collector.metrics, now_us=time.time_ns() // 1000)  # noqa: TID251 - the servers' clock is real
            yield server


@pytest.mark.parametrize("expr", EXPRESSIONS[:-1])  # the last is the annotation: alerts that fire
def test_every_expression_is_answered_by_a_real_prometheus(prometheus: Prometheus, expr: str) -> None:
    assert wait_until(lambda: prometheus.query(expr), within_s=30)


def test_the_annotation_shows_alerts_that_fire(prometheus: Prometheus) -> None:
    shown = EXPRESSIONS[-1].replace('alertname!="RtcWatchdog"', 'alertname="RtcWatchdog"')
    assert shown != EXPRESSIONS[-1]
    assert wait_until(lambda: prometheus.query(shown), within_s=30)


@pytest.mark.parametrize("variable", ["region", "code"])
def test_a_variable_has_values_to_choose_from(prometheus: Prometheus, variable: str) -> None:
    (found,) = [v for v in overview.dashboard()["templating"]["list"] if v["name"] == variable]
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", found["query"]["query"]).groups()  # type: ignore[union-attr]
    assert prometheus.get(f"/api/v1/label/{label}/values", **{"match[]": metric})


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
    names = {name for name in prometheus.get("/api/v1/label/__name__/values") if name.startswith("rtc_")}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in names} == OF_THE_PATH
