"""The HTTP application: puts routers, refusals, headers and files together. Connects to nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

from fastapi import APIRouter, Depends, FastAPI, Response
from starlette.staticfiles import StaticFiles

from collector.api import (
    breakdowns,
    codes,
    completeness,
    exports,
    health,
    incidents,
    kpis,
    live,
    outages,
    packets,
    pages,
    problems,
    releases,
    rooms,
    sessions,
    time_to_reconnect,
    verdicts,
)
from collector.api.asking import Asking, Limits
from collector.api.dependencies import refuse_unknown_parameters
from collector.api.describing import described, operation_id
from collector.api.guard import Door, Guard
from collector.api.health import Exposition, Readiness
from collector.api.live import News
from collector.api.packets import PacketKey
from collector.api.rendering import FOLDER, make_templates
from collector.api.revalidating import Revalidation
from collector.api.security import SecurityHeaders
from collector.errors import PacketKeyMissing
from collector.store.incidents import Incidents
from collector.store.reader import Reader

OPENAPI_URL: Final = "/api/v1/openapi.json"

NOUNS: Final = (
    sessions,
    rooms,
    packets,
    outages,
    verdicts,
    breakdowns,
    time_to_reconnect,
    kpis,
    releases,
    completeness,
    exports,
    incidents,
    codes,
)
"""What the API answers about, a router each, in the order of the description."""

DESCRIPTION: Final = """
Why did this call drop? What rooms said of their connections, as questions and answers.

Every answer says how complete it is. Times are UTC; durations are milliseconds unless their name says otherwise. Every
refusal is problem+json with a `code` that stays. Where others than this machine can ask, `Authorization: Bearer …` is
asked for: docs/access.md.
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
    packet_key: PacketKey | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    door: Door | None = None,
) -> FastAPI:
    """The application over a reader, and over the incidents that are `kept`.

    `clock_us` tells the time as µs since 1970. It and `readiness` run in threads. Without `alertmanager_token` nobody
    may tell of incidents but with a token of the `door`, which says who may ask; without one, whoever gets here may.
    Without `packet_key` no packet is made.
    """
    app = _with_probes(metrics, readiness, version)
    app.state.reader = reader
    app.state.incidents = kept
    app.state.alertmanager_token = alertmanager_token
    app.state.packet_key = packet_key or _no_packet_key
    app.state.clock_us = clock_us
    app.state.limits = limits
    app.state.templates = make_templates(version)
    app.state.news = News(reader.newest)
    api = APIRouter(prefix="/api/v1", dependencies=[Depends(refuse_unknown_parameters)])
    for noun in NOUNS:
        api.include_router(noun.router)
    app.include_router(api)
    app.include_router(live.router)
    app.include_router(pages.router)
    app.mount("/static", _Shipped(directory=f"{FOLDER}/static"), name="static")
    # The last one is the outermost: what is refused gets the headers too.
    app.add_middleware(Revalidation)
    app.add_middleware(Asking, limits=limits, tally=metrics)
    _close(app, door)
    return app


class _Shipped(StaticFiles):
    """Files that a version ships: kept by browsers, who ask whether they still are what they were."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """As the class above; modules name each other without a version, so none may be taken unasked."""
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def make_probes(
    metrics: Exposition, readiness: Callable[[], Readiness], version: str, door: Door | None = None
) -> FastAPI:
    """What machines ask alone: health, readiness and metrics. `readiness` runs in threads."""
    app = _with_probes(metrics, readiness, version)
    _close(app, door)
    return app


def _close(app: FastAPI, door: Door | None) -> None:
    """The outermost of all: who may not ask waits for nobody's turn, and what is refused has the headers too."""
    app.state.door = door
    if door is not None:
        app.add_middleware(Guard, door=door)
    app.add_middleware(SecurityHeaders)


def _with_probes(metrics: Exposition, readiness: Callable[[], Readiness], version: str) -> FastAPI:
    app = FastAPI(
        title="Roomwatch",
        version=version,
        description=DESCRIPTION.strip(),
        openapi_url=OPENAPI_URL,
        # Their pages load scripts from elsewhere; /docs is a page of our own.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    app.openapi = partial(described, app)  # type: ignore[method-assign]
    problems.install(app)
    app.include_router(health.make_router(metrics, readiness, version))
    return app


def _no_packet_key() -> NoReturn:
    raise PacketKeyMissing
