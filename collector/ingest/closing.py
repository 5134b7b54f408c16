"""How aiokafka's clients are let go: within a bound, whatever state they are in, and without raising.

What they do by themselves, and why this file is needed:
- `stop()` of a consumer may never return while its broker is away, or raise CancelledError out of a client in trouble.
- `stop()` of a producer waits without limit for what is not acknowledged.
- A client whose `start()` failed still holds connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

LEAVE_TIMEOUT_S: Final = 5.0
"""How long a consumer may take to leave its group; the broker gives its partitions away later if it does not."""
CLOSE_TIMEOUT_S: Final = 1.0


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leaves the group and closes; what does not end in time is cut off."""
    if await _bounded(consumer.stop(), LEAVE_TIMEOUT_S):
        return
    coordinator, fetcher = consumer._coordinator, consumer._fetcher  # noqa: SLF001 - there is no public way
    of_coordinator = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task")
    tasks = [getattr(coordinator, name, None) for name in of_coordinator]
    tasks += [getattr(fetcher, "_fetch_task", None), *getattr(fetcher, "_pending_tasks", ())]
    await _end(task for task in tasks if task is not None)
    await _bounded(consumer._client.close(), CLOSE_TIMEOUT_S)  # noqa: SLF001 - as above


async def abandon_producer(producer: AIOKafkaProducer) -> None:
    """Closes a client without waiting for what it holds: its own `stop()` would flush first, without limit."""
    producer._closed = True  # noqa: SLF001 - so that it does not complain of never having been stopped
    sender = producer._sender.sender_task  # noqa: SLF001 - as above
    if sender is not None:
        await _end([sender])
    await _bounded(producer.client.close(), CLOSE_TIMEOUT_S)


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    pending = {task for task in tasks if not task.done()}
    # A task in the middle of a request waits for its end first, unless it is told twice.
    for _ in range(2):
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=CLOSE_TIMEOUT_S)


async def _bounded(step: Awaitable[Any], timeout_s: float) -> bool:
    """Whether the step ended by itself. Only a cancellation that is meant for us goes on."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        async with asyncio.timeout(timeout_s):
            await step
    except asyncio.CancelledError:
        if task is not None and task.cancelling() > before:
            raise
        return False
    except (KafkaError, TimeoutError, OSError, RuntimeError, AttributeError):
        return False
    return True
