"""collector/api/examples.json: what the API answers about the room of the story, for its description."""

from __future__ import annotations

import asyncio
import json
import tempfile

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry

from collector.api.app import make_app
from collector.api.describing import call_of, cut
from collector.api.health import Readiness
from collector.metrics import Metrics
from collector.store.engine import make_engine, migrate
from collector.store.incidents import Incidents
from collector.store.reader import Reader
from tests.filling import fill
from tests.pages.scene import NOW_US, SPIKE, room_of_the_story


def api_examples() -> str:
    """The file: answers by path."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/store.db")
        migrate(engine)
        fill(engine, room_of_the_story(), now_us=NOW_US)
        kept = Incidents(engine)
        kept.keep([SPIKE], NOW_US)
        app = make_app(
            Reader(engine),
            Metrics(CollectorRegistry(), version="0.0.0"),
            lambda: Readiness(ready=True),
            "0.0.0",
            clock_us=lambda: NOW_US,
            kept=kept,
        )
        answers = asyncio.run(_answers(app))
        engine.dispose()
    return json.dumps(answers, indent=1, ensure_ascii=False) + "\n"


async def _answers(app: FastAPI) -> dict[str, object]:
    answers = {}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://example.test") as client:
        for path, verbs in app.openapi()["paths"].items():
            told = verbs.get("get", {})
            if not path.startswith("/api/") or "application/json" not in told.get("responses", {}).get("200", {}).get(
                "content", {}
            ):
                continue
            answer = await client.get(call_of(path, told))
            if answer.status_code != 200:
                raise ValueError(f"{answer.url} is answered with {answer.text}: give its parameters examples")
            answers[path] = cut(answer.json())
    return answers
