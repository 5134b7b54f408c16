"""What a room can be told."""

from __future__ import annotations

from typing import get_args

import pytest

from session_core import signals
from session_core.signals import SIGNALS, ConnectCancelled, Joined, Leave, ServerError, Signal, SignalingLost


def test_every_signal_of_the_module_is_listed_and_frozen() -> None:
    found = {kind for kind in vars(signals).values() if isinstance(kind, type) and kind.__module__ == signals.__name__}
    assert found - {signals.ParticipantState} == set(SIGNALS) == set(get_args(Signal))
    assert [kind.__name__ for kind in SIGNALS if not kind.__struct_config__.frozen] == []


def test_a_signal_says_no_more_than_what_it_is_given() -> None:
    assert Joined("RM1", "PA0") == Joined("RM1", "PA0", (), None, None, None)
    assert (ServerError(1).message, SignalingLost().reason) == ("", "")
    assert (Leave().reason, ConnectCancelled().reason) == ("leave", "cancelled")


def test_a_signal_does_not_change() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Leave().reason = "exit"  # type: ignore[misc]
