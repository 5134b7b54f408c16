"""The application as a whole: headers, description, probes, files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from collector.api import app
from collector.api.health import Check, Readiness
from tests.collector.api.conftest import World

STATIC = Path(app.__file__).with_name("static")
PAGES = ("/", "/api/v1/sessions", "/healthz", "/static/page.css", "/api/v1/nothing", "/rooms/RM404")


@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_tells_the_browser_how_little_it_may_do(api: AsyncClient, path: str) -> None:
    headers = (await api.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    allowed = {"script-src", "style-src", "img-src", "connect-src", "font-src", "manifest-src", "form-action"}
    assert policy == {
        **dict.fromkeys(allowed, "'self'"),
        **dict.fromkeys(("default-src", "object-src", "base-uri", "frame-ancestors", "trusted-types"), "'none'"),
        "require-trusted-types-for": "'script'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    # Whoever terminates TLS says that there is no going back to a connection without.
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("path", ["/", "/docs", "/search", "/outages"])
async def test_pages_hold_no_style_and_no_script_of_their_own(api: AsyncClient, path: str) -> None:
    page = (await api.get(path)).text
    assert "style=" not in page
    assert "<style" not in page
    assert page.count("<script") == 1
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")


async def test_alive_and_ready_are_two_things(api: AsyncClient, world: World) -> None:
    assert (await api.get("/healthz")).json() == {"status": "ok", "version": "9.9.9"}
    assert (await api.get("/readyz")).status_code == 200
    world.readiness = Readiness(ready=False, checks=(Check(name="kafka", ok=False, detail="no broker answers"),))
    answer = await api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": [{"name": "kafka", "ok": False, "detail": "no broker answers"}],
    }
    assert (await api.get("/healthz")).status_code == 200


async def test_metrics_are_rendered_as_the_scraper_asks(api: AsyncClient) -> None:
    plain = await api.get("/metrics", headers={"accept": "text/plain"})
    openmetrics = await api.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert "rtc_collector_build_info" in plain.text
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


async def test_the_description_lists_every_question_with_examples_and_refusals(api: AsyncClient) -> None:
    told = (await api.get("/api/v1/openapi.json")).json()
    assert [path for path in told["paths"] if path.startswith("/api/v1")] == [
        "/api/v1/sessions",
        "/api/v1/sessions/{session_id}",
        "/api/v1/sessions/{session_id}/events",
        "/api/v1/sessions/{session_id}/outages",
        "/api/v1/rooms",
        "/api/v1/rooms/{room_sid}",
        "/api/v1/rooms/{room_sid}/timeline",
        "/api/v1/rooms/{room_sid}/packet",
        "/api/v1/outages",
        "/api/v1/outages/{session_id}/{number}",
        "/api/v1/sessions/{session_id}/verdict",
        "/api/v1/rooms/{room_sid}/verdict",
        "/api/v1/breakdowns/failure-codes",
        "/api/v1/breakdowns/causes",
        "/api/v1/breakdowns/outcomes",
        "/api/v1/breakdowns/fates",
        "/api/v1/breakdowns/affected",
        "/api/v1/breakdowns/blast-radius",
        "/api/v1/breakdowns/time-to-reconnect",
        "/api/v1/kpis",
        "/api/v1/releases",
        "/api/v1/completeness",
        "/api/v1/exports/{rows}",
        "/api/v1/incidents/alertmanager",
        "/api/v1/incidents",
        "/api/v1/incidents/{incident_id}",
        "/api/v1/codes",
        "/api/v1/codes/{code}",
    ]
    for path, verbs in told["paths"].items():
        if path.startswith("/api/v1"):
            assert all({"200", "422", "503"} <= verb["responses"].keys() for verb in verbs.values())
    assert told["components"]["schemas"]["SessionView"]["properties"]["fate"]["examples"] == ["dropped"]


async def test_whatever_the_description_refers_to_is_in_it(api: AsyncClient) -> None:
    text = (await api.get("/api/v1/openapi.json")).text
    told = json.loads(text)
    parts = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert set(re.findall(r'"\$ref":\s*"([^"]+)"', text)) <= parts
    schemes = {
        name
        for verbs in told["paths"].values()
        for verb in verbs.values()
        for one in verb.get("security", ())
        for name in one
    }
    assert schemes == told["components"]["securitySchemes"].keys() == {"alertmanager", "token"}


async def test_every_answer_about_the_store_states_its_completeness(api: AsyncClient) -> None:
    told = (await api.get("/api/v1/openapi.json")).json()
    schemas: dict[str, Any] = told["components"]["schemas"]
    for path, verbs in told["paths"].items():
        if path.startswith("/api/v1") and not path.endswith("/packet") and "/codes" not in path and "get" in verbs:
            told_in = verbs["get"]["responses"]["200"]
            if "/exports" in path:
                assert "Roomwatch-Completeness" in told_in["headers"]
                continue
            shape = verbs["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
            assert "completeness" in schemas[shape]["properties"], path


async def test_no_page_loads_anything_from_elsewhere(api: AsyncClient) -> None:
    for name in ("page.css", *(path.name for path in STATIC.glob("*.js"))):
        answer = await api.get(f"/static/{name}")
        assert answer.status_code == 200
        assert "://" not in answer.text
