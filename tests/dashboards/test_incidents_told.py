"""From a real Alertmanager with the shipped receiver into the product: an incident begins, and it ends."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.store.engine import make_engine, migrate
from tests.dashboards.pressed import pressed_routes
from tests.pages.conftest import TOKEN, Site
from tests.servers.alertmanager import Alertmanager
from tests.waiting import wait_until

STUCK = {"alertname": "RtcReconnectsStuck", "severity": "page", "about": "rooms", "region": "ie1"}


@pytest.mark.usefixtures("alertmanager_binary")
def test_what_alertmanager_tells_is_an_incident_until_it_is_resolved(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    migrate(engine)
    site = Site(engine)
    site.now_us = time.time_ns() // 1000  # noqa: TID251 - Alertmanager's clock is real

    def told(**asked: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = httpx.get(f"{site.url}/api/v1/incidents", params=asked).json()["items"]
        return items

    alert: dict[str, Any] = {"labels": STUCK, "annotations": {"summary": "In ie1 it does not end"}}
    try:
        with Alertmanager(pressed_routes(site.url, token)) as alertmanager:
            alertmanager.post(alert)
            site.now_us += 60_000_000
            (one,) = wait_until(lambda: told(open="true"), within_s=30)
            assert (one["labels"], one["summary"], one["ended_at"]) == (STUCK, "In ie1 it does not end", None)
            story = httpx.get(f"{site.url}/api/v1/incidents/{one['incident_id']}").json()
            assert (story["blast"]["affected"], story["blast"]["sessions"]) == (0, 0)
            ended_at = datetime.now(UTC).isoformat()  # noqa: TID251 - as above
            alertmanager.post({**alert, "startsAt": one["started_at"], "endsAt": ended_at})
            (same,) = wait_until(lambda: told(open="false"), within_s=30)
            assert same["incident_id"] == one["incident_id"]
    finally:
        site.stop()
        engine.dispose()
