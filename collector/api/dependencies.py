"""What routes are handed: the reader, the time, and the promise that no parameter was passed over."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, cast, get_origin

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from collector.api.asking import STOP
from collector.api.fields import NAME as FIELDS
from collector.api.fields import FieldsRoute, takes_fields
from collector.store.incidents import Incidents
from collector.store.reader import Reader


async def _reader(request: Request) -> Reader:
    reader = cast("Reader", request.app.state.reader)
    return reader.under(request.scope[STOP]) if STOP in request.scope else reader


async def _incidents(request: Request) -> Incidents:
    return cast("Incidents", request.app.state.incidents)


async def _now_us(request: Request) -> int:
    return cast("int", request.app.state.clock_us())


ReaderDep = Annotated[Reader, Depends(_reader)]
IncidentsDep = Annotated[Incidents, Depends(_incidents)]
"""Where incidents are kept."""
NowDep = Annotated[int, Depends(_now_us)]
"""When the question is asked: µs since 1970."""


async def refuse_unknown_parameters(request: Request) -> None:
    """A parameter that a route does not know would otherwise look like a filter that was heeded."""
    takes = _parameters(request.scope.get("route"))
    given = Counter(name for name, _ in request.query_params.multi_items())
    errors: list[dict[str, Any]] = []
    for name, times in given.items():
        place = {"loc": ("query", name), "input": request.query_params[name]}
        if name not in takes:
            known = ", ".join(sorted(takes)) or "none"
            errors.append({"type": "unknown", "msg": f"is not a parameter here; these are: {known}", **place})
        elif times > 1 and not takes[name]:
            errors.append({"type": "repeated", "msg": "is given more than once, and takes one value", **place})
    if errors:
        raise RequestValidationError(errors)


def _parameters(route: object) -> dict[str, bool]:
    """The query parameters of a route, and whether each may be repeated."""
    if not isinstance(route, APIRoute):
        return {}
    takes = {FIELDS: False} if isinstance(route, FieldsRoute) and takes_fields(route.methods) else {}
    for field in route.dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            takes |= {name: _repeats(one.annotation) for name, one in kind.model_fields.items()}
        else:
            takes[field.alias] = _repeats(kind)
    return takes


def _repeats(kind: object) -> bool:
    return get_origin(kind) in {list, tuple}
