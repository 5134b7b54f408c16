"""The files that are made from the list of metrics and from the dashboards: their paths and their text."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from collector.metric_list import Listed
from collector.metrics import Metrics
from tools.dashboards.shipped import DASHBOARDS
from tools.dashboards.vocabulary import Json

_METRICS_PAGE: Final = """# Metrics

Generated from `collector/metric_list.py` by `make generate`. What they are counted by stands in [KPIs](kpis.md), what
is made of them in [alerts](alerts.md) and in the [dashboards](../dashboards/README.md).

`/metrics` answers in OpenMetrics, with exemplars that name a session, or in the text format of Prometheus. Counters
count what happened less than 15 minutes ago by corrected time, after it was stored; what comes later is in the store
alone. Regions and SDKs beyond the first 20 and 5 seen, and codes outside the list, are `other`; what nobody told is
`unknown`. A collector shows fewer than 2 000 series; sum over collectors.
"""
_HEADED: Final = (
    ("Sessions, outages and failures", "rtc_", "rtc_collector_"),
    ("The collector itself", "rtc_collector_", None),
)


def metrics_page() -> str:
    """docs/metrics.md: every metric with its labels and its help."""
    listed = Metrics(CollectorRegistry(), version="0").listed
    sections = [_METRICS_PAGE]
    for title, prefix, but in _HEADED:
        chosen = [m for m in listed if m.name.startswith(prefix) and not (but and m.name.startswith(but))]
        rows = "\n".join(_metrics_row(metric) for metric in chosen)
        sections.append(f"## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(sections)


def _metrics_row(metric: Listed) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text} |"


def dashboard_json(make: Callable[[], Json]) -> str:
    """A dashboard as Grafana reads it from a file."""
    return json.dumps(make(), indent=2, ensure_ascii=False) + "\n"


FILES: Final[dict[str, Callable[[], str]]] = {
    "docs/metrics.md": metrics_page,
    **{f"dashboards/{board.uid}.json": partial(dashboard_json, make) for board, make in DASHBOARDS.items()},
}
"""Path from the root of the repository: what makes its text."""
