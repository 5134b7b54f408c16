"""Real Prometheus and Alertmanager over our rules and routes, with time pressed sixtyfold.

Every duration of routes and of rules about rooms is a sixtieth of what is shipped (a window of ten minutes is ten
seconds, `for: 2m` two), and nothing else is changed. So what depends on durations alone holds; what depends on how many
sessions come in ten minutes is for promtool's cases and for the simulation. Rules about the collector keep their time,
or a machine that is slow for two seconds would be an incident.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from collector.ingest.decode import Record
from tests.dashboards.rule_files import DASHBOARDS, RULE_FILES
from tests.dashboards.scraped import Scraped
from tests.holding import holder, put
from tests.reference_store import ReferenceStore
from tests.servers.alertmanager import Alertmanager, WebhookReceiver
from tests.servers.prometheus import Prometheus

PRESSED = 60
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"\b(?:\d+[smhd])+\b")
PART = re.compile(r"(\d+)([smhd])")
IN_EXPRESSIONS = re.compile(r"\[[^\]]+\]|offset \w+")
WAIT_KEYS = {"group_wait", "group_interval", "repeat_interval"}


class Watched(NamedTuple):
    """A collector's metrics, and everybody who looks at them."""

    scraped: Scraped
    prometheus: Prometheus
    alertmanager: Alertmanager
    receiver: WebhookReceiver

    def told(self, path: str) -> list[dict[str, Any]]:
        """What Alertmanager has said there."""
        return [message for to, message in self.receiver.messages if to == path]


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Metrics that are scraped, with our rules and our routes, pressed; their token lies in the folder."""
    token = folder / "token"
    token.write_text("a-token")
    rules = {path.name: pressed_rules(path.read_text()) for path in RULE_FILES}
    with (
        Scraped() as scraped,
        WebhookReceiver() as receiver,
        Alertmanager(pressed_routes(receiver.url, token)) as alertmanager,
        Prometheus(prometheus_of(scraped, alertmanager), rules) as prometheus,
    ):
        yield Watched(scraped, prometheus, alertmanager, receiver)


def pressed(text: str) -> str:
    """A text with every duration in it a sixtieth as long."""

    def press(found: re.Match[str]) -> str:
        seconds = sum(int(number) * UNITS[unit] for number, unit in PART.findall(found[0]))
        return f"{seconds * 1000 // PRESSED}ms"

    return DURATION.sub(press, text)


def pressed_rules(text: str) -> str:
    whole = yaml.safe_load(text)
    for group in whole["groups"]:
        if group["name"] == "roomwatch-collector":
            continue
        group["interval"] = pressed(group["interval"])
        for rule in group["rules"]:
            rule["expr"] = IN_EXPRESSIONS.sub(lambda found: pressed(found[0]), rule["expr"])
            rule.update({key: pressed(rule[key]) for key in ("for", "keep_firing_for") if key in rule})
    return yaml.safe_dump(whole, sort_keys=False)


def pressed_routes(url: str, token: Path) -> str:
    def press(route: dict[str, Any]) -> None:
        route.update({key: pressed(route[key]) for key in WAIT_KEYS & route.keys()})
        for child in route.get("routes", ()):
            press(child)

    whole = yaml.safe_load((DASHBOARDS / "alertmanager.yml").read_text())
    press(whole["route"])
    text = yaml.safe_dump(whole, sort_keys=False)
    return re.sub(r"http://[\d.:]+", url, text).replace("roomwatch-token", str(token))


class Taken:
    """Events taken, stored and counted as a collector does it, as they come."""

    def __init__(self, scraped: Scraped) -> None:
        self._metrics = scraped.metrics
        self._store = ReferenceStore()
        self._holder = holder(self._store)
        self._offset = 0
        self._metrics.set_lag(0, messages=0, seconds=0.0)

    def take(self, log: list[Record]) -> None:
        """Takes records, whose offsets are those that are next."""
        now_us = time.time_ns() // 1000  # noqa: TID251 - the servers' clock is real
        moved = [record._replace(offset=self._offset + place) for place, record in enumerate(log)]
        self._offset += len(log)
        batch = put(self._store, self._holder, self._holder.take(moved, now_us))
        self._metrics.count(batch.differences, now_us=now_us, results=batch.results, transitions=batch.transitions)


def prometheus_of(scraped: Scraped, alertmanager: Alertmanager) -> str:
    return f"""
global:
  scrape_interval: 500ms
  evaluation_interval: 500ms
  external_labels: {{docs_url: 'https://example.org/docs', grafana_url: 'https://grafana.example.org'}}
rule_files: {[path.name for path in RULE_FILES]}
alerting:
  alert_relabel_configs: [{{action: labeldrop, regex: docs_url|grafana_url}}]
  alertmanagers: [{{static_configs: [{{targets: ['{alertmanager.address}']}}]}}]
scrape_configs: [{{job_name: roomwatch, static_configs: [{{targets: ['{scraped.address}']}}]}}]
"""
