"""From what happens in rooms to whom it wakes: real events, Prometheus, Alertmanager, our rules and our routes."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.pressed import Taken, pressed_routes, pressed_rules, watched
from tests.dashboards.rule_files import DASHBOARDS, alerts
from tests.dashboards.scraped import Scraped
from tests.histories import Life, records, session_id
from tests.servers.alertmanager import Alertmanager, WebhookReceiver, amtool
from tests.waiting import wait_until

ROUTES = yaml.safe_load((DASHBOARDS / "alertmanager.yml").read_text())


class Rooms(Taken):
    """Sessions that happen now."""

    def __init__(self, scraped: Scraped) -> None:
        super().__init__(scraped)
        self._count = 0

    def one(self, tell: Callable[[Life], Life]) -> None:
        now_us = time.time_ns() // 1000  # noqa: TID251 - the servers' clock is real
        self._count += 1
        self.take(records([tell(Life(session_id(self._count, now_us), now_us).connecting())]))


def joins_and_leaves(life: Life) -> Life:
    return life.connected().later(10).disconnected(reason="leave")


def finds_no_signaling(life: Life) -> Life:
    return life.connect_failed(53000)


@pytest.mark.usefixtures("prometheus_binary", "alertmanager_binary")
def test_one_incident_is_one_page_with_the_right_words_and_its_end(tmp_path: Path) -> None:
    with watched(tmp_path) as those:
        rooms, told = Rooms(those.scraped), those.told

        def while_rooms_live(condition: Callable[[], Any], failing: int = 0) -> Any:
            def look() -> Any:
                rooms.one(joins_and_leaves)
                for _ in range(failing):
                    rooms.one(finds_no_signaling)
                return condition()

            return wait_until(look, within_s=90, every_s=0.2)

        while_rooms_live(lambda: those.prometheus.query("phase:rtc_slo_all:increase5m{phase='join'} > 5"))
        assert told("/pager") == []
        # Just after a tile of pressed five minutes: the budget hears of it with the next one, as the second line does.
        while_rooms_live(lambda: time.time() % 5 < 1)  # noqa: TID251 - as above
        while_rooms_live(lambda: told("/pager"), failing=5)
        while_rooms_live(
            lambda: [
                one
                for one in those.alertmanager.alerts()
                if one["labels"]["alertname"] == "RtcBudgetBurnFast" and one["status"]["inhibitedBy"]
            ],
            failing=5,
        )
        while_rooms_live(lambda: told("/pager")[-1]["status"] == "resolved")
        while_rooms_live(lambda: told("/api/v1/incidents/alertmanager")[-1]["status"] == "resolved")
        wait_until(lambda: told("/dead-mans-switch"))
    assert [message["status"] for message in told("/pager")] == ["firing", "resolved"]
    page = told("/pager")[0]["alerts"]
    assert {one["labels"]["alertname"] for one in page} == {"RtcFailureSpike"}
    assert {one["labels"]["code"] for one in page} == {"53000"}
    assert {one["annotations"]["runbook_url"] for one in page} == {
        "https://example.org/docs/runbooks.md#rtcfailurespike"
    }
    assert all("53000" in one["annotations"]["summary"] for one in page)
    assert all("var-code=53000" in one["annotations"]["dashboard_url"] for one in page)
    assert those.receiver.authorizations["/api/v1/incidents/alertmanager"] == "Bearer a-token"
    assert told("/team") == []


INHIBITED = [
    ("RtcCollectorDown", {"RtcFailureSpike", "RtcBudgetBurnFast", "RtcReconnectsStuck", "RtcTokenRisk"}, set()),
    ("RtcCollectorFarBehind", {"RtcFailureSpike", "RtcCollectorLagging", "RtcSweepBehind"}, {"RtcRecordsLost"}),
    ("RtcCollectorLagging", {"RtcFailureSpike", "RtcTokenRisk"}, {"RtcSweepBehind", "RtcCompletenessLow"}),
    ("RtcCollectorNotReading", {"RtcBudgetBurnSlow", "RtcCollectorLagging", "RtcSweepBehind"}, {"RtcDeadLetters"}),
    ("RtcCollectorNoEvents", {"RtcReconnectsStuck", "RtcReconnectSuccessLow"}, {"RtcCollectorLagging"}),
    ("RtcManyDeadLetters", {"RtcReconnectSuccessLow", "RtcDeadLetters"}, {"RtcCompletenessLow"}),
    ("RtcFailureSpike", {"RtcBudgetBurnFast", "RtcReconnectsStuck", "RtcReconnectSuccessLow"}, {"RtcTokenRisk"}),
    ("RtcSweepBehind", {"RtcReconnectsStuck"}, {"RtcFailureSpike"}),
    ("RtcReconnectsStuck", {"RtcReconnectSuccessLow"}, {"RtcTokenRisk"}),
    ("RtcBudgetBurnFast", {"RtcBudgetBurnSlow"}, {"RtcReconnectsStuck"}),
    ("RtcRecordsLost", set(), {"RtcFailureSpike"}),
]


@pytest.mark.usefixtures("alertmanager_binary")
@pytest.mark.parametrize(("source", "silent", "heard"), INHIBITED, ids=[source for source, *_ in INHIBITED])
def test_what_follows_from_an_alert_is_not_told_beside_it(
    tmp_path: Path, source: str, silent: set[str], heard: set[str]
) -> None:
    names = {source} | silent | heard
    token = tmp_path / "token"
    token.write_text("a-token")
    with WebhookReceiver() as receiver, Alertmanager(pressed_routes(receiver.url, token)) as alertmanager:
        alertmanager.post(*({"labels": {"alertname": name, "severity": "page"}} for name in sorted(names)))
        wait_until(lambda: len(alertmanager.alerts()) == len(names))
        inhibited = {one["labels"]["alertname"] for one in alertmanager.alerts() if one["status"]["inhibitedBy"]}
    assert inhibited == silent


@pytest.mark.usefixtures("amtool")
def test_the_example_is_a_configuration_that_alertmanager_takes() -> None:
    assert "SUCCESS" in amtool("check-config", DASHBOARDS / "alertmanager.yml")


def matchers() -> list[str]:
    """The names that routes and inhibitions match."""
    found = re.findall(r'alertname=~?"([^"]+)"', (DASHBOARDS / "alertmanager.yml").read_text())
    return [found_one for found_one in found if found_one]


def test_routes_and_inhibitions_name_alerts_that_there_are_and_all_about_rooms() -> None:
    known = {rule["alert"] for rule in alerts()}
    named = [{name for name in known if re.fullmatch(matcher, name)} for matcher in matchers()]
    assert [matcher for matcher, names in zip(matchers(), named, strict=True) if not names] == []
    rooms = {name for name in known if not name.startswith(("RtcCollector", "RtcWatchdog"))} - {
        "RtcDeadLetters",
        "RtcManyDeadLetters",
        "RtcRecordsLost",
        "RtcCompletenessLow",
        "RtcSweepBehind",
        "RtcRetentionFails",
        "RtcManyClientValues",
    }
    assert named.count(rooms) == 2  # kept as incidents, and inhibited by the collector's own


def test_time_is_pressed_where_it_is_a_duration_and_nowhere_else() -> None:
    rule = {"record": "x:increase10m", "expr": 'x:y5m{w="1h"}[1h:5m] offset 30s > 14', "for": "2m"}
    text = yaml.safe_dump({"groups": [{"name": "a", "interval": "30s", "rules": [rule]}]})
    (group,) = yaml.safe_load(pressed_rules(text))["groups"]
    assert group["interval"] == "500ms"
    assert group["rules"] == [
        {"record": "x:increase10m", "expr": 'x:y5m{w="1h"}[60000ms:5000ms] offset 500ms > 14', "for": "2000ms"}
    ]
    assert ROUTES["route"]["group_wait"] == "30s"
