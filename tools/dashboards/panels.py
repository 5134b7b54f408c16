"""Panels of a Grafana dashboard as plain dicts, in the classic JSON that Grafana 10.4 to 13 take from files.

Rules:
1. What Grafana's own editor would set is set here: a missing value means "zero" to it, not "as usual".
2. Every panel has a title, a unit and a description that says what it shows, what is normal and what to do.
3. A threshold is drawn only where a number asks for action, and it is the number of the alert.
4. No key that is newer than Grafana 10.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tools.dashboards.vocabulary import COUNT, GREEN, ORANGE, RED, Json, coloured

PROMETHEUS: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
POSTGRESQL: Final[Json] = {"type": "grafana-postgresql-datasource", "uid": "${postgresql}"}
GRID_COLUMNS: Final = 24


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


def rows_of(sql: str, *, shape: str = "table") -> Json:
    """A query of the store; `shape` time_series needs the columns time, metric and value, in order of time."""
    return {"datasource": POSTGRESQL, "editorMode": "code", "format": shape, "rawQuery": True, "rawSql": sql.strip()}


def stat(
    title: str,
    description: str,
    target: Json,
    *,
    unit: str = COUNT,
    above_is_bad: float | None = None,
    below_is_bad: float | None = None,
    when_none: str = "0",
) -> Json:
    """One number; `when_none` is shown where there is nothing to count."""
    bounded = above_is_bad is not None or below_is_bad is not None
    field = _field(unit, above_is_bad, below_is_bad)
    field["defaults"] |= {"noValue": when_none}
    return panel("stat", title, description, [target], field) | {
        "options": {
            "colorMode": "value" if bounded else "none",
            "graphMode": "area" if target.get("range") else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showPercentChange": False,
            "textMode": "value",
            "wideLayout": True,
        }
    }


def series(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    unit: str = COUNT,
    colours: Sequence[str] = (),
    stacked: bool = False,
    above_is_bad: float | None = None,
    below_is_bad: float | None = None,
    most: float | None = None,
    least: float | None = 0,
    beside: bool = False,
    when_none: str = "",
) -> Json:
    """Lines over time; stacked where the parts make a whole. `colours` are kinds of the vocabulary.

    `beside`: the legend stands on the right, for panels that are wide and have many series. `when_none` is shown in
    place of lines where a share or a quantile is of nothing.
    """
    bounded = above_is_bad is not None or below_is_bad is not None
    custom = {
        "axisPlacement": "auto",
        "drawStyle": "line",
        "fillOpacity": 40 if stacked else 0,
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 5,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if bounded else "off"},
    }
    field = _field(unit, above_is_bad, below_is_bad)
    field["defaults"] |= {"color": {"mode": "palette-classic-by-name"}, "custom": custom}
    if most is not None:
        field["defaults"]["max"] = most
    if least is None:
        del field["defaults"]["min"]
    if when_none:
        field["defaults"]["noValue"] = when_none
    field["overrides"] = coloured(*colours)
    return panel("timeseries", title, description, targets, field) | {
        "options": {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "right" if beside else "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    }


def heatmap(title: str, description: str, expr: str, *, unit: str) -> Json:
    """How a histogram is distributed over time; `expr` sums its buckets by `le`."""
    field = {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}, "unit": unit}, "overrides": []}
    target = query(expr, "{{le}}", exemplars=True) | {"format": "heatmap"}
    return panel("heatmap", title, description, [target], field) | {
        "options": {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Blues",
                "steps": 64,
                "fill": "dark-blue",
                "exponent": 0.5,
                "reverse": False,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        }
    }


def bars(
    title: str,
    description: str,
    target: Json,
    *,
    unit: str,
    colours: Sequence[str] = (),
    most: float | None = None,
) -> Json:
    """Horizontal bars, one a series, the greatest first as the query sorts them."""
    field = _field(unit, None, None)
    field["defaults"] |= {"color": {"mode": "palette-classic-by-name"}}
    if most is not None:
        field["defaults"]["max"] = most
    field["overrides"] = coloured(*colours)
    return panel("bargauge", title, description, [target], field) | {
        "options": {
            "displayMode": "basic",
            "maxVizHeight": 300,
            "minVizHeight": 16,
            "minVizWidth": 0,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showUnfilled": True,
            "sizing": "auto",
            "valueMode": "color",
        }
    }


def table(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    renamed: dict[str, str] | None = None,
    hidden: Sequence[str] = (),
    units: dict[str, str] | None = None,
    cells: dict[str, list[Json]] | None = None,
    links: dict[str, Json] | None = None,
    sorted_by: str = "",
    unit: str = COUNT,
    when_none: str = "",
) -> Json:
    """Rows of several columns.

    `renamed` and `hidden` go by the names that the query gives, the others by the names shown: `units` of columns,
    `cells` with their value mappings, `links` from a column's cells. `when_none` is shown in place of no rows.
    """
    field = _field(unit, None, None)
    del field["defaults"]["min"]
    if when_none:
        field["defaults"]["noValue"] = when_none
    field["defaults"] |= {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}}
    field["overrides"] = [
        *(_of_column(name, unit=[{"id": "unit", "value": its}]) for name, its in (units or {}).items()),
        *(_of_column(name, cells=_cells(its)) for name, its in (cells or {}).items()),
        *(_of_column(name, links=[{"id": "links", "value": [its]}]) for name, its in (links or {}).items()),
    ]
    organize: Json = {
        "id": "organize",
        "options": {
            "excludeByName": dict.fromkeys(("Time", *hidden), True),
            "indexByName": {name: place for place, name in enumerate(renamed or {})},
            "renameByName": renamed or {},
        },
    }
    merge: list[Json] = [{"id": "merge", "options": {}}] if len(targets) > 1 else []
    return panel("table", title, description, targets, field) | {
        "options": {
            "cellHeight": "sm",
            "frameIndex": 0,
            "showHeader": True,
            "sortBy": [{"desc": True, "displayName": sorted_by}] if sorted_by else [],
        },
        "transformations": [*merge, organize],
    }


def states(title: str, description: str, target: Json, mappings: Sequence[Json], *, when_none: str) -> Json:
    """Who was in which state when; `mappings` give the numbers of the query their words and colours."""
    field: Json = {
        "defaults": {
            "color": {"mode": "thresholds"},
            "custom": {"fillOpacity": 85, "lineWidth": 0, "spanNulls": True},
            "mappings": list(mappings),
            "noValue": when_none,
            "thresholds": {"mode": "absolute", "steps": [{"color": GREEN, "value": None}]},
            "unit": "string",
        },
        "overrides": [],
    }
    return panel("state-timeline", title, description, [target], field) | {
        "options": {
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        }
    }


def words(title: str, description: str, markdown: str) -> Json:
    """Text that says what no panel can."""
    return {
        "type": "text",
        "title": title,
        "description": description,
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {"content": markdown, "mode": "markdown"},
    }


def row(title: str) -> Json:
    """A heading over panels."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def linked(panel_: Json, title: str, url: str) -> Json:
    """The same panel with a link in its corner."""
    return panel_ | {"links": [corner_link(title, url)]}


