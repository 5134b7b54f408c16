"""Is the process alive, is it ready, and what does it measure of itself.

`/healthz` answers as long as the process does: a restart is for a process that does not. `/readyz` says whether this
collector does its work now, check by check; what is checked is decided by whoever makes the `Readiness`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field


class Exposition(Protocol):
    """What the API needs of the metrics."""

    def render(self, accept: str) -> tuple[bytes, str]:
        """The metrics in a format that `accept` allows, and its content type."""

    def count_question(self, kind: str, outcome: str) -> None:
        """A question that came to this end: collector/api/asking.py."""

    def set_questions(self, kind: str, under_way: int) -> None:
        """How many questions of a kind are being answered."""


class Check(BaseModel):
    """One thing that readiness depends on."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["store"])
    ok: bool
    detail: str = Field(default="", description="What is the matter, in one line; empty where nothing is.")


class Readiness(BaseModel):
    """Whether this collector does its work now, and what it found."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    checks: tuple[Check, ...] = ()


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"
    version: str = Field(examples=["0.1.0"])


def make_router(metrics: Exposition, readiness: Callable[[], Readiness], version: str) -> APIRouter:
    """The routes that machines ask: probes and Prometheus. They ask nothing of the store, so they always answer."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def read_health() -> Health:
        """The process is alive."""
        return Health(version=version)

    @router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready; the checks say why."}})
    def read_readiness(response: Response) -> Readiness:
        """Whether this collector does its work now."""
        answer = readiness()
        response.status_code = 200 if answer.ready else 503
        return answer

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def read_metrics(request: Request) -> Response:
        """What Prometheus scrapes; a plain `def`, so that it is rendered outside the event loop."""
        body, content_type = metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return router
