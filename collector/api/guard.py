"""Lets in who may ask, before any route is asked. One place, so that a new route is closed until it is opened here.

Rules:
1. Where others can reach the address, every route but OPEN asks for a token or a login with its scope.
2. Where only this machine can, none is asked for; but a name that is not of this machine is refused, since a page
   elsewhere may have made one point here, and would read all.
3. Whatever changes something is refused where another site's page made the browser send it, whoever asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.api import problems
from collector.api.access import Access, Grant, form_token
from collector.api.rendering import templates_of
from collector.errors import CollectorError, CrossSite, HostNotAllowed, NotAllowed

PROBES: Final = frozenset({"/healthz", "/readyz"})
WEBHOOK: Final = "/api/v1/incidents/alertmanager"
OPEN: Final = frozenset({*PROBES, "/login", "/logout", WEBHOOK})
"""They tell nothing; the webhook asks for its token itself, on every address."""
EXPORTS: Final = "/api/v1/exports"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OWN: Final = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")
LOCAL: Final = "roomwatch"
ELSEWHERE: Final = "__Host-roomwatch"
"""A cookie of this name cannot be set by another host of the domain, nor be sent without TLS."""


@dataclass(frozen=True)
class Door:
    """What an application asks of whoever asks it. `hosts`: names it answers to beside those of this machine."""

    access: Access
    asks: bool
    hosts: frozenset[str] = frozenset()


class Guard:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what may pass; the rest is refused as a problem, or led to the login page."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            grant = await self._let_in(request)
        except CollectorError as error:
            await (await self._refusal(request, error))(scope, receive, send)
            return
        request.state.actor = f"address {address_of(request)}" if grant is None else grant.actor
        if scope_of(request.url.path) == "export":
            send = self._noting(request, send)
        await self._app(scope, receive, send)

    async def _let_in(self, request: Request) -> Grant | None:
        if not self._door.asks:
            _require_host(request, self._door.hosts)
        if request.method not in SAFE:
            _require_own_page(request)
        needed = scope_of(request.url.path)
        if needed is None or not self._door.asks:
            return None
        grant = await self._shown(request)
        grant.require(needed)
        return grant

    async def _shown(self, request: Request) -> Grant:
        """Who asks. Raises NotAllowed where nothing is shown that is right."""
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._door.access.of_token(shown.strip(), address_of(request))
        secret = request.cookies.get(cookie_of(request))
        if secret is None:
            raise NotAllowed("no token was sent")
        grant = await self._door.access.of_login(secret)
        if grant is None:
            raise NotAllowed("the login has ended")
        request.state.login = {"name": grant.name, "form": form_token(secret)}
        return grant

    async def _refusal(self, request: Request, error: CollectorError) -> Response:
        if not isinstance(error, NotAllowed) or not _is_page(request):
            return await problems.answer_to(request, error)
        here = own(quote(request.url.path) + (f"?{request.url.query}" if request.url.query else ""))
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            # Who follows a link from elsewhere comes without the cookie, and from this page with it.
            return HTMLResponse(templates_of(request).get_template("again.html").render(here=here))
        return RedirectResponse(f"/login?next={quote(here, safe='/')}", status_code=303)

    def _noting(self, request: Request, send: Send) -> Send:
        """Notes an export that began; of its filters the names alone, since their values may be people."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                facts = {"path": request.url.path, "filters": sorted(set(request.query_params))}
                self._door.access.note("export", request.state.actor, facts)
            await send(message)

        return noting


def scope_of(path: str) -> str | None:
    """The scope that a path asks for; None: none."""
    if path in OPEN or path.startswith("/static/"):
        return None
    if path == "/metrics":
        return "metrics"
    return "export" if path == EXPORTS or path.startswith(f"{EXPORTS}/") else "read"


def own(path: str) -> str:
    """A path of our own pages; the first page for whatever else is told."""
    return path if OWN.fullmatch(path) and not path.startswith(("/login", "/logout", "/fragments/")) else "/"


def is_loopback(host: str) -> bool:
    """Whether an address, or a name as a browser knows it, is of this machine alone."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(request: Request) -> str:
    """The name that the client asked for, without its port."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def cookie_of(request: Request) -> str:
    """What the cookie of a login is called here."""
    return LOCAL if is_loopback(host_of(request)) else ELSEWHERE


def address_of(request: Request) -> str:
    """Where a request came from, as the server or a proxy on this machine says."""
    return request.client.host if request.client is not None else "unknown"


def _require_host(request: Request, hosts: frozenset[str]) -> None:
    host = host_of(request)
    if not is_loopback(host) and host.lower() not in hosts:
        raise HostNotAllowed(request.headers.get("host", ""))


def _require_own_page(request: Request) -> None:
    """Raises CrossSite. Programs say neither header, and have to show what they may; browsers always say one."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site in {"same-origin", "none"}
    elif origin is not None:
        own = urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    else:
        own = cookie_of(request) not in request.cookies
    if not own:
        raise CrossSite


def _is_page(request: Request) -> bool:
    """Whether a person would see the answer as a page."""
    path = request.url.path
    return (
        request.method in {"GET", "HEAD"}
        and "text/html" in request.headers.get("accept", "")
        and request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        and not path.startswith(("/api/", "/fragments/", "/metrics"))
        and hasattr(request.app.state, "templates")
    )