def corner_link(title: str, url: str, *, elsewhere: bool = False) -> Json:
    """A link in a panel's corner; `elsewhere` opens beside."""
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": False,
        "keepTime": False,
        "tags": [],
        "targetBlank": elsewhere,
        "title": title,
        "tooltip": "",
        "type": "link",
        "url": url,
    }


def laid_out(lines: Sequence[tuple[int, Sequence[Json]]]) -> list[Json]:
    """Lines of (height, panels) on the grid; ids count from 1 in this order.

    A panel is as wide as `wide` told; the others share what is left of their line.
    """
    panels: list[Json] = []
    y = 0
    for height, line in lines:
        told = [one.get("gridPos", {}).get("w", 0) for one in line]
        left, untold, x = GRID_COLUMNS - sum(told), told.count(0), 0
        for one, given in zip(line, told, strict=True):
            width = given or -(-left // untold)
            left, untold = (left, untold) if given else (left - width, untold - 1)
            panels.append({"id": len(panels) + 1, **one, "gridPos": {"h": height, "w": width, "x": x, "y": y}})
            x += width
        y += height
    return panels


def coarse(one: Json) -> Json:
    """The same panel, asked at steps of two minutes and more: what looks back an hour at each step is dear."""
    return one | {"interval": "2m"}


def wide(columns: int, one: Json) -> Json:
    """The same panel, so many of the 24 columns wide."""
    return one | {"gridPos": {"w": columns}}


def panel(kind: str, title: str, description: str, targets: Sequence[Json], field: Json) -> Json:
    """What every kind of panel has."""
    lettered = [target | {"refId": chr(ord("A") + number)} for number, target in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": targets[0]["datasource"],
        "fieldConfig": field,
        "targets": lettered,
    }


def _of_column(name: str, **properties: list[Json]) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [one for several in properties.values() for one in several],
    }


def _cells(mappings: list[Json]) -> list[Json]:
    return [
        {"id": "mappings", "value": mappings},
        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
    ]


def _field(unit: str, above_is_bad: float | None, below_is_bad: float | None) -> Json:
    steps: list[Json] = [{"color": GREEN, "value": None}]
    if above_is_bad is not None:
        steps.append({"color": RED, "value": above_is_bad})
    if below_is_bad is not None:
        steps = [{"color": ORANGE, "value": None}, {"color": GREEN, "value": below_is_bad}]
    defaults: Json = {
        "mappings": [],
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": unit,
    }
    if above_is_bad is not None or below_is_bad is not None:
        defaults["color"] = {"mode": "thresholds"}
    return {"defaults": defaults, "overrides": []}
