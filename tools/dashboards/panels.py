"""Panels of a Grafana dashboard as plain dicts, in the classic JSON that Grafana 10 to 13 take from files.

Rules:
1. What Grafana's own editor would set is set here: a missing value means "zero" to it, not "as usual".
2. Every panel has a title, a unit and a description that says what it shows, what is normal and what to do.
3. A threshold is drawn only where a number asks for action, and it is the number of the alert.
4. No key that is newer than Grafana 10.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

Json = dict[str, Any]

PROMETHEUS: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
GRID_COLUMNS: Final = 24
RED: Final = "red"
GREEN: Final = "green"


def query(expr: str, legend: str = "", *, exemplars: bool = False) -> Json:
    """A query over the time range of the dashboard."""
    return {
        "datasource": PROMETHEUS,
        "editorMode": "code",
        "exemplar": exemplars,
        "expr": expr,
        "format": "time_series",
        "instant": False,
        "legendFormat": legend or "__auto",
        "range": True,
    }


def instant(expr: str, legend: str = "", *, shape: str = "time_series") -> Json:
    """A query of the end of the time range."""
    return query(expr, legend) | {"format": shape, "instant": True, "range": False}


def stat(title: str, description: str, target: Json, *, unit: str = "short", above_is_bad: float | None = None) -> Json:
    """One number."""
    return _panel("stat", title, description, [target], _field(unit, above_is_bad)) | {
        "options": {
            "colorMode": "none" if above_is_bad is None else "value",
            "graphMode": "area" if target["range"] else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "auto",
            "wideLayout": True,
        }
    }


def series(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    unit: str = "short",
    stacked: bool = False,
    above_is_bad: float | None = None,
) -> Json:
    """Lines over time; stacked where the parts make a whole."""
    custom = {
        "axisPlacement": "auto",
        "drawStyle": "line",
        "fillOpacity": 30 if stacked else 0,
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 5,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "off" if above_is_bad is None else "line"},
    }
    field = _field(unit, above_is_bad)
    field["defaults"] |= {"color": {"mode": "palette-classic"}, "custom": custom}
    return _panel("timeseries", title, description, targets, field) | {
        "options": {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    }


def heatmap(title: str, description: str, expr: str, *, unit: str) -> Json:
    """How a histogram is distributed over time; `expr` sums its buckets by `le`."""
    field = {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}, "unit": unit}, "overrides": []}
    target = query(expr, "{{le}}", exemplars=True) | {"format": "heatmap"}
    return _panel("heatmap", title, description, [target], field) | {
        "options": {
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "fill": "dark-blue", "exponent": 0.5},
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        }
    }


def table(title: str, description: str, target: Json, *, renamed: dict[str, str], link: Json, unit: str) -> Json:
    """Rows by label, the greatest value first; `link` goes from each row."""
    field = _field(unit, None)
    field["defaults"] |= {
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
        "links": [link],
    }
    organize = {
        "id": "organize",
        "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": renamed},
    }
    return _panel("table", title, description, [target], field) | {
        "options": {
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"desc": True, "displayName": renamed["Value"]}],
        },
        "transformations": [organize],
    }


def row(title: str) -> Json:
    """A heading over panels."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def laid_out(lines: Sequence[tuple[int, Sequence[Json]]]) -> list[Json]:
    """Lines of (height, panels) on the grid, each panel of a line equally wide; ids count from 1 in this order."""
    panels: list[Json] = []
    y = 0
    for height, line in lines:
        width = GRID_COLUMNS // len(line)
        for column, panel in enumerate(line):
            place = {"h": height, "w": width, "x": column * width, "y": y}
            panels.append({"id": len(panels) + 1, **panel, "gridPos": place})
        y += height
    return panels


def datasource_variable() -> Json:
    """`$datasource`: which Prometheus."""
    return {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Prometheus",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }


def label_variable(name: str, label: str, metric: str) -> Json:
    """A variable with the values of a label of `metric`, several or all of them; used as `label=~"$name"`."""
    values = f"label_values({metric}, {name})"
    return {
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": PROMETHEUS,
        "definition": values,
        "hide": 0,
        "includeAll": True,
        "label": label,
        "multi": True,
        "name": name,
        "options": [],
        "query": {"qryType": 1, "query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }


def _panel(kind: str, title: str, description: str, targets: Sequence[Json], field: Json) -> Json:
    lettered = [target | {"refId": chr(ord("A") + number)} for number, target in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": PROMETHEUS,
        "fieldConfig": field,
        "targets": lettered,
    }


def _field(unit: str, above_is_bad: float | None) -> Json:
    steps: list[Json] = [{"color": GREEN, "value": None}]
    if above_is_bad is not None:
        steps.append({"color": RED, "value": above_is_bad})
    defaults: Json = {
        "mappings": [],
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": unit,
    }
    if above_is_bad is not None:
        defaults["color"] = {"mode": "thresholds"}
    return {"defaults": defaults, "overrides": []}
