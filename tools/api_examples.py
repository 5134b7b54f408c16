"""collector/api/examples.json: what the API answers about the room of the story, for its description."""

from __future__ import annotations

import asyncio
import json
import tempfile

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from collector.api.describing import call_of, cut
from collector.store.engine import make_engine, migrate
from collector.store.incidents import Incidents
from tests.filling import fill
from tests.pages.scene import NOW_US, SPIKE, room_of_the_story
from tests.plain_app import plain_app


def api_examples() -> str:
    """The file: answers by path."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/store.db")
        migrate(engine)
        fill(engine, room_of_the_story(), now_us=NOW_US)
        Incidents(engine).keep([SPIKE], NOW_US)
        answers = asyncio.run(_answers(plain_app(engine, NOW_US)))
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
