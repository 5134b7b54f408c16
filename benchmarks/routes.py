"""Everything that an app answers, as addresses to ask: made of its routes, so that a new one is timed too.

What stands in a path is filled with what the store holds; a parameter that a route insists on gets the first word that
it allows; a range is the last day. Fragments are left out: they do the work of their pages; so is the stream
of news, which has no end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel
from pydantic.fields import FieldInfo

LEFT_OUT: Final = ("/fragments/", "/healthz", "/readyz", "/metrics", "/live")
RANGE: Final = "-24h"
ASKED_WITH: Final[Mapping[str, Mapping[str, str]]] = {
    "/api/v1/breakdowns/failure-codes": {"since": RANGE, "by": "region"},
    "/search": {"q": "room_sid"},
}
"""Where the plain question would be an easy one: a name of `examples` stands for what it is of."""


def addresses(app: FastAPI, examples: Mapping[str, str]) -> dict[str, str]:
    """By the route's path, the address to ask for. Raises KeyError where a route takes what no example is of."""
    found: dict[str, str] = {}
    for route in iter_route_contexts(app.routes):
        path, ours = route.path or "", isinstance(route.original_route, APIRoute)
        if not ours or "GET" not in (route.methods or ()) or path.startswith(LEFT_OUT):
            continue
        place = path
        for field in route.dependant.path_params:
            word = _first(field.alias, field.field_info.annotation, examples)
            place = place.replace(f"{{{field.alias}}}", quote(word, safe=""))
        told = dict(ASKED_WITH.get(path, {}))
        for name, info in _parameters(route):
            if name == "since":
                told.setdefault(name, RANGE)
            elif info.is_required():
                told.setdefault(name, _first(name, info.annotation, examples))
        query = urlencode({name: examples.get(value, value) for name, value in told.items()})
        found[path] = f"{place}?{query}" if query else place
    return found


def _parameters(route: RouteContext) -> Iterator[tuple[str, FieldInfo]]:
    for field in route.dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from kind.model_fields.items()
        else:
            yield field.alias, field.field_info


def _first(name: str, kind: Any, examples: Mapping[str, str]) -> str:
    if name in examples:
        return examples[name]
    words = [word for word in get_args(kind) if isinstance(word, str)]
    if not words:
        raise KeyError(f"no example of the parameter {name}")
    return words[0]
