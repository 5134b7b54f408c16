"""Logging in and out. A token or a link becomes a cookie; what is kept of either is a hash.

Rules:
1. To open a link changes nothing: what looks at addresses in advance must not use it up. The page's button does.
2. The cookie is for our own pages alone (SameSite=Strict), for no script (HttpOnly), and but on this machine for TLS
   alone (Secure). Without TLS nobody is logged in, since whoever listens would be too.
3. One is led on to a page of our own, never elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from collector.api.guard import Door, address_of, cookie_of, host_of, is_loopback, own
from collector.api.rendering import templates_of
from collector.errors import CollectorError, NotAllowed, ScopeMissing, TooManyAttempts

router = APIRouter(default_response_class=HTMLResponse)

FORM_BYTES_MAX: Final = 8 * 1024

WRONG: Final = "That token opens nothing: it is wrong, has expired or was revoked."
USED: Final = "That link was used already, or is older than ten minutes. Ask for another."
SCOPE: Final = "That token is right, but is not for pages. Ask for one with the scope read."
PLAIN: Final = (
    "Your browser reached this page without encryption, so nobody can log in here: others would read along. Open it "
    "over https, or through a tunnel as http://127.0.0.1."
)
SECONDS: Final = 1_000_000

Text = Annotated[str, Query(max_length=2_048)]


@router.get("/login")
async def login_page(request: Request, next: Text = "/", link: Text = "") -> Response:  # noqa: A002 - as the address says
    """Asks for a token, or for the press of a button where a link led here."""
    door: Door | None = request.app.state.door
    secret = request.cookies.get(cookie_of(request))
    known = secret is not None and door is not None and await door.access.of_login(secret) is not None
    if door is None or not door.asks or (known and not link):
        return RedirectResponse(own(next), status_code=303)
    return _page(request, next, link)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """A token or a link for a cookie."""
    door: Door | None = request.app.state.door
    told = await _form(request)
    following, link = told.get("next", "/"), told.get("link", "")
    if door is None or not door.asks:
        return RedirectResponse(own(following), status_code=303)
    encrypted = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
    local = is_loopback(host_of(request))
    if not local and not encrypted:
        return _page(request, following, link, PLAIN, 400)
    try:
        secret, ends_us = await door.access.log_in(
            token=told.get("token", "").strip(), link=link or None, address=address_of(request)
        )
    except (NotAllowed, ScopeMissing, TooManyAttempts) as error:
        return _refused(request, following, error, by_link=bool(link))
    answer = RedirectResponse(own(following), status_code=303)
    answer.set_cookie(
        cookie_of(request),
        secret,
        max_age=(ends_us - request.app.state.clock_us()) // SECONDS,
        secure=encrypted or not local,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """Ends a login."""
    door: Door | None = request.app.state.door
    name = cookie_of(request)
    secret = request.cookies.get(name)
    told = await _form(request)
    if door is None or secret is None:
        return RedirectResponse("/login", status_code=303)
    if not await door.access.log_out(secret, told.get("form", "")):
        return RedirectResponse("/", status_code=303)
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(name, secure=not is_loopback(host_of(request)), httponly=True, samesite="strict")
    return answer


def _refused(request: Request, following: str, error: CollectorError, *, by_link: bool) -> Response:
    if isinstance(error, TooManyAttempts):
        said = f"Too many wrong tokens came from your address. Try again in {error.retry_after_s} s."
        answer = _page(request, following, "", said, 429)
        answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer
    if isinstance(error, ScopeMissing):
        return _page(request, following, "", SCOPE, 403)
    return _page(request, following, "", USED if by_link else WRONG, 401)


def _page(request: Request, following: str, link: str, wrong: str = "", status: int = 200) -> Response:
    template = templates_of(request).get_template("login.html")
    return HTMLResponse(template.render(next=own(following), link=link, wrong=wrong), status_code=status)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form, the last of each; nothing of one that is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[-1] for name, values in fields.items()}
