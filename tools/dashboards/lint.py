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

from tools.dashboards.lint_queries import metrics_in, of_expression, of_sql, variables_in
from tools.dashboards.lint_variables import Labels, of_variables
from tools.dashboards.panels import GRID_COLUMNS
from tools.dashboards.vocabulary import MEANINGS

Json = Mapping[str, Any]

UID: Final = re.compile(r"[a-z0-9-]{1,40}")
SECOND_FORMAT_KEYS: Final = frozenset({"apiVersion", "kind", "spec", "elements", "layout"})
PANELS_MAX: Final = 12
SOURCES: Final = {"prometheus": "${datasource}", "grafana-postgresql-datasource": "${postgresql}"}
ALL_VALUES: Final = {"prometheus": ".+", "grafana-postgresql-datasource": "'all'"}
LEGEND_LABEL: Final = re.compile(r"\{\{(\w+)\}\}")
DASHBOARD_LINK: Final = re.compile(r"^/d/(?P<uid>[a-z0-9-]+)\?(?P<query>.+)$")


def faults(dashboard: Json, file_name: str, labels: Labels, uids: Collection[str] = ()) -> list[str]:
    """Everything that is wrong with a dashboard, as sentences; nothing when it is in order.

    `labels` are those of every metric and recorded series; `uids` those of all dashboards that are shipped.
    """
    return [
        *_of_the_whole(dashboard, file_name),
        *_of_the_grid(panels(dashboard)),
        *_of_variables(dashboard),
        *of_variables(dashboard, panels(dashboard), labels),
        *(fault for panel in panels(dashboard) for fault in _of_panel(panel, labels)),
        *(fault for panel in panels(dashboard) for fault in _of_colours(panel)),
        *_of_links(panels(dashboard), {str(dashboard.get("uid")), *uids}),
    ]


def panels(dashboard: Json) -> list[Json]:
    """Every panel and row."""
    return [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", ()))]


def expressions(dashboard: Json) -> list[str]:
    """Every PromQL expression of panels and annotations."""
    targets = [target for panel in panels(dashboard) for target in panel.get("targets", ())]
    annotations = [note["target"] for note in dashboard["annotations"]["list"] if "target" in note]
    return [target["expr"] for target in (*targets, *annotations) if "expr" in target]


def statements(dashboard: Json) -> list[str]:
    """Every SQL statement of panels and variables."""
    targets = [target for panel in panels(dashboard) for target in panel.get("targets", ())]
    asked = [one for one in dashboard["templating"]["list"] if isinstance(one.get("query"), str)]
    return [
        *(target["rawSql"] for target in targets if "rawSql" in target),
        *(one["query"] for one in asked if one["type"] == "query"),
    ]


def metrics_used(dashboard: Json) -> set[str]:
    """The names of metrics and recorded series in its expressions, as they are exposed or recorded."""
    return {name for expr in expressions(dashboard) for name in metrics_in(expr)}


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
    if not dashboard["title"].endswith("?"):
        yield f"{dashboard['title']} is no question"
    if not re.search(r"Needs (Prometheus|PostgreSQL)\.$", dashboard["description"]):
        yield "it does not say which data source it needs"
    if (number := sum(panel["type"] != "row" for panel in panels(dashboard))) > PANELS_MAX:
        yield f"{number} panels are more than {PANELS_MAX}"


def _of_the_grid(found: list[Json]) -> Iterator[str]:
    for number, times in Counter(panel.get("id") for panel in found).items():
        if number is None or times > 1:
            yield f"id {number} stands on {times} panels"
    for panel in found:
        place = panel["gridPos"]
        if place["w"] < 1 or place["h"] < 1 or place["x"] < 0 or place["x"] + place["w"] > GRID_COLUMNS:
            yield f"{panel['title']} is outside the grid"
    for one, other in combinations(found, 2):
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
    used = variables_in({key: value for key, value in dashboard.items() if key != "templating"})
    used |= variables_in([variable["query"] for variable in variables])
    used |= variables_in([variable.get("datasource") for variable in variables])
    for name in sorted(used - declared):
        yield f"${name} is used and not declared"
    for name in sorted(declared - used):
        yield f"${name} is declared and not used"
    for variable in variables:
        if variable["type"] != "query":
            continue
        if variable["refresh"] != 2:
            yield f"${variable['name']} does not follow the time range"
        if not (variable["multi"] and variable["allValue"] == ALL_VALUES[variable["datasource"]["type"]]):
            yield f"${variable['name']} does not take several values, or all"


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
    if not panel.get("targets"):
        yield f"{title} asks nothing"
    for asked in (panel, *panel.get("targets", ())):
        source = asked["datasource"]
        if source.get("uid") != SOURCES.get(source.get("type", ""), ""):
            yield f"{title} does not ask the chosen data source"
    for target in panel.get("targets", ()):
        if "expr" in target:
            found = of_expression(target["expr"], title, known_metrics)
        else:
            found = of_sql(target["rawSql"], re.findall(r"\bAS (\w+)", target["rawSql"]), target["format"])
        yield from (f"{title}: {fault}" for fault in found)


def _of_colours(panel: Json) -> Iterator[str]:
    """A series named after a value of the vocabulary has the vocabulary's colour, and no other colour is given."""
    known = {(f"/^{value}\\b/", its) for kind in MEANINGS.values() for value, its in kind.items()}
    given = {
        (override["matcher"]["options"], its["value"]["fixedColor"])
        for override in panel.get("fieldConfig", {}).get("overrides", ())
        for its in override["properties"]
        if its["id"] == "color"
    }
    for name, colour in sorted(given - known):
        yield f"{panel['title']}: {colour} is not what the vocabulary gives {name}"
    if panel["type"] not in {"timeseries", "bargauge"}:
        return
    for target in panel.get("targets", ()):
        kind = next(iter(LEGEND_LABEL.findall(target.get("legendFormat", ""))), None)
        wanted = {(f"/^{value}\\b/", its) for value, its in MEANINGS.get(kind or "", {}).items()}
        if not wanted <= given:
            yield f"{panel['title']}: {kind} has other colours than elsewhere"


def _of_links(found: list[Json], uids: Collection[str]) -> Iterator[str]:
    for title, url in ((panel["title"], url) for panel in found for url in links_of(panel)):
        link = DASHBOARD_LINK.match(url)
        if link is None:
            if not re.match(r"^\$\{roomwatch:raw\}/\w", url):
                yield f"{title}: {url} leads neither to a dashboard nor to Roomwatch's page"
            continue
        if link["uid"] not in uids:
            yield f"{title}: there is no dashboard {link['uid']}"
        if "${__url_time_range}" not in link["query"]:
            yield f"{title}: a link that loses the time range"


def links_of(panel: Json) -> Iterator[str]:
    """Every address that a panel leads to."""
    yield from (link["url"] for link in panel.get("links", ()))
    field = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
    yield from (link["url"] for link in field["defaults"].get("links", ()))
    for override in field["overrides"]:
        yield from (link["url"] for its in override["properties"] if its["id"] == "links" for link in its["value"])
