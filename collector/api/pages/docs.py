"""What there is to read: what the API offers, made of its own description, and what to do when an alert fires."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from collector.api.dependencies import NowDep
from collector.api.pages.showing import page

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/docs")
def docs_page(request: Request, now_us: NowDep) -> HTMLResponse:
    """What the API offers, made of its own description."""
    return page(request, "docs", {"paths": request.app.openapi()["paths"]}, now_us)


@router.get("/docs/runbooks.md")
def runbooks_page(request: Request, now_us: NowDep) -> HTMLResponse:
    """What to do when an alert fires; named as the file that it is made of, so that one link leads to either."""
    return page(request, "runbooks", {}, now_us)
