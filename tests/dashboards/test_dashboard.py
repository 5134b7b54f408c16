"""The dashboards are what the generator makes, keep the linter's rules, and speak one vocabulary."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from collector import metric_labels
from session_core.errors import CATALOGUE
from tests.dashboards.rule_files import DASHBOARDS, ROOT, alerts, rules
from tests.dashboards.shown import COMMITTED, KNOWN, LISTED, UIDS
from tools.dashboards import lint, overview, releases
from tools.dashboards.files import FILES
from tools.dashboards.lint_queries import metrics_in
from tools.dashboards.shipped import DASHBOARDS as SHIPPED
from tools.dashboards.vocabulary import (
    COMPLETE_FROM,
    JOIN_OBJECTIVE,
    LAG_MAX_S,
    MEANINGS,
    OBJECTIVE,
    OVERVIEW,
    RECONNECT_OBJECTIVE,
    RELEASES,
    SPIKE_SCORE,
)

Dashboard = dict[str, Any]

# Metrics that no panel shows, and why.
ON_NO_PANEL = {
    "rtc_sessions_started_total": "its sum is that of connect attempts; by SDK it is asked when a release is in doubt",
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
    "rtc_collector_cache_sessions": "for questions at hand about memory",
    "rtc_collector_cache_bytes": "for questions at hand about memory",
    "rtc_collector_stretches_summed_total": "for questions at hand: whether questions about days are quick",
    "rtc_collector_summing_failures_total": "its log line names the reason; answers are the same, and take longer",
    "rtc_collector_questions_total": "for questions at hand about who asks too much of the API",
    "rtc_collector_questions_under_way": "for questions at hand about who asks too much of the API",
    "rtc_collector_sessions_met_total": "for questions at hand about memory",
}


def test_generated_files_are_what_the_generator_makes() -> None:
    assert {name: (ROOT / name).read_text() == make() for name, make in FILES.items()} == dict.fromkeys(FILES, True)


def test_every_dashboard_is_one_row_of_the_readme_with_the_question_it_answers_and_what_it_needs() -> None:
    rows = re.findall(
        r"^\| `dashboards/(roomwatch-[\w-]+\.json)` \| (.+) \| (.+) \|$",
        (DASHBOARDS / "README.md").read_text(),
        re.MULTILINE,
    )
    shipped = [(f"{board.uid}.json", board.question, board.needs) for board in SHIPPED]
    assert rows == shipped
    assert sorted(COMMITTED) == sorted(name for name, _, _ in shipped)


def test_the_linter_finds_no_fault_with_any_dashboard() -> None:
    assert [fault for name, one in COMMITTED.items() for fault in lint.faults(one, name, KNOWN, UIDS)] == []


def first_panel(dashboard: Dashboard) -> Dashboard:
    found: Dashboard = next(panel for panel in dashboard["panels"] if panel["type"] != "row")
    return found


def panel_with(dashboard: Dashboard, legend: str) -> Dashboard:
    found: Dashboard = next(
        panel
        for panel in dashboard["panels"]
        if any(target.get("legendFormat") == legend for target in panel.get("targets", ()))
    )
    return found


def set_expr(expr: str) -> Callable[[Dashboard], object]:
    return lambda dashboard: first_panel(dashboard)["targets"][0].update(expr=expr)


def set_link(url: str) -> Callable[[Dashboard], object]:
    return lambda dashboard: first_panel(dashboard).update(links=[{"title": "there", "url": url}])


def recolour(dashboard: Dashboard) -> None:
    override = panel_with(dashboard, "{{fate}}")["fieldConfig"]["overrides"][0]
    override["properties"][0]["value"]["fixedColor"] = "pink"


FAULTS: list[tuple[Callable[[Dashboard], object], str]] = [
    (lambda d: d.update(uid="Overview!"), "uid Overview! is not"),
    (lambda d: d.update(elements={}), "second format"),
    (lambda d: d.update(schemaVersion=42), "schemaVersion 42"),
    (lambda d: d.update(editable=True), "edited in Grafana"),
    (lambda d: d.update(title="Overview"), "Overview is no question"),
    (lambda d: d.update(description="Rooms."), "does not say which data source"),
    (lambda d: d.update(tags=[]), "no tags"),
    (lambda d: d["panels"].extend([first_panel(d)] * 9), "panels are more than 12"),
    (lambda d: first_panel(d).update(id=1), "id 1 stands on 2 panels"),
    (lambda d: first_panel(d)["gridPos"].update(w=30), "outside the grid"),
    (lambda d: first_panel(d)["gridPos"].update(w=6), "overlap"),
    (lambda d: first_panel(d).update(description=""), "has no description"),
    (lambda d: first_panel(d).update(title=""), "has no title"),
    (lambda d: first_panel(d)["fieldConfig"]["defaults"].pop("unit"), "has no unit"),
    (lambda d: first_panel(d).update(datasource={"uid": "abc"}), "does not ask the chosen data source"),
    (lambda d: first_panel(d).update(targets=[]), "asks nothing"),
    (recolour, "pink is not what the vocabulary gives"),
    (lambda d: panel_with(d, "{{fate}}")["fieldConfig"].update(overrides=[]), "fate has other colours than elsewhere"),
    (set_link("/d/roomwatch-moon?${__url_time_range}"), "there is no dashboard roomwatch-moon"),
    (set_link("/d/roomwatch-drops?var-code=1"), "loses the time range"),
    (set_link("https://elsewhere.example.org"), "leads neither"),
    (set_expr('sum(rtc_sessions_alive{region=~"$region"})'), "rtc_sessions_alive is no metric of ours"),
    (set_expr('sum(rtc_sessions_live{region=~"$place"})'), "$place is used and not declared"),
    (set_expr('sum(rtc_sessions_live{region="$region"})'), "needs =~"),
    (set_expr("sum(rate(rtc_connect_attempts_total[5m]))"), "a fixed range"),
    (set_expr("sum(rtc_connect_attempts_total)"), "a counter without rate"),
    (set_expr("sum(rtc_sessions_live)"), "it does not honour $region"),
    (
        set_expr('sum(rtc_sessions_live{region=~"$region"}) / sum(rtc_sessions_reconnecting)'),
        "one part is chosen by $region and another is not",
    ),
    (lambda d: d["templating"]["list"].pop(1), "it can be chosen by $region, which is not declared"),
    (lambda d: first_panel(d).update(description="Drops."), "does not say that it is of all regions"),
    (lambda d: d["templating"]["list"].append({**d["templating"]["list"][1], "name": "spare"}), "$spare is declared"),
    (lambda d: d["templating"]["list"][1].update(refresh=1), "does not follow the time range"),
    (lambda d: d["templating"]["list"][1].update(allValue=None), "does not take several values"),
    (lambda d: d["templating"]["list"].pop(0), "no variable chooses the data source"),
]


@pytest.mark.parametrize(("spoil", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_the_linter_finds(spoil: Callable[[Dashboard], object], fault: str) -> None:
    dashboard = copy.deepcopy(overview.dashboard())
    spoil(dashboard)
    assert fault in "\n".join(lint.faults(dashboard, f"{OVERVIEW.uid}.json", KNOWN, UIDS))


def first_statement(dashboard: Dashboard, old: str, new: str) -> None:
    target = first_panel(dashboard)["targets"][0]
    assert old in target["rawSql"]
    target["rawSql"] = target["rawSql"].replace(old, new)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda d: d["templating"]["list"].pop(2), "the store can be chosen by $sdk, which is not declared"),
        (lambda d: first_statement(d, "${sdk:sqlstring}", "'all'"), "it does not honour $sdk"),
        (lambda d: first_statement(d, "${code:sqlstring}", "'all'"), "it does not honour $code"),
    ],
)
def test_the_linter_finds_of_the_store(spoil: Callable[[Dashboard], object], fault: str) -> None:
    dashboard = copy.deepcopy(releases.dashboard())
    spoil(dashboard)
    assert fault in "\n".join(lint.faults(dashboard, f"{RELEASES.uid}.json", KNOWN, UIDS))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("outcome", (*metric_labels.OUTCOMES, "open")),
        ("fate", (*metric_labels.FATES, "live", "connecting")),
        ("cause", metric_labels.CAUSES),
        ("result", metric_labels.RESULTS),
    ],
)
def test_every_value_of_a_closed_list_has_a_colour_of_its_own(kind: str, values: tuple[str, ...]) -> None:
    given = MEANINGS[kind]
    assert {value for value in values if value not in given} == set()
    assert len(set(given.values())) == len(given)


def test_a_code_that_has_a_colour_is_one_of_the_catalogue() -> None:
    assert {code for code in MEANINGS["code"] if code != "other" and int(code) not in CATALOGUE} == set()


def test_every_link_sets_variables_that_the_dashboard_it_leads_to_has() -> None:
    wrong = []
    for dashboard in COMMITTED.values():
        for panel in lint.panels(dashboard):
            for url in lint.links_of(panel):
                link = lint.DASHBOARD_LINK.match(url)
                there = COMMITTED[f"{link['uid']}.json"] if link else dashboard
                has = {one["name"] for one in there["templating"]["list"]}
                given = {*re.findall(r"var-(\w+)=", url), *re.findall(r"\$\{(\w+):queryparam\}", url)}
                wrong += [f"{dashboard['uid']}, {panel['title']}: {name}" for name in given - has if link]
    assert wrong == []


def test_alerts_lead_to_dashboards_that_are_shipped() -> None:
    led_to = {re.findall(r"/d/([\w-]+)", alert["annotations"]["dashboard_url"])[0] for alert in alerts()}
    assert led_to
    assert led_to - set(UIDS) == set()


def test_thresholds_are_those_of_alerts() -> None:
    asked = {alert["alert"]: str(alert["expr"]) for alert in alerts()}
    scores = re.findall(r"spike_score > (\d+)", asked["RtcFailureSpike"])
    assert min(map(int, scores)) == SPIKE_SCORE
    assert re.findall(r"rtc_collector_lag_seconds\) > (\d+)", asked["RtcCollectorLagging"]) == [str(LAG_MAX_S)]


def test_a_recorded_series_is_told_from_a_metric_whose_name_it_begins_with() -> None:
    assert metrics_in("rtc_completeness:ratio30m < 1 and rtc_sessions_live") == {
        "rtc_completeness:ratio30m",
        "rtc_sessions_live",
    }


def test_objectives_are_those_that_alerts_go_by() -> None:
    settings = {
        (rule["record"], *rule.get("labels", {}).values()): float(found[1])
        for rule in rules()
        if (found := re.fullmatch(r"vector\(([\d.]+)\)", str(rule["expr"]))) and "record" in rule
    }
    assert settings["phase:rtc_slo_budget:ratio", "session"] == pytest.approx(1 - OBJECTIVE)
    assert settings["phase:rtc_slo_budget:ratio", "join"] == pytest.approx(1 - JOIN_OBJECTIVE)
    assert settings["rtc_reconnect_success_target:ratio",] == RECONNECT_OBJECTIVE
    assert settings["rtc_completeness_target:ratio",] == COMPLETE_FROM


def test_every_metric_is_on_a_panel_or_has_a_reason_why_not() -> None:
    shown = set().union(*(lint.metrics_used(one) for one in COMMITTED.values())) & LISTED.keys()
    assert sorted(shown & ON_NO_PANEL.keys()) == []
    assert sorted(LISTED.keys() - shown - ON_NO_PANEL.keys()) == []


def test_provisioning_names_the_data_sources_and_a_folder_that_people_cannot_change() -> None:
    sources = yaml.safe_load((DASHBOARDS / "provisioning/datasources/roomwatch.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((DASHBOARDS / "provisioning/dashboards/roomwatch.yml").read_text())["providers"]
    assert [(source["type"], source["uid"]) for source in sources] == [
        ("prometheus", "roomwatch-prometheus"),
        ("grafana-postgresql-datasource", "roomwatch-postgresql"),
    ]
    scrapes_every = yaml.safe_load((DASHBOARDS / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert sources[0]["jsonData"]["timeInterval"] == scrapes_every
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)


def test_provisioning_holds_no_secret() -> None:
    text = (DASHBOARDS / "provisioning/datasources/roomwatch.yml").read_text()
    given = re.findall(r"^\s*(?:password|user|url): *(.+)$", text, re.MULTILINE)
    assert given
    assert [one for one in given if not one.startswith("$")] == []
