"""Refusals: every error of this process that a caller may see, as problem+json (RFC 9457) or as a page. Made here only.

Rules:
1. `code` is a promise to callers; `detail` is for people and says what, where and what to do.
2. A bad parameter names itself, its value and what is allowed.
3. What was not foreseen answers 500 with a sentence; what happened is in the log, never in the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from collector.api.rendering import templates_of
from collector.api.security import secure
from collector.errors import (
    BadBody,
    BadFilter,
    BodyTooLarge,
    CodeNotFound,
    CollectorError,
    CrossSite,
    FormatMissing,
    HostNotAllowed,
    IncidentNotFound,
    NotAllowed,
    OutageNotFound,
    PacketKeyMissing,
    PacketKeyUnusable,
    QueryTooLong,
    RoomNotFound,
    SchemaMismatch,
    ScopeMissing,
    SessionNotFound,
    StoreError,
    TooManyAttempts,
    TooManyListeners,
    TooManyQuestions,
)

log = logging.getLogger("collector.api")

PROBLEM_JSON: Final = "application/problem+json"
VALUE_SHOWN_MAX: Final = 120
_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}

STATUS: Final[dict[type[CollectorError], HTTPStatus]] = {
    SessionNotFound: HTTPStatus.NOT_FOUND,
    RoomNotFound: HTTPStatus.NOT_FOUND,
    OutageNotFound: HTTPStatus.NOT_FOUND,
    CodeNotFound: HTTPStatus.NOT_FOUND,
    IncidentNotFound: HTTPStatus.NOT_FOUND,
    BadBody: HTTPStatus.UNPROCESSABLE_ENTITY,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotAllowed: HTTPStatus.UNAUTHORIZED,
    FormatMissing: HTTPStatus.NOT_IMPLEMENTED,
    QueryTooLong: HTTPStatus.GATEWAY_TIMEOUT,
    TooManyQuestions: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyListeners: HTTPStatus.SERVICE_UNAVAILABLE,
    ScopeMissing: HTTPStatus.FORBIDDEN,
    CrossSite: HTTPStatus.FORBIDDEN,
    HostNotAllowed: HTTPStatus.MISDIRECTED_REQUEST,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    BadFilter: HTTPStatus.UNPROCESSABLE_ENTITY,
    SchemaMismatch: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    PacketKeyMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    PacketKeyUnusable: HTTPStatus.SERVICE_UNAVAILABLE,
}
TITLES: Final[dict[str, str]] = {
    "session-not-found": "No such session",
    "room-not-found": "No such room",
    "outage-not-found": "No such outage",
    "code-not-found": "No such code",
    "incident-not-found": "No such incident",
    "bad-body": "What was sent cannot be used",
    "body-too-large": "Too much was sent",
    "not-allowed": "The token is missing or wrong",
    "too-many-listeners": "Too many pages listen",
    "scope-missing": "The token is not for this",
    "cross-site": "Another site sent this",
    "host-not-allowed": "Not under this name",
    "too-many-attempts": "Too many wrong tokens",
    "bad-filter": "A parameter cannot be used",
    "format-missing": "A format that is not installed",
    "query-too-long": "The question took too long",
    "too-many-questions": "Too many questions at once",
    "store-unavailable": "The store is away",
    "schema-mismatch": "The store has another version",
    "packet-key-missing": "Packets cannot be signed here",
    "packet-key-unusable": "Packets cannot be signed here",
    "not-found": "No such address",
    "method-not-allowed": "No such method here",
    "internal": "Something went wrong here",
}


class Parameter(BaseModel):
    """A parameter that cannot be used."""

    name: str = Field(examples=["fate"])
    value: str = Field(examples=["gone"])
    why: str
    allowed: list[str] | None = Field(default=None, description="Where only these are.")


class Problem(BaseModel):
    """Why a request was refused."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["urn:roomwatch:problem:session-not-found"])
    title: str
    status: int
    code: str = Field(examples=["session-not-found"])
    detail: str
    instance: str = Field(examples=["/api/v1/sessions/019ab0c1-0000-7000-8000-000000000000"])
    errors: list[Parameter] | None = None


