"""How long an event takes from its producer to the page of somebody who looks: Kafka, collector, store, browser.

    python benchmarks/event_to_page.py --events 40

From just before an event is handed to a producer until the browser has drawn it on the page of its room. One collector
as it is set by default, over SQLite and over PostgreSQL; the events come one by one, each when the one before is drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import percentile  # noqa: E402
from tests.histories import Life, session_id  # noqa: E402
from tests.pages.scene import ROOM_SID  # noqa: E402
from tests.servers.browser import Chromium, opening_pages  # noqa: E402
from tests.servers.kafka import Kafka  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402
from tests.stage import Stage  # noqa: E402

TOPIC: Final = "room-session-events"
SHARES: Final = (("half within", 50), ("95 % within", 95))


async def delays_ms(stage: Stage, chromium: Chromium, events: int) -> list[float]:
    """What each event took."""
    took = []
    with stage.collector() as running:
        stage.until_stored(stage.tell([_joins(0)]))
        async with opening_pages(chromium) as open_page:
            page = await open_page()
            await page.goto(f"{running.url}/rooms/{ROOM_SID}")
            for number in range(1, events + 1):
                begun = time.monotonic()  # noqa: TID251 - what is measured
                await asyncio.to_thread(stage.tell, [_joins(number)])
                await page.locator(".lane-name").nth(number).wait_for()
                took.append((time.monotonic() - begun) * 1000)  # noqa: TID251
            await page.close()
    return took


def _joins(number: int) -> Life:
    now_us = time.time_ns() // 1000  # noqa: TID251 - the collector goes by the real clock
    life = Life(session_id(number, now_us), now_us, identity=f"participant-{number}")
    life.room_sid = ROOM_SID
    return life.connecting().connected()


def main() -> None:
    """Measures and prints a line a store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder, Kafka() as kafka, PostgreSQL() as server, Chromium() as chromium:
        urls = {
            "SQLite": f"sqlite:///{folder}/store.db",
            "PostgreSQL": server.url(server.make_database(migrated=True)),
        }
        for name, url in urls.items():
            topic = f"{TOPIC}-{name.lower()}"
            kafka.create_topic(topic, 4)
            kafka.create_topic(f"{topic}.dead-letters", 1)
            logs = Path(folder) / name
            logs.mkdir()
            stage = Stage(kafka, topic, 4, url, logs)
            took = sorted(asyncio.run(delays_ms(stage, chromium, events)))
            stage.close()
            told = ", ".join(f"{word} {percentile(took, share):.0f} ms" for word, share in SHARES)
            print(f"event to page, {name}, {events} events: {told}, the slowest {took[-1]:.0f} ms")


if __name__ == "__main__":
    main()
