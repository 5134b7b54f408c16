"""A whole collector as `roomwatch run` makes it, in this process: reads Kafka, writes its store, answers over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from collector.ingest.connection import KafkaConnection
from collector.runtime import Options, run
from session_core.clock import SystemClock

WITHIN_S: Final = 30.0


@asynccontextmanager
async def collecting(bootstrap: str, topic: str, group: str, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Runs a collector, gives a client of its API, and stops it in order. What ends the collector early is raised."""
    options = Options(
        kafka=KafkaConnection(bootstrap), database_url=database_url, topic=topic, group=group, http_port=0
    )
    stop = asyncio.Event()
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    collector = asyncio.create_task(
        run(options, stop, clock_us=lambda: SystemClock().now().utc_us, on_listening=listening.set_result)
    )
    try:
        first: set[asyncio.Future[Any]] = {collector, listening}
        await asyncio.wait(first, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            await asyncio.wait_for(collector, 0)
        async with httpx.AsyncClient(base_url=listening.result()) as api:
            yield api
    finally:
        stop.set()
        await asyncio.wait_for(collector, WITHIN_S)
