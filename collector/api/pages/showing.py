"""How a page and its fragment are shown.

A page and its fragment are the same template: the page's script fetches the fragment and puts it in place, so that what
is shown is made in one place, on the server. Without scripts the page reloads itself.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator

from collector.api.filters import storable
from collector.api.rendering import templates_of
from session_core.instants import utc_from_us

Text = Annotated[str, AfterValidator(storable)]
RoomSid = Annotated[Text, Path(max_length=256)]
Cursor = Annotated[str | None, Query(max_length=200)]


def page(request: Request, name: str, values: dict[str, Any], now_us: int, fragment: str | None = None) -> HTMLResponse:
    """A whole page; `fragment` is the address of what changes on it."""
    template = templates_of(request).get_template(f"{name}.html")
    frame = {"fragment": fragment, "place": request.url.path, "login": getattr(request.state, "login", None)}
    shown = {"word": "", **values, "now": utc_from_us(now_us), **frame}
    return HTMLResponse(template.render(shown))


def part(request: Request, name: str, values: dict[str, Any], now_us: int) -> HTMLResponse:
    """What changes on a page, alone."""
    template = templates_of(request).get_template(f"parts/{name}.html")
    return HTMLResponse(template.render({**values, "now": utc_from_us(now_us)}))
