"""Which event loop runs, asked from everywhere."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from session_core.loops import LoopOfLastResort, is_being_cancelled, running_loop, within


def test_a_loop_is_told_where_one_runs_and_none_where_none_does() -> None:
    async def ask() -> tuple[bool, bool]:
        return running_loop() is asyncio.get_running_loop(), is_being_cancelled()

    assert (running_loop(), asyncio.run(ask())) == (None, (True, False))


def test_the_loop_of_last_resort_looks_names_up_by_itself() -> None:
    loop = LoopOfLastResort()
    try:
        found = loop.run_until_complete(loop.getaddrinfo("127.0.0.1", 9092))
    finally:
        loop.close()
    assert {address for *_, address in found} == {("127.0.0.1", 9092)}


async def test_a_cancellation_that_comes_with_the_answer_is_not_swallowed() -> None:
    answer: Future[None] = Future()
    task = asyncio.create_task(within(5, answer))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(task.cancel)
    answer.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await task
