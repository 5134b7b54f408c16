"""What every dashboard has around its panels: variables, links, annotations, time, and the keys that Grafana expects.

Rules:
1. The same variable has the same name everywhere, so that a link carries it from one dashboard to the next.
2. Values that nobody told are called `unknown` by both data sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tools.dashboards.panels import POSTGRESQL, PROMETHEUS, laid_out
from tools.dashboards.vocabulary import POSTGRESQL_BOARD, Board, Json

TAG: Final = "roomwatch"
EVERY_WORD: Final = "'all'"
"""What SQL gets for a variable of which all values are chosen."""
CARRIED: Final = ("region", "sdk", "version", "code")
"""The variables that links carry."""


def dashboard(
    board: Board,
    description: str,
    lines: Sequence[tuple[int, Sequence[Json]]],
    variables: Sequence[Json],
    *,
    since: str = "now-3h",
) -> Json:
    """The whole dashboard, as Grafana reads it from a file."""
    on_postgresql = board.needs == POSTGRESQL_BOARD
    annotations = [_built_in_annotation(), _incidents_annotation()]
    if not on_postgresql:
        annotations.append(_alerts_annotation())
    return {
        "annotations": {"list": annotations},
        "description": f"{description} Needs {board.needs}.",
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [_other_dashboards()],
        "panels": laid_out(lines),
        "refresh": "1m" if on_postgresql else "30s",
        "schemaVersion": 39,
        "tags": [TAG],
        "templating": {"list": [_source_variable(on_postgresql=on_postgresql), *variables]},
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": board.question,
        "uid": board.uid,
        "version": 1,
        "weekStart": "",
    }


def link_to(board: Board, *carried: str, **set_to: str) -> str:
    """The address of another dashboard: the same time range, the same choices, and some set anew."""
    words = [f"var-{name}={value}" for name, value in set_to.items()]
    words += [f"${{{name}:queryparam}}" for name in carried]
    return f"/d/{board.uid}?{'&'.join((*words, '${__url_time_range}'))}"


def label_variable(name: str, label: str, metric: str) -> Json:
    """A variable with the values of a label of `metric`, several or all of them; used as `label=~"$name"`."""
    values = f"label_values({metric}, {name})"
    return _choice(name, label, PROMETHEUS) | {
        "allValue": ".+",
        "query": {"qryType": 1, "query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
    }


def sql_variable(name: str, label: str, sql: str) -> Json:
    """A variable with the values of a query of the store, used as `chosen()` says."""
    return _choice(name, label, POSTGRESQL) | {"allValue": EVERY_WORD, "query": sql.strip()}


def chosen(expression: str, variable: str) -> str:
    """The condition that a word is among those chosen; what was not told is `unknown`."""
    given = f"${{{variable}:sqlstring}}"
    return f"({EVERY_WORD} IN ({given}) OR coalesce(nullif({expression}, ''), 'unknown') IN ({given}))"


def text_variable(name: str, label: str, text: str = "") -> Json:
    """A variable that is typed, or set by a link."""
    return {
        "current": {"selected": True, "text": text, "value": text},
        "hide": 0,
        "label": label,
        "name": name,
        "options": [{"selected": True, "text": text, "value": text}],
        "query": text,
        "skipUrlSync": False,
        "type": "textbox",
    }


def _choice(name: str, label: str, source: Json) -> Json:
    return {
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": source,
        "hide": 0,
        "includeAll": True,
        "label": label,
        "multi": True,
        "name": name,
        "options": [],
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }


def _source_variable(*, on_postgresql: bool) -> Json:
    name, label, kind = (
        ("postgresql", "PostgreSQL", str(POSTGRESQL["type"]))
        if on_postgresql
        else ("datasource", "Prometheus", "prometheus")
    )
    return {
        # As it is provisioned; where there is none, Grafana takes the first of its kind.
        "current": {"selected": True, "text": f"Roomwatch {label}", "value": f"roomwatch-{label.lower()}"},
        "hide": 0,
        "includeAll": False,
        "label": label,
        "multi": False,
        "name": name,
        "options": [],
        "query": kind,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }


def _built_in_annotation() -> Json:
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }


def _incidents_annotation() -> Json:
    """What `roomwatch provision` marks, from start to end; it is there when Prometheus has forgotten the alert."""
    return {
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": False,
        "iconColor": "orange",
        "name": "Incidents",
        "target": {"limit": 100, "refId": "Incidents", "matchAny": False, "tags": [TAG, "incident"], "type": "tags"},
    }


def _alerts_annotation() -> Json:
    firing = 'count by (alertname, code) (ALERTS{alertstate="firing", alertname=~"Rtc.+", alertname!="RtcWatchdog"})'
    return {
        "datasource": PROMETHEUS,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "name": "Alerts",
        "target": {"expr": firing, "refId": "Alerts", "step": "60s"},
        "titleFormat": "{{alertname}} {{code}}",
    }


def _other_dashboards() -> Json:
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "Roomwatch",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    }
