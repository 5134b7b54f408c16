"""The templates of the pages and the filters they write times, durations and shares with.

Every value is escaped. Templates hold no style and no script of their own: the content security policy forbids both.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import Final, cast
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector.api import words
from collector.api.behind import others
from collector.api.windows import query_of
from collector.store.questions import Span
from session_core.instants import us_from_utc

FOLDER: Final = str(files("collector.api"))

AROUND_US: Final = 60_000_000
"""What is shown before and after a moment that a link leads to."""
PLACES: Final[dict[str, str]] = {
    "/": "Now",
    "/outages": "Outages",
    "/rooms": "Rooms",
    "/incidents": "Incidents",
    "/releases": "Releases",
    "/codes": "Codes",
    "/telemetry": "Telemetry",
}
"""Where the bar at the top leads, in its order."""


def make_templates(version: str) -> Environment:
    """The environment of the pages. Names that a template misses are errors, so that no page shows holes."""
    environment = Environment(
        loader=FileSystemLoader(f"{FOLDER}/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = version
    environment.globals["places"] = PLACES
    environment.globals["others_of"] = others
    environment.filters.update(
        clock=words.clock,
        fine_clock=words.fine_clock,
        year_clock=words.year_clock,
        quoted=_quoted,
        day_clock=words.day_clock,
        day_minute=words.day_minute,
        iso=words.iso,
        around=_around,
        duration=words.duration,
        share=words.share,
        number=words.number,
        who=words.who,
        nameless=words.nameless,
        outcome=words.outcome,
        fate=words.fate,
        standing=words.standing,
        looks=words.looks,
        origin=words.origin,
        said_more=words.said_more,
    )
    return environment


def _around(at: datetime) -> str:
    at_us = us_from_utc(at)
    return query_of(Span(at_us - AROUND_US, at_us + AROUND_US))


def templates_of(request: Request) -> Environment:
    """The templates of the app that a request came to."""
    return cast("Environment", request.app.state.templates)


def _quoted(text: str) -> str:
    """A part of an address, which may hold anything."""
    return quote(text, safe="")
