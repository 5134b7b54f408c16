"""The HTTP application: puts routers, refusals, headers and files together. Connects to nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.staticfiles import StaticFiles

from collector.api import breakdowns, codes, health, incidents, kpis, pages, problems, rooms, sessions, verdicts
from collector.api.dependencies import refuse_unknown_parameters
from collector.api.health import Exposition, Readiness
from collector.api.rendering import FOLDER, make_templates
from collector.api.security import SecurityHeaders
from collector.store.incidents import Incidents
from collector.store.reader import Reader

OPENAPI_URL: Final = "/api/v1/openapi.json"

DESCRIPTION: Final = """
Why did this call drop? What rooms said of their connections, as questions and answers.

Every answer says how complete it is. Times are UTC; durations are milliseconds unless their name says otherwise. Every
refusal is problem+json with a `code` that stays.
"""


def make_app(
    reader: Reader,
    metrics: Exposition,
    readiness: Callable[[], Readiness],
    version: str,
    *,
    clock_us: Callable[[], int],
    kept: Incidents,
    alertmanager_token: str | None = None,
) -> FastAPI:
    """The application over a reader, and over the incidents that are `kept`.

    `clock_us` tells the time as µs since 1970. It and `readiness` run in threads. Without `alertmanager_token` nobody
    may tell of incidents.
    """
    app = make_probes(metrics, readiness, version)
    app.state.reader = reader
    app.state.incidents = kept
    app.state.alertmanager_token = alertmanager_token
    app.state.clock_us = clock_us
    app.state.templates = make_templates(version)
    api = APIRouter(prefix="/api/v1", dependencies=[Depends(refuse_unknown_parameters)])
    for noun in (sessions, rooms, verdicts, breakdowns, kpis, incidents, codes):
        api.include_router(noun.router)
    app.include_router(api)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=f"{FOLDER}/static"), name="static")
    return app


def make_probes(metrics: Exposition, readiness: Callable[[], Readiness], version: str) -> FastAPI:
    """What machines ask alone: health, readiness and metrics. `readiness` runs in threads."""
    app = FastAPI(
        title="Roomwatch",
        version=version,
        description=DESCRIPTION.strip(),
        openapi_url=OPENAPI_URL,
        # Their pages load scripts from elsewhere; /docs is a page of our own.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    app.add_middleware(SecurityHeaders)
    app.include_router(health.make_router(metrics, readiness, version))
    return app
