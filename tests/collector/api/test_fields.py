"""`fields=` cuts every answer alike, and refuses what no answer has."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from httpx import AsyncClient
from pydantic import BaseModel
from starlette.routing import BaseRoute

from collector.api import exports, packets
from collector.api.app import NOUNS
from collector.api.fields import FieldsRoute, wanted_of
from collector.errors import BadFilter
from tests.pages.scene import ROOM_SID

ALWAYS: dict[str, Any] = {"next": {}, "completeness": {}}


class Leaf(BaseModel):
    code: int
    words: dict[str, int]


class Shape(BaseModel):
    name: str | None
    leaf: Leaf | None
    many: tuple[Leaf, ...]
    by: dict[str, Leaf]


class Page(BaseModel):
    items: tuple[Shape, ...]
    next: str | None
    completeness: Leaf


@pytest.mark.parametrize(
    ("text", "shape", "wanted"),
    [
        ("name", Shape, {"name": {}}),
        ("name", Page, {"items": {"name": {}}}),
        ("leaf.code,many.code", Shape, {"leaf": {"code": {}}, "many": {"code": {}}}),
        ("leaf.code,leaf,leaf.words", Shape, {"leaf": {}}),
        ("by.anything.code , name", Shape, {"by": {"anything": {"code": {}}}, "name": {}}),
    ],
)
def test_names_lead_into_items_lists_and_objects(text: str, shape: Any, wanted: dict[str, Any]) -> None:
    assert wanted_of(text, shape) == {**wanted, **ALWAYS}


@pytest.mark.parametrize(
    ("text", "why", "allowed"),
    [
        ("fate", "fate is no field of this answer; these are: name, leaf, many, by", ("name", "leaf", "many", "by")),
        ("leaf.size", "leaf.size is no field of this answer; these are: leaf.code", ("leaf.code", "leaf.words")),
        ("name.first", "name.first is no field of this answer; name holds none", ()),
        ("name,", "nothing is no field of this answer", ("name", "leaf", "many", "by")),
        ("x" * 1001, "longer than 1000 characters", ()),
    ],
)
def test_a_name_that_the_answer_does_not_have_is_refused_with_those_that_it_has(
    text: str, why: str, allowed: tuple[str, ...]
) -> None:
    with pytest.raises(BadFilter, match=why) as refused:
        wanted_of(text, Page)
    assert (refused.value.name, refused.value.allowed) == ("fields", allowed)


async def test_a_list_holds_of_each_item_what_is_asked_for(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/sessions?fate=dropped&fields=identity,ending.error.code,client")).json()
    assert answer["items"] == [
        {"identity": name, "ending": {"error": {"code": code}}, "client": answer["items"][0]["client"]}
        for name, code in (("chen", 53000), ("ben", 53002))
    ]
    assert (answer["next"], answer["completeness"]["sessions"]) == (None, 2)
    assert len(answer["items"][0]["client"]) == 7


async def test_a_noun_holds_what_is_asked_for_and_its_completeness(api: AsyncClient) -> None:
    path = f"/api/v1/rooms/{ROOM_SID}/timeline?fields=live,participants.identity,participants.outages.outcome"
    answer = (await api.get(path)).json()
    assert answer.keys() == {"live", "participants", "completeness"}
    assert answer["participants"][1] == {"identity": "ben", "outages": [{"outcome": "failed"}]}


async def test_figures_are_asked_for_by_name(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/kpis?fields=kpis.join_success.value")).json()
    assert (answer["kpis"], answer.keys()) == ({"join_success": {"value": 1.0}}, {"kpis", "completeness"})


async def test_an_unknown_field_is_a_problem_that_lists_the_known(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/outages?fields=outcome,size")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["name"], error["value"]) == ("fields", "outcome,size")
    assert {"outcome", "downtime_ms", "identity"} < set(error["allowed"])


async def test_fields_are_given_once(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/sessions?fields=fate&fields=state")
    assert answer.json()["errors"][0]["why"] == "is given more than once, and takes one value"


async def test_a_refusal_is_not_cut(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/rooms/RM404?fields=room.live")
    assert (answer.status_code, answer.json()["code"]) == (404, "room-not-found")


async def test_every_question_but_for_a_packet_says_that_it_takes_fields(api: AsyncClient) -> None:
    told = (await api.get("/api/v1/openapi.json")).json()["paths"]
    asked = {path: verbs["get"] for path, verbs in told.items() if path.startswith("/api/v1") and "get" in verbs}
    without = [path for path, verb in asked.items() if "fields" not in [one["name"] for one in verb["parameters"]]]
    assert without == ["/api/v1/rooms/{room_sid}/packet"]


def test_every_router_of_the_api_cuts_its_answers() -> None:
    files = (packets, exports)
    nouns = [noun for noun in NOUNS if noun not in files]
    routes: list[BaseRoute] = [route for noun in nouns for route in noun.router.routes]
    assert [route for route in routes if isinstance(route, APIRoute) and not isinstance(route, FieldsRoute)] == []
    assert len(routes) > len(nouns)
