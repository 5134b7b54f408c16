"""The templates of the pages and the filters they write times, durations and shares with.

Every value is escaped. Templates hold no style and no script of their own: the content security policy forbids both.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import Final, cast

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector.api import words

FOLDER: Final = str(files("collector.api"))


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
    environment.filters.update(
        clock=words.clock,
        day_clock=words.day_clock,
        iso=_iso,
        duration=words.duration,
        share=words.share,
        number=words.number,
        who=words.who,
        outcome=words.outcome,
        fate=words.fate,
        origin=words.origin,
    )
    return environment


def templates_of(request: Request) -> Environment:
    """The templates of the app that a request came to."""
    return cast("Environment", request.app.state.templates)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
