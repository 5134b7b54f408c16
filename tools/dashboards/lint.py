"""What must be so in every dashboard: the rules of Grafana's dashboard-linter that suit us, and our own.

Of the linter's rules these do not apply: template-job, template-instance, target-job and target-instance. The metrics
bear one product's prefix and are sums over collectors, so that a single collector is no subject of a dashboard.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from tools.dashboards.panels import GRID_COLUMNS

Json = Mapping[str, Any]

UID: Final = re.compile(r"[a-z0-9-]{1,40}")
SECOND_FORMAT_KEYS: Final = frozenset({"apiVersion", "kind", "spec", "elements", "layout"})
VARIABLE: Final = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::\w+)?\})")
BUILT_IN_PREFIX: Final = "__"
METRIC: Final = re.compile(r"\b(?:rtc_\w+|[a-z]\w*(?::\w+)+)\b(?!=)")
STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
UNWRAPPED_COUNTER: Final = re.compile(r"(?<!rate\()(?<!increase\()\brtc_\w+_total\b")
SERIES_OF_A_HISTOGRAM: Final = ("_bucket", "_sum", "_count")


def faults(dashboard: Json, file_name: str, known_metrics: Collection[str]) -> list[str]:
    """Everything that is wrong with a dashboard, as sentences; nothing when it is in order."""
    return [
        *_of_the_whole(dashboard, file_name),
        *_of_the_grid(_panels(dashboard)),
        *_of_variables(dashboard),
        *(fault for panel in _panels(dashboard) for fault in _of_panel(panel, known_metrics)),
    ]


def expressions(dashboard: Json) -> list[str]:
    """Every PromQL expression of panels and annotations."""
    targets = [target for panel in _panels(dashboard) for target in panel.get("targets", ())]
    annotations = [note["target"] for note in dashboard["annotations"]["list"] if "target" in note]
    return [target["expr"] for target in (*targets, *annotations)]


def metrics_used(dashboard: Json) -> set[str]:
    """The names of metrics and recorded series in its expressions, as they are exposed or recorded."""
    return {name for expr in expressions(dashboard) for name in _metrics_in(expr)}


def substituted(expr: str) -> str:
    """An expression as Grafana would send it, with all values chosen."""
    intervals = {"__rate_interval": "1m", "__range": "1h", "__interval": "15s"}
    return VARIABLE.sub(lambda found: intervals.get(found["plain"] or found["braced"], ".+"), expr)


def _panels(dashboard: Json) -> list[Json]:
    return [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", ()))]


def _of_the_whole(dashboard: Json, file_name: str) -> Iterator[str]:
    uid = str(dashboard.get("uid"))
    if not UID.fullmatch(uid):
        yield f"uid {uid} is not 1 to 40 of a-z, 0-9 and -"
    if file_name != f"{uid}.json":
        yield f"uid {uid} is not the name of {file_name}"
    if found := SECOND_FORMAT_KEYS & dashboard.keys():
        yield f"{sorted(found)} belong to the second format, which files cannot provision"
    if not 39 <= dashboard["schemaVersion"] <= 41:
        yield f"schemaVersion {dashboard['schemaVersion']} is not 39 to 41"
    if dashboard["editable"]:
        yield "it can be edited in Grafana, and the file would win"
    if dashboard["id"] is not None:
        yield "an id is Grafana's to give"
    for key in ("title", "description", "tags"):
        if not dashboard.get(key):
            yield f"it has no {key}"


def _of_the_grid(panels: list[Json]) -> Iterator[str]:
    for number, times in Counter(panel.get("id") for panel in panels).items():
        if number is None or times > 1:
            yield f"id {number} stands on {times} panels"
    for panel in panels:
        place = panel["gridPos"]
        if place["w"] < 1 or place["h"] < 1 or place["x"] < 0 or place["x"] + place["w"] > GRID_COLUMNS:
            yield f"{panel['title']} is outside the grid"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} and {other['title']} overlap"


def _overlap(one: Json, other: Json) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def _of_variables(dashboard: Json) -> Iterator[str]:
    variables = dashboard["templating"]["list"]
    declared = {variable["name"] for variable in variables}
    if "datasource" not in {variable["type"] for variable in variables}:
        yield "no variable chooses the data source"
    used = _variables_in({key: value for key, value in dashboard.items() if key != "templating"})
    used |= _variables_in([variable["query"] for variable in variables])
    used |= _variables_in([variable.get("datasource") for variable in variables])
    for name in sorted(used - declared):
        yield f"${name} is used and not declared"
    for name in sorted(declared - used):
        yield f"${name} is declared and not used"
    for variable in variables:
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"${variable['name']} does not follow the time range"
        if variable["type"] == "query" and not (variable["multi"] and variable["allValue"] == ".+"):
            yield f"${variable['name']} does not take several values, or all"


def _variables_in(value: Any) -> set[str]:
    if isinstance(value, str):
        names = {found["plain"] or found["braced"] for found in VARIABLE.finditer(value)}
        return {name for name in names if not name.startswith(BUILT_IN_PREFIX)}
    if isinstance(value, Mapping):
        value = list(value.values())
    return set().union(*map(_variables_in, value)) if isinstance(value, list) else set()


def _of_panel(panel: Json, known_metrics: Collection[str]) -> Iterator[str]:
    title = panel.get("title") or f"panel {panel.get('id')}"
    if not panel.get("title"):
        yield f"{title} has no title"
    if panel["type"] == "row":
        return
    if not panel.get("description"):
        yield f"{title} has no description"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield f"{title} has no unit"
    if panel["datasource"].get("uid") != "${datasource}":
        yield f"{title} does not ask the chosen data source"
    if not panel.get("targets"):
        yield f"{title} asks nothing"
    for target in panel.get("targets", ()):
        for fault in _of_expression(target["expr"], known_metrics):
            yield f"{title}: {fault}"


def _of_expression(expr: str, known_metrics: Collection[str]) -> Iterator[str]:
    for name in _metrics_in(expr):
        if name not in known_metrics:
            yield f"{name} is no metric of ours"
    if re.search(r"\[\d", expr):
        yield f"a fixed range does not follow the zoom: {expr}"
    if UNWRAPPED_COUNTER.search(STRING.sub('""', expr)):
        yield f"a counter without rate or increase: {expr}"
    for name in re.findall(r'=~?"\$(\w+)"', expr):
        if f'=~"${name}"' not in expr:
            yield f"${name} may have several values and needs =~"


def _metrics_in(expr: str) -> set[str]:
    names = METRIC.findall(STRING.sub('""', expr))
    return {name if ":" in name else _family(name) for name in names}


def _family(name: str) -> str:
    for ending in SERIES_OF_A_HISTOGRAM:
        name = name.removesuffix(ending)
    return name