def problems(*errors: type[CollectorError]) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its description. Every route may refuse a parameter, and find the store away."""
    classes: dict[int, list[str]] = {}
    every: tuple[type[CollectorError], ...] = (*errors, BadFilter, StoreError, TooManyQuestions, QueryTooLong)
    for error in every:
        classes.setdefault(int(_status(error)), []).append(_said_of(error))
    return {
        status: {
            "model": Problem,
            "description": " ".join(said),
            "content": {PROBLEM_JSON: {"schema": _SCHEMA}},
        }
        for status, said in classes.items()
    }


def install(app: FastAPI) -> None:
    """Gives the app its answers to errors."""
    app.add_exception_handler(CollectorError, answer_to)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def refuse(request: Request, status: int, code: str, detail: str, errors: Sequence[Parameter] = ()) -> Response:
    """The refusal, as JSON for programs and as a page for people."""
    problem = _problem(request.url.path, status, code, detail, errors)
    if _for_people(request):
        page = (
            templates_of(request)
            .get_template("problem.html")
            .render(problem=problem, word="", fragment=None, place=None)
        )
        return Response(page, status_code=status, media_type="text/html")
    return JSONResponse(_body(problem), status_code=status, media_type=PROBLEM_JSON)


def turned_away(path: str, error: CollectorError) -> dict[str, Any]:
    """By its status, for a description, how a request to a path is refused for this: in words, and by example."""
    status = _status(type(error))
    refused = _problem(path, status, error.code, _detail(error))
    content = {PROBLEM_JSON: {"schema": _SCHEMA, "example": _body(refused)}}
    return {str(int(status)): {"description": _said_of(type(error)), "content": content}}


def _problem(path: str, status: int, code: str, detail: str, errors: Sequence[Parameter] = ()) -> Problem:
    return Problem(
        type=f"urn:roomwatch:problem:{code}",
        title=TITLES.get(code, HTTPStatus(status).phrase),
        status=status,
        code=code,
        detail=detail,
        instance=path,
        errors=list(errors) or None,
    )


def _body(problem: Problem) -> dict[str, Any]:
    return problem.model_dump(mode="json", exclude_none=True)


def _detail(error: CollectorError) -> str:
    return f"{error}. {error.remedy}"


def _said_of(error: type[CollectorError]) -> str:
    return (error.__doc__ or error.code).splitlines()[0]


def _for_people(request: Request) -> bool:
    path = request.url.path
    if not hasattr(request.app.state, "templates"):
        return False
    wanted = request.headers.get("accept", "")
    return not path.startswith(("/api/", "/healthz", "/readyz", "/metrics")) and "text/html" in wanted


def _status(error: type[CollectorError]) -> HTTPStatus:
    return next((STATUS[kind] for kind in error.__mro__ if kind in STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


async def answer_to(request: Request, error: Exception) -> Response:
    """The refusal that says what an error of the collector means."""
    assert isinstance(error, CollectorError)  # noqa: S101 - what the handler is registered for
    status = _status(type(error))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return await _unforeseen(request, error)
    if isinstance(error, BadFilter):
        parameter = Parameter(
            name=error.name, value=_shown(error.value), why=error.why, allowed=list(error.allowed) or None
        )
        return refuse(request, status, error.code, str(error), [parameter])
    if isinstance(error, StoreError):
        log.warning("cannot answer %s: %s", request.url.path, error)
        # Whatever ails the store, its address and its sentences are for the log.
        known = error.code if error.code in TITLES else "store-unavailable"
        return refuse(request, status, known, f"The store cannot answer now. {error.remedy}")
    refusal = refuse(request, status, error.code, _detail(error))
    if isinstance(error, NotAllowed):
        refusal.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, (TooManyAttempts, TooManyQuestions)):
        refusal.headers["Retry-After"] = str(error.retry_after_s)
    return refusal


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    found = [_parameter(one) for one in error.errors()]
    detail = "; ".join(f"{one.name} = {one.value!r}: {one.why}" for one in found)
    return refuse(request, HTTPStatus.UNPROCESSABLE_ENTITY, BadFilter.code, detail, found)


def _parameter(error: dict[str, Any]) -> Parameter:
    name = next((str(part) for part in error["loc"][1:] if isinstance(part, str)), str(error["loc"][-1]))
    why = str(error["msg"]).removeprefix("Value error, ")
    expected = error.get("ctx", {}).get("expected")
    allowed = None
    if error["type"] == "literal_error" and isinstance(expected, str):
        allowed = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
        why = "is not one of the words allowed here"
    return Parameter(name=name, value=_shown(error.get("input")), why=why, allowed=allowed)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    status = HTTPStatus(error.status_code)
    code = {HTTPStatus.NOT_FOUND: "not-found", HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed"}.get(
        status, status.phrase.lower().replace(" ", "-")
    )
    detail = {
        "not-found": f"There is nothing at {_shown(request.url.path)}; /docs lists what there is.",
        "method-not-allowed": f"{request.method} is not answered here; questions are asked with GET.",
    }.get(code, str(error.detail))
    answer = refuse(request, status, code, detail)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("cannot answer %s", request.url.path, exc_info=error)
    detail = "This is a fault of the collector, not of the request. Its log says what happened."
    answer = refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)
    # Starlette answers such errors outside of all that surrounds the application.
    secure(answer.headers)
    return answer


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= VALUE_SHOWN_MAX else text[: VALUE_SHOWN_MAX - 3] + "..."
