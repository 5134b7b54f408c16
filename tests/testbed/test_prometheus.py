"""The real Prometheus and Alertmanager of the tests, and that an alert finds its way through both."""

import re
from pathlib import Path

import pytest

from tests.servers.alertmanager import Alertmanager, WebhookReceiver
from tests.servers.alertmanager import amtool as run_amtool
from tests.servers.prometheus import Prometheus
from tests.servers.prometheus import promtool as run_promtool
from tests.waiting import wait_until

RULES = """
groups:
  - name: always
    interval: 1s
    rules:
      - alert: AlwaysFiring
        expr: vector(1)
        labels: {severity: page}
"""


def _alertmanager(receiver: WebhookReceiver) -> str:
    return f"""
route: {{receiver: pager, group_wait: 0s, group_interval: 1s}}
receivers: [{{name: pager, webhook_configs: [{{url: '{receiver.url}/pager'}}]}}]
"""


def _prometheus(alertmanager: Alertmanager) -> str:
    return f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager.address}']}}]}}]}}
"""


@pytest.mark.usefixtures("prometheus_binary", "alertmanager_binary")
def test_an_alert_goes_from_prometheus_over_alertmanager_to_its_receiver() -> None:
    with (
        WebhookReceiver() as receiver,
        Alertmanager(_alertmanager(receiver)) as alertmanager,
        Prometheus(_prometheus(alertmanager), {"rules.yml": RULES}) as prometheus,
    ):
        wait_until(lambda: receiver.messages, within_s=30)
        path, message = receiver.messages[0]
        assert (path, [alert["labels"] for alert in message["alerts"]]) == (
            "/pager",
            [{"alertname": "AlwaysFiring", "severity": "page"}],
        )
        assert [alert["labels"]["alertname"] for alert in alertmanager.alerts()] == ["AlwaysFiring"]
        # Prometheus 3 sends an alert before it can be asked for it.
        firing = "ALERTS{alertstate='firing'}"
        wait_until(lambda: [sample["value"][1] for sample in prometheus.query(firing)] == ["1"])


@pytest.mark.usefixtures("promtool", "amtool")
def test_a_faulty_file_is_told_in_the_tools_own_words(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    assert "SUCCESS" in run_promtool("check", "rules", rules)
    rules.write_text(RULES.replace("vector(1)", "vector("))
    with pytest.raises(AssertionError, match=re.escape("unclosed left parenthesis")):
        run_promtool("check", "rules", rules)
    with pytest.raises(AssertionError, match=r"amtool check-config .* ended with 1"):
        run_amtool("check-config", rules)
