"""How many questions there are at once and how long each takes: over a store whose statements can be made endless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event

from collector.api.app import make_app
from collector.api.asking import Limits
from collector.api.health import Readiness
from collector.api.server import Server
from collector.metrics import Metrics
from collector.store.incidents import Incidents
from collector.store.reader import Reader
from tests.pages.scene import NOW_US
from tests.waiting import eventually

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class World:
    """A served store. While `slow` is set, questions about sessions have no end of their own."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self.slow = True
        self.metrics = Metrics(CollectorRegistry(), version="9.9.9")
        app = make_app(
            Reader(engine),
            self.metrics,
            lambda: Readiness(ready=True),
            "9.9.9",
            clock_us=lambda: NOW_US,
            kept=Incidents(engine),
            limits=limits,
        )
        event.listen(engine, "before_cursor_execute", self._make_endless, retval=True)
        self.server = Server(app, "127.0.0.1", 0)

    def _make_endless(self, *told: object) -> tuple[str, object]:
        statement, parameters = str(told[2]), told[3]
        return (ENDLESS, ()) if self.slow and "FROM sessions" in statement else (statement, parameters)

    def counted(self, outcome: str) -> float:
        return float(self.metrics.questions.labels("question", outcome)._value.get())

    def exports_counted(self, outcome: str) -> float:
        return float(self.metrics.questions.labels("export", outcome)._value.get())

    def under_way(self) -> float:
        return float(self.metrics.questions_under_way.labels("question")._value.get())


@asynccontextmanager
async def served(engine: Engine, limits: Limits) -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    world = World(engine, limits)
    serving = asyncio.create_task(world.server.serve())
    await world.server.is_serving()
    async with httpx.AsyncClient(base_url=world.server.url, timeout=30) as client:
        yield world, client
    world.server.stop()
    await serving
    world.server.close()


async def test_a_question_past_its_time_is_a_problem_of_its_own(engine: Engine) -> None:
    async with served(engine, Limits(question_s=0.2)) as (world, client):
        answer = await client.get("/api/v1/sessions")
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (504, "query-too-long")
        assert problem["detail"].startswith("the question took longer than 0.2 s and was cancelled in the database.")
        assert "shorter range" in problem["detail"]
        page = await client.get("/search?q=ben", headers={"accept": "text/html"})
        assert (page.status_code, "The question took too long" in page.text) == (504, True)
        await eventually(lambda: world.counted("too-long") == 2 and world.under_way() == 0)


async def test_a_question_ends_when_its_asker_hangs_up(engine: Engine) -> None:
    async with served(engine, Limits(questions=1, question_s=3_600)) as (world, client):
        asked = asyncio.create_task(client.get("/api/v1/sessions"))
        await eventually(lambda: world.under_way() == 1)
        asked.cancel()
        await eventually(lambda: world.counted("gone") == 1)
        world.slow = False
        assert (await client.get("/api/v1/sessions")).status_code == 200
        await eventually(lambda: world.counted("answered") == 1)


async def test_a_flood_waits_or_is_told_when_to_come_back_while_probes_files_and_news_answer(engine: Engine) -> None:
    limits = Limits(questions=2, question_s=3_600, waiting=3, wait_s=0.3)
    async with served(engine, limits) as (world, client):
        flood = [asyncio.create_task(client.get("/api/v1/sessions")) for _ in range(30)]
        await eventually(lambda: world.counted("refused") == 28)
        others = [
            (await client.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics", "/static/page.css")
        ]
        async with client.stream("GET", "/live") as news:
            others.append(news.status_code)
        refused = [answer for one in flood if one.done() for answer in [one.result()]]
        assert {(a.status_code, a.json()["code"], a.headers["retry-after"]) for a in refused} == {
            (503, "too-many-questions", "5")
        }
        assert "default-src 'none'" in refused[0].headers["content-security-policy"]
        assert (len(refused), others, world.under_way()) == (28, [200] * 5, 2)
        for one in flood:
            one.cancel()
        await asyncio.wait(flood)
        await eventually(lambda: world.counted("gone") == 2)


async def test_a_question_that_waited_its_turn_is_answered(engine: Engine) -> None:
    async with served(engine, Limits(questions=1, question_s=0.3)) as (world, client):
        first, second = await asyncio.gather(client.get("/api/v1/sessions"), client.get("/api/v1/codes"))
        assert (first.status_code, second.status_code) == (504, 200)
        assert world.counted("refused") == 0


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/healthz", "/api/v1/nothing"])
async def test_an_answer_is_counted_as_answered_and_only_a_question_is(engine: Engine, path: str) -> None:
    async with served(engine, Limits()) as (world, client):
        world.slow = False
        await client.get(path)
        await client.get("/api/v1/codes")
        await eventually(lambda: world.counted("answered") == (1 if path == "/healthz" else 2))
