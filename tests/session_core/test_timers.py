"""What is due, in the order in which it was due."""

from __future__ import annotations

from session_core.timers import NEVER, Timer, Timers


def test_nothing_is_waited_for_at_first() -> None:
    timers = Timers()
    assert (timers.next_us, list(timers.take_due(10**12))) == (NEVER, [])


def test_what_is_due_comes_in_order_and_a_sign_of_life_last() -> None:
    timers = Timers()
    timers.set(Timer.ALIVE, 10)
    timers.set(Timer.FORESIGHT, 30)
    timers.set(Timer.WINDOW, 20)
    assert timers.next_us == 10
    assert list(timers.take_due(9)) == []
    assert list(timers.take_due(30)) == [(Timer.WINDOW, 20), (Timer.FORESIGHT, 30), (Timer.ALIVE, 10)]
    assert timers.next_us == NEVER


def test_what_is_stopped_or_set_meanwhile_counts_at_once() -> None:
    timers = Timers()
    timers.set(Timer.WINDOW, 10)
    timers.set(Timer.ALIVE, 10)
    due = timers.take_due(100)
    assert next(due) == (Timer.WINDOW, 10)
    timers.stop(Timer.ALIVE)
    timers.set(Timer.FORESIGHT, 50)
    assert list(due) == [(Timer.FORESIGHT, 50)]
    timers.set(Timer.WINDOW, 200)
    timers.clear()
    assert timers.next_us == NEVER
