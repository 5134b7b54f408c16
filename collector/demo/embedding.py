"""A process of its own that embeds the session core, so that one can be killed: a few rooms, its own publisher.

Run as `python -m collector.demo.embedding BOOTSTRAP TOPIC SEED NUMBERS_FROM`. For every event that takes a number it
writes the session's id on a line of standard output, before the event is published: what a killed process cannot say
any more, somebody must have heard. SIGTERM ends it in order; the end of its standard input ends it at once, for whoever
started it is gone then. `EmbeddingProcess` is the other end of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Final
from uuid import UUID

from collector.demo.fleet import Fleet
from session_core.events import PUBLISHED_TYPES, SEQLESS_TYPES, Event
from session_core.kafka import KafkaSink
from session_core.outbox import Outbox
from session_core.publisher import Publisher

ROOMS: Final = 4
FIRST_NUMBER: Final = 100_000
NUMBERS_A_PROCESS: Final = 10_000
STOP_WITHIN_S: Final = 10.0
NUMBERED: Final = PUBLISHED_TYPES - SEQLESS_TYPES


class EmbeddingProcess:
    """Starts the process, hears what it tells, kills it, and starts another."""

    def __init__(self, bootstrap_servers: str, topic: str, seed: int) -> None:
        self.told: Counter[UUID] = Counter()
        self._arguments = (bootstrap_servers, topic, str(seed))
        self._starts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts a process, the next in the row."""
        numbers_from = FIRST_NUMBER + self._starts * NUMBERS_A_PROCESS
        self._starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, *self._arguments, str(numbers_from)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._hearing = asyncio.create_task(self._hear(self._process))

    async def kill(self) -> None:
        """Kills it, with what it has not sent."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ends it in order; does nothing when it does not run."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or self._hearing is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        await self._hearing

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        """Counts whole lines: one that its writer's death cut short tells of an event that was not published."""
        if process.stdout is None:
            return
        async for line in process.stdout:
            if line.endswith(b"\n"):
                self.told[UUID(line.decode().strip())] += 1


class _TellingOutbox(Outbox):
    """Tells of every event that takes a number before it queues it."""

    def put(self, event: Event) -> None:
        if event.type in NUMBERED:
            os.write(sys.stdout.fileno(), f"{event.session.session_id}\n".encode())
        super().put(event)


async def _embed(bootstrap_servers: str, topic: str, seed: int, numbers_from: int) -> None:
    # The broker's absence is part of the play: no news to anybody.
    logging.basicConfig(level=logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        # Ctrl-C reaches every process of a terminal; the demo tells this one when it is its turn.
        loop.add_signal_handler(ending, stop.set if ending is signal.SIGTERM else lambda: None)
    loop.add_reader(sys.stdin.fileno(), _end_at_once)
    publisher = Publisher(KafkaSink(bootstrap_servers, topic), outbox=_TellingOutbox(), memory_only=True)
    fleet = Fleet(publisher, Random(seed + numbers_from), rooms=ROOMS, numbers_from=numbers_from)
    fleet.start()
    await stop.wait()
    await fleet.stop()
    await publisher.close()


def _end_at_once() -> None:
    """Nobody writes to standard input: it can only have ended. The broker went with whoever started us."""
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(_embed(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
