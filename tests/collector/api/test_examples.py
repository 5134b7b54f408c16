"""The examples of the description are true: they fit their schemas, and the API answers them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from httpx import AsyncClient
from sqlalchemy import Engine

from collector.api.describing import call_of, cut
from collector.store.incidents import Incidents
from tests.pages.scene import NOW_US, SPIKE

ANSWERS = json.loads((Path(__file__).parents[3] / "collector/api/examples.json").read_text(encoding="utf-8"))
OF_A_PAGE = {"cursor"}
"""What is taken from the page before, and so has no example."""
NOT_ALONE = {"compare_until": "compare_since", "among": "beside", "hit": "beside"}
"""What is refused without another."""

Operation = tuple[str, dict[str, Any]]


@pytest.fixture
def known(api: AsyncClient, engine: Engine) -> AsyncClient:
    Incidents(engine).keep([SPIKE], NOW_US)
    return api


async def described(api: AsyncClient) -> dict[str, Any]:
    told: dict[str, Any] = (await api.get("/api/v1/openapi.json")).json()
    return told


def operations(told: dict[str, Any]) -> list[Operation]:
    return [(path, verbs["get"]) for path, verbs in told["paths"].items() if "get" in verbs]


async def test_every_parameter_has_an_example_that_the_api_answers(known: AsyncClient) -> None:
    told = operations(await described(known))
    without = [
        (path, one["name"])
        for path, verb in told
        for one in verb.get("parameters", ())
        if "example" not in one and one["name"] not in OF_A_PAGE
    ]
    calls = [
        call_of(path, verb, one["name"], *filter(None, [NOT_ALONE.get(one["name"])]))
        for path, verb in told
        for one in verb.get("parameters", ())
        if one["in"] == "query" and one["name"] not in OF_A_PAGE
    ]
    refused = [(call, answer.text) for call in calls if (answer := await known.get(call)).status_code != 200]
    assert (without, refused) == ([], [])


async def test_every_answer_has_an_example_that_fits_its_schema(known: AsyncClient) -> None:
    told = await described(known)
    wrong = []
    for path, verb in operations(told):
        content = verb["responses"]["200"]["content"].get("application/json")
        if path.startswith("/api/v1/") and content is not None:
            validator = jsonschema_rs.validator_for({**content["schema"], "components": told["components"]})
            wrong += [f"{path}: {error.message}" for error in validator.iter_errors(content.get("example", "none"))]
    assert wrong == []


@pytest.mark.parametrize("path", ANSWERS)
async def test_an_example_is_what_the_api_answers(known: AsyncClient, path: str) -> None:
    told = dict(operations(await described(known)))
    answer = (await known.get(call_of(path, told[path]))).json()
    assert cut(answer) == ANSWERS[path]


async def test_operations_have_readable_ids_and_sentences(known: AsyncClient) -> None:
    told = operations(await described(known))
    ids = [verb["operationId"] for _, verb in told]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not one.isidentifier() or "api_v1" in one] == []
    assert [path for path, verb in told if not verb["tags"] or not 10 < len(verb["summary"]) < 160] == []
