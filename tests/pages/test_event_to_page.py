"""From Kafka to the eye: what is published while a page is open appears on it."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.async_api import expect

from tests.histories import Life, session_id
from tests.pages.scene import ROOM_NAME, ROOM_SID
from tests.servers.browser import PageOpener
from tests.servers.kafka import Kafka
from tests.stage import Stage


async def test_an_event_that_is_published_appears_on_an_open_page(
    kafka: Kafka, make_topic: Callable[..., str], tmp_path: Path, open_page: PageOpener
) -> None:
    topic = make_topic(2)
    kafka.create_topic(f"{topic}.dead-letters")
    stage = Stage(kafka, topic, 2, f"sqlite:///{tmp_path}/store.db", tmp_path)
    now_us = time.time_ns() // 1_000  # noqa: TID251 - the collector that runs here goes by the real clock
    lives = [Life(session_id(number, now_us), now_us, identity=name) for number, name in enumerate(("ana", "ben"))]
    for life in lives:
        life.room_sid, life.room_name = ROOM_SID, ROOM_NAME
    with stage.collector() as running:
        stage.until_stored(stage.tell([lives[0].connecting().later(300).connected()]))
        page = await open_page()
        streamed: list[str] = []
        page.on("response", lambda answer: streamed.append(answer.headers["content-type"]))
        await page.goto(f"{running.url}/rooms/{ROOM_SID}")
        await expect(page.locator(".lane-name")).to_have_count(1)
        stage.tell([lives[1].connecting().later(300).connected()])
        await expect(page.locator(".lane-name")).to_have_count(2)
        assert "text/event-stream; charset=utf-8" in streamed
        await page.close()
    stage.close()
