"""Waiting by condition."""

import asyncio
from collections.abc import Callable

import pytest

from tests.waiting import eventually, wait_until


def _third_time_lucky() -> Callable[[], str]:
    answers = iter(["", "", "there"])
    return lambda: next(answers)


async def test_eventually_gives_the_first_truthy_answer() -> None:
    assert await eventually(_third_time_lucky()) == "there"


async def test_eventually_awaits_an_async_condition() -> None:
    ask = _third_time_lucky()

    async def condition() -> str:
        return ask()

    assert await eventually(condition) == "there"


async def test_eventually_tells_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.05 s: the condition last gave \[\]"):
        await eventually(list, within_s=0.05)


async def test_eventually_tells_the_last_exception() -> None:
    def condition() -> bool:
        raise ValueError("not so")

    with pytest.raises(AssertionError, match=r"the condition last raised ValueError\('not so'\)"):
        await eventually(condition, within_s=0.05)


async def test_eventually_cuts_off_a_condition_that_never_answers() -> None:
    never = asyncio.Event()
    with pytest.raises(AssertionError, match="the condition last gave 'nothing yet'"):
        await eventually(never.wait, within_s=0.05)


def test_wait_until_gives_the_first_truthy_answer() -> None:
    assert wait_until(_third_time_lucky()) == "there"


def test_wait_until_tells_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.05 s: the condition last gave 0"):
        wait_until(lambda: 0, within_s=0.05)


def test_wait_until_counts_a_refused_connection_as_not_yet() -> None:
    def condition() -> bool:
        raise ConnectionRefusedError

    with pytest.raises(AssertionError, match="ConnectionRefusedError"):
        wait_until(condition, within_s=0.05)


def test_wait_until_ends_at_once_when_there_is_nothing_to_wait_for_any_more() -> None:
    def condition() -> bool:
        raise ValueError("died")

    with pytest.raises(ValueError, match="died"):
        wait_until(condition)
