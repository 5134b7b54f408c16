"""`fields=`: an answer cut to what is asked for, on every question alike.

    ?fields=session_id,fate,ending.error.code

Names are those of a list's items, or of the answer where it is none; a dot leads into what a field holds, through lists
and objects. `next` and `completeness` are always there: a part must not look more certain than the whole. Names that an
answer does not have are refused before the question is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from collector.errors import BadFilter

NAME: Final = "fields"
TEXT_MAX: Final = 1_000
PATTERN: Final = r"^[a-z0-9_.]+(,[a-z0-9_.]+)*$"
ALWAYS: Final = ("next", "completeness")
_A_LIST: Final = {"items", *ALWAYS}

Wanted = dict[str, "Wanted"]
"""What to keep, by name; nothing below a name: all of it."""

_PARAMETER: Final[dict[str, Any]] = {
    "name": NAME,
    "in": "query",
    "required": False,
    "description": "Only these fields, separated by commas, a dot leading into one: of a list's items, or of the "
    "answer. `next` and `completeness` are always there.",
    "schema": {
        "type": "string",
        "maxLength": TEXT_MAX,
        "pattern": PATTERN,
    },
}


class FieldsRoute(APIRoute):
    """A route whose answers can be cut. What it takes beside its query stands in its description."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        if takes_fields(told.get("methods")):
            given = told.get("openapi_extra") or {}
            parameter = dict(_PARAMETER)
            told["openapi_extra"] = {**given, "parameters": [*given.get("parameters", ()), parameter]}
            super().__init__(path, endpoint, **told)
            parameter["example"] = next(name for name, _ in _fields_of(_below(self.response_model)) if name)
        else:
            super().__init__(path, endpoint, **told)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its answer cut where the request says so."""
        whole, shape = super().get_route_handler(), self.response_model

        async def handle(request: Request) -> Response:
            text = request.query_params.get(NAME)
            if text is None or request.method != "GET":
                return await whole(request)
            wanted = wanted_of(text, shape)
            answer = await whole(request)
            return answer if answer.status_code != 200 else _cut(answer, wanted)

        return handle


def takes_fields(methods: Sequence[str] | set[str] | None) -> bool:
    """Whether routes of these methods do."""
    return methods is not None and "GET" in methods


def wanted_of(text: str, shape: Any) -> Wanted:
    """What a request wants of an answer of this shape. Raises BadFilter for names that it does not have."""
    if len(text) > TEXT_MAX:
        raise BadFilter(NAME, text, f"is longer than {TEXT_MAX} characters")
    below = _below(shape)
    in_items = below is not shape
    wanted: Wanted = {}
    for name in text.split(","):
        _want(wanted, name.strip(), below, text)
    answer: Wanted = {"items": wanted} if in_items else wanted
    return {**answer, **{name: {} for name in ALWAYS}}


def picked(value: Any, wanted: Wanted) -> Any:
    """The parts of a value that are wanted, in their order. Pure."""
    if not wanted or value is None:
        return value
    if isinstance(value, list):
        return [picked(one, wanted) for one in value]
    return {name: picked(held, wanted[name]) for name, held in value.items() if name in wanted}


def _below(shape: Any) -> Any:
    """Of a list the shape of its items; of anything else its own."""
    in_items = isinstance(shape, type) and issubclass(shape, BaseModel) and _is_list(shape)
    return shape.model_fields["items"].annotation if in_items else shape


def _is_list(shape: type[BaseModel]) -> bool:
    return "items" in shape.model_fields and shape.model_fields.keys() <= _A_LIST


def _want(wanted: Wanted, name: str, shape: Any, text: str) -> None:
    at, here = wanted, ""
    parts = name.split(".")
    for place, part in enumerate(parts):
        known = dict(_fields_of(shape))
        if part not in known and None not in known:
            allowed = tuple(f"{here}{one}" for one in known if one is not None)
            there = f"these are: {', '.join(allowed)}" if allowed else f"{here.rstrip('.')} holds none"
            raise BadFilter(NAME, text, f"{name or 'nothing'} is no field of this answer; {there}", allowed)
        shape, here = known.get(part, known.get(None)), f"{here}{part}."
        if part in at and not at[part]:
            return  # all of it is wanted already
        at = at.setdefault(part, {})
        if place == len(parts) - 1:
            at.clear()


def _fields_of(shape: Any) -> Iterator[tuple[str | None, Any]]:
    """The fields that a value of this shape holds, with their shapes; None stands for any name."""
    origin = get_origin(shape)
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        yield from ((name, field.annotation) for name, field in shape.model_fields.items())
    elif origin is dict:
        yield None, get_args(shape)[1]
    elif origin is Annotated:
        yield from _fields_of(get_args(shape)[0])
    elif origin in {Union, UnionType, tuple, list}:
        for one in get_args(shape):
            if one not in {NoneType, Ellipsis}:
                yield from _fields_of(one)


def _cut(answer: Response, wanted: Wanted) -> Response:
    cut = JSONResponse(picked(json.loads(bytes(answer.body)), wanted), status_code=answer.status_code)
    for name, value in answer.headers.items():
        if name not in {"content-length", "content-type"}:
            cut.headers[name] = value
    return cut
