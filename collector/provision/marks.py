"""Incidents as marks in Grafana. Pure.

A mark belongs to no dashboard: all that ask for its tags show it. An incident that goes on reaches to when Alertmanager
last told of it, so that a mark changes only with what is known.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from collector.provision.values import TAG, Mark
from collector.store.views_incidents import IncidentView

INCIDENT_TAG: Final = "incident"
TAGS: Final = (TAG, INCIDENT_TAG)
"""What all marks of incidents have: dashboards ask for them by these."""
_KEY: Final = "incident:"
_LABELS: Final = ("severity", "code", "region", "phase")


def marks_of(incidents: Iterable[IncidentView], page_url: str | None) -> list[Mark]:
    """The marks of these incidents. `page_url`: where people reach the collector's pages, for links."""
    return [_mark(one, page_url.rstrip("/") if page_url else None) for one in incidents]


def key_of(tags: Iterable[str]) -> str | None:
    """Which incident a mark with these tags is of."""
    return next((tag.removeprefix(_KEY) for tag in tags if tag.startswith(_KEY)), None)


def _mark(one: IncidentView, page_url: str | None) -> Mark:
    since_ms = _ms(one.started_at)
    # A region needs a length.
    until_ms = max(since_ms + 1, _ms(one.ended_at or one.told_at))
    labels = [f"{name}:{one.labels[name]}" for name in _LABELS if one.labels.get(name)]
    return Mark(
        key=one.incident_id,
        title=f"{one.alertname} {one.started_at:%Y-%m-%d %H:%M}",
        since_ms=since_ms,
        until_ms=until_ms,
        text=_text(one, page_url),
        tags=(*TAGS, f"{_KEY}{one.incident_id}", one.alertname, *labels),
    )


def _text(one: IncidentView, page_url: str | None) -> str:
    """What Grafana shows of it, as HTML, which it cleans."""
    lines = [f"<b>{html.escape(one.summary or one.alertname)}</b>"]
    if one.description:
        lines.append(html.escape(one.description))
    if one.ended_at is None:
        lines.append("It goes on, as far as Alertmanager told.")
    if page_url:
        lines.append(f'<a href="{html.escape(page_url)}/incidents/{one.incident_id}">Whom it hit</a>')
    return "<br>".join(lines)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
