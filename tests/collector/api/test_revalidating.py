"""An answer that the client has already is not sent again."""

import pytest
from httpx import AsyncClient
from sqlalchemy import Engine

from tests.collector.api.conftest import World
from tests.filling import fill
from tests.histories import SECOND_US, Life, session_id
from tests.pages.scene import NOW_US

LIST = "/api/v1/sessions?since=2025-11-24"


@pytest.mark.parametrize("known", ["{}", '"else", {}', '{}, W/"else"', "*"])
async def test_who_names_the_tag_is_told_that_nothing_is_new(api: AsyncClient, known: str) -> None:
    first = await api.get(LIST)
    again = await api.get(LIST, headers={"if-none-match": known.format(first.headers["etag"])})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert first.headers["etag"].startswith('W/"')
    assert again.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
    assert "content-length" not in again.headers
    assert "default-src 'none'" in again.headers["content-security-policy"]


async def test_time_that_passes_while_nothing_happens_is_nothing_new(api: AsyncClient, world: World) -> None:
    first = await api.get(LIST)
    world.now_us += 3 * SECOND_US
    again = await api.get(LIST)
    assert first.json()["completeness"]["age_s"] != again.json()["completeness"]["age_s"]
    assert first.headers["etag"] == again.headers["etag"]


async def test_an_event_that_arrives_is_something_new(api: AsyncClient, engine: Engine) -> None:
    first = await api.get(LIST)
    fill(engine, [Life(session_id(77, NOW_US - SECOND_US), NOW_US - SECOND_US).connecting()], now_us=NOW_US)
    again = await api.get(LIST, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, len(again.json()["items"])) == (200, len(first.json()["items"]) + 1)


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/sessions?limit=0", "/api/v1/exports/sessions", "/healthz", "/", "/metrics"]
)
async def test_refusals_files_and_pages_are_kept_by_nobody(api: AsyncClient, path: str) -> None:
    headers = (await api.get(path, headers={"if-none-match": "*"})).headers
    assert ("etag" in headers, headers["cache-control"]) == (False, "no-store")


async def test_another_question_has_another_tag(api: AsyncClient) -> None:
    tags = [(await api.get(f"/api/v1/codes{more}")).headers["etag"] for more in ("", "/53001", "/53002")]
    assert len(set(tags)) == 3
