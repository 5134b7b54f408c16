"""A collector on an address that others reach."""

import asyncio
import re
from typing import Final

import httpx
import pytest
from sqlalchemy import Engine

from collector.errors import NoTokens
from collector.ingest.connection import KafkaConnection
from collector.runtime import Options, Part, run
from session_core.clock import SystemClock
from tests.collector.api.doors import House, bearer
from tests.contract.conftest import store_engine  # noqa: F401 - a fixture
from tests.waiting import eventually

NOWHERE: Final = KafkaConnection("127.0.0.1:9")
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what these tests are about
SAID: Final = "roomwatch token create NAME --scope read; or listen on 127.0.0.1"


def clock_us() -> int:
    return SystemClock().now().utc_us


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


@pytest.mark.parametrize("only", [None, *Part])
async def test_it_needs_a_token_to_start(store_engine: Engine, only: Part | None) -> None:  # noqa: F811 - the fixture
    options = Options(kafka=NOWHERE, database_url=url_of(store_engine), http_host=EVERYWHERE, only=only)
    with pytest.raises(NoTokens, match=re.escape(SAID)):
        await run(options, asyncio.Event(), clock_us=clock_us)


async def test_it_asks_who_is_there_and_notes_it(store_engine: Engine) -> None:  # noqa: F811 - the fixture
    house, stop, urls = House(store_engine), asyncio.Event(), list[str]()
    token = house.token("read")
    options = Options(
        kafka=NOWHERE, database_url=url_of(store_engine), http_host=EVERYWHERE, http_port=0, only=Part.API
    )
    running = asyncio.create_task(run(options, stop, clock_us=clock_us, on_listening=urls.append))

    async def is_listening() -> bool:
        return bool(urls)

    assert await eventually(is_listening, within_s=20)
    async with httpx.AsyncClient(base_url=urls[0].replace(EVERYWHERE, "127.0.0.1")) as client:
        answers = [await client.get("/api/v1/sessions", headers=headers) for headers in ({}, bearer(token))]
    stop.set()
    await running
    assert [one.status_code for one in answers] == [401, 200]
    assert [one.used_at is not None for one in house.tokens.all()] == [True]
