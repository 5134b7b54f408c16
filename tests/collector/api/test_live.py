"""The stream that tells pages of news, from a real server."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine

from collector.api.live import News
from collector.api.server import Server
from collector.errors import StoreError, StoreUnavailable
from collector.store.incidents import Incidents
from collector.store.reader import Reader
from tests.filling import fill
from tests.histories import Life, session_id
from tests.pages.scene import NOW_US, SPIKE
from tests.plain_app import plain_app


def store(engine: Engine, numbers: Iterable[int]) -> None:
    fill(engine, [Life(session_id(number), NOW_US - 1_000_000).connecting() for number in numbers], now_us=NOW_US)


class Stream:
    """One listener. Lines that are no event, such as heartbeats, are passed over."""

    def __init__(self, answer: httpx.Response) -> None:
        self.last_id: str | None = None
        self._lines = answer.aiter_lines()

    async def placed(self) -> None:
        """Until it was told where it stands."""
        async for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
                return

    async def event(self) -> str | None:
        """The next event; None when the stream has ended."""
        async for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
            if line.startswith("event: "):
                return line.removeprefix("event: ")
        return None


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[Server]:
    server = Server(app, "127.0.0.1", 0, on_stop=app.state.news.end)
    task = asyncio.create_task(server.serve())
    await server.is_serving()
    try:
        yield server
    finally:
        server.stop()
        await task
        server.close()


@asynccontextmanager
async def listening(server: Server, last_id: str | None = None) -> AsyncIterator[Stream]:
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    async with httpx.AsyncClient() as client, client.stream("GET", f"{server.url}/live", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


async def test_everybody_who_listens_hears_of_what_is_stored(empty_engine: Engine) -> None:
    async with serving(plain_app(empty_engine, NOW_US)) as server, listening(server) as one, listening(server) as other:
        await one.placed()
        await other.placed()
        store(empty_engine, [1])
        assert [await one.event(), await other.event()] == ["stored", "stored"]


async def test_who_comes_back_hears_whether_something_was_missed(empty_engine: Engine) -> None:
    async with serving(plain_app(empty_engine, NOW_US)) as server:
        async with listening(server) as before:
            await before.placed()
        store(empty_engine, [1])
        async with listening(server, before.last_id) as after:
            assert await after.event() == "stored"
        assert after.last_id != before.last_id


async def test_nothing_that_is_stored_once_a_stream_is_open_goes_untold(empty_engine: Engine) -> None:
    reader, looked = Reader(empty_engine), 0

    def newest() -> str:
        nonlocal looked
        looked += 1
        return reader.newest()

    app = plain_app(empty_engine, NOW_US)
    app.state.news = News(newest)
    async with serving(app) as server, listening(server) as one:
        assert looked == 1
        store(empty_engine, [1])
        assert await one.event() == "stored"


async def test_a_store_that_does_not_answer_has_news_once_it_does() -> None:
    answers: list[str | StoreError] = [StoreUnavailable("a lock"), "1-1"]

    def newest() -> str:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, StoreError):
            raise answer
        return answer

    stream = News(newest, first_look_s=0.0).listen(None)
    assert await anext(stream) == "retry: 2000\nid: \n\n"
    assert await anext(stream) == "id: 1-1\nevent: stored\ndata:\n\n"
    await stream.aclose()


async def test_an_alert_that_is_told_of_is_news(empty_engine: Engine) -> None:
    async with serving(plain_app(empty_engine, NOW_US)) as server, listening(server) as one:
        await one.placed()
        Incidents(empty_engine).keep([SPIKE], NOW_US)
        assert await one.event() == "stored"


async def test_a_server_that_stops_waits_for_no_listener(empty_engine: Engine) -> None:
    app = plain_app(empty_engine, NOW_US)
    async with serving(app) as server, listening(server) as one:
        await one.placed()
        server.stop()
        assert await one.event() is None
    async with serving(app) as server, listening(server) as again:
        await again.placed()
        assert again.last_id == one.last_id


async def test_one_listener_too_many_is_told_so(empty_engine: Engine) -> None:
    app = plain_app(empty_engine, NOW_US)
    app.state.news = News(Reader(empty_engine).newest, listeners_max=1)
    async with serving(app) as server:
        async with listening(server) as one:
            await one.placed()
            async with httpx.AsyncClient() as client:
                refused = await client.get(f"{server.url}/live")
        assert (refused.status_code, refused.json()["code"]) == (503, "too-many-listeners")
