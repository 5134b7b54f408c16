"""The description of the API for programs: FastAPI's, with examples of parameters and answers, and with the door's.

The answers are those of a room in which six participants live through an incident, cut to the first rows of each list.
`make generate` asks for them; a test asks again.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from collector.api.guard import scope_of
from collector.api.problems import turned_away
from collector.errors import NotAllowed, ScopeMissing, TooManyAttempts

ANSWERS: Final = "examples.json"
ROWS_SHOWN: Final = 1

PARAMETERS: Final[dict[str, Any]] = {
    "session_id": "019ab69b-2420-72e9-ae7b-2423ab9891e1",
    "room_sid": "RM77777777777777777777777777777777",
    "incident_id": "4f8a2c91d03be657-1764001272000000",
    "incident": "4f8a2c91d03be657-1764001272000000",
    "beside": "019ab69b-2420-72e9-ae7b-2423ab9891e1",
    "room_name": "biology-101",
    "participant_sid": "PA00000000000000000000000000000002",
    "identity": "ben",
    "code": 53002,
    "since": "-6h",
    "until": "now",
    "limit": 50,
    "phase": "session",
    "open": True,
    "sort": "-started_at",
    "number": 1,
    "rows": "outages",
    "identities": "hidden",
    "days": 30,
    "cause": "signaling",
    "compare_since": "-2d",
    "compare_until": "-1d",
}
"""What is in that room, by the name of the parameter; it is stronger than the example at the parameter itself."""


TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token that `roomwatch token create` made. Asked for where others than this machine can ask.",
}


def operation_id(route: APIRoute) -> str:
    """The name of the function that answers; no two have the same."""
    return route.name


def described(app: FastAPI) -> dict[str, Any]:
    """The description, made once."""
    if app.openapi_schema is None:
        told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        answers = json.loads((files("collector.api") / ANSWERS).read_text(encoding="utf-8"))
        for path, verbs in told["paths"].items():
            for verb in verbs.values():
                _add_examples(verb, answers.get(path))
                _add_door(path, verb)
        told["components"].setdefault("securitySchemes", {})["token"] = TOKEN
        app.openapi_schema = told
    return app.openapi_schema


def _add_examples(verb: dict[str, Any], answer: Any) -> None:
    # A summary is what a route's sentence begins with: that of the function's name says less.
    verb["summary"] = re.split(r"[.;](?:\s|$)", verb.get("description", verb["summary"]), maxsplit=1)[0]
    for parameter in verb.get("parameters", ()):
        example = PARAMETERS.get(parameter["name"])
        if example is None:
            example = next(iter(parameter["schema"].get("examples", ())), None)
        if example is not None:
            repeated = parameter["schema"].get("type") == "array" and not isinstance(example, list)
            parameter["example"] = [example] if repeated else example
    if answer is not None:
        verb["responses"]["200"]["content"]["application/json"]["example"] = answer


def _add_door(path: str, verb: dict[str, Any]) -> None:
    """What `Guard` asks and answers before the route is reached; where the route asks by itself, what that answers."""
    scope = scope_of(path)
    if scope is None and "401" not in verb["responses"]:
        return
    asked = call_of(path, verb).partition("?")[0]
    for error in (
        NotAllowed("no token was sent" if scope else "the token is missing or wrong"),
        ScopeMissing(scope or "ingest", "grafana"),
        TooManyAttempts(60),
    ):
        verb["responses"] |= turned_away(asked, error)
    if scope is not None:
        verb["security"] = [{}, {"token": []}]


def cut(answer: Any) -> Any:
    """An answer as it is shown: lists but for their first rows left out."""
    if isinstance(answer, dict):
        return {name: cut(value) for name, value in answer.items()}
    return [cut(value) for value in answer[:ROWS_SHOWN]] if isinstance(answer, list) else answer


def call_of(path: str, verb: dict[str, Any], *also: str) -> str:
    """The call that a description's examples make: what it needs, and the parameters named besides."""
    asked = []
    for parameter in verb.get("parameters", ()):
        name, example = parameter["name"], parameter.get("example")
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", str(example))
        elif parameter["required"] or name in also:
            first = example[0] if isinstance(example, list) else example
            asked.append(f"{name}={str(first).lower() if isinstance(first, bool) else first}")
    return f"{path}?{'&'.join(asked)}" if asked else path
