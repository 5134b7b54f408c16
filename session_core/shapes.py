"""Whether what is told to a room has the shape that it claims: a signal, and a moment.

Types are promised to type checkers alone: an adapter passes on what a server sent, and a number may come as text. A
room that took half of such a signal would be neither as before nor as after it. What is not whole is not taken.

The checks are made from the fields of signals.py, so that a new signal has its own. Not here: words and values that
mean nothing (the room counts those), and texts that are too long (bounds.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from session_core.events import Moment
from session_core.instants import EPOCH
from session_core.signals import SIGNALS, SignalingLost

Check = Callable[[Any], bool]

UTC_US_MAX: Final = (datetime.max.replace(tzinfo=EPOCH.tzinfo) - EPOCH).days * 86_400_000_000
UTC_US_MIN: Final = (datetime.min.replace(tzinfo=EPOCH.tzinfo) - EPOCH).days * 86_400_000_000
"""What a calendar can tell. Beyond it no event could say when it happened."""

# A loss is one whatever reason is given: that is for the transport's own logs.
_NOT_LOOKED_AT: Final = frozenset({(SignalingLost, "reason")})


def is_whole(signal: object) -> bool:
    """Whether it is one of the signals, and each of its fields of the type that the signal says.

    A word outside of a closed list, a list in a tuple's place and a duration with a fraction are whole.
    """
    kind = type(signal)
    check = _CHECKS.get(kind) or _check_of(kind)
    return check is not None and check(signal)


def is_moment(at: object) -> bool:
    """Whether it is a reading of both clocks, in whole microseconds, of a time that a calendar has."""
    if not isinstance(at, Moment):
        return False
    # Any, since their types are what is in question.
    utc_us: Any = at.utc_us
    steady_us: Any = at.steady_us
    return isinstance(utc_us, int) and isinstance(steady_us, int) and UTC_US_MIN <= utc_us <= UTC_US_MAX


def _check_of(kind: type[Any]) -> Check | None:
    """The check of a kind of signal, made when the first of it comes: whoever imports this waits for none."""
    if kind in SIGNALS:
        return _CHECKS.setdefault(kind, _of_struct(kind))
    return None


def _of_struct(struct: type[Struct]) -> Check:
    looked_at = {name: kind for name, kind in get_type_hints(struct).items() if (struct, name) not in _NOT_LOOKED_AT}
    plain = {name: _plain(kind, name) for name, kind in looked_at.items()}
    by_type = tuple((name, types) for name, types in plain.items() if types is not None)
    by_check = tuple((name, _of_kind(looked_at[name])) for name, types in plain.items() if types is None)

    def check(value: object) -> bool:
        for name, types in by_type:
            if not isinstance(getattr(value, name), types):
                return False
        for name, inner in by_check:  # noqa: SIM110 - most signals have none, and all() would cost more than the rest
            if not inner(getattr(value, name)):
                return False
        return True

    return check


def _plain(kind: Any, name: str) -> tuple[type, ...] | None:
    """The types of a field that is no more than a word, a number or nothing; None for any other."""
    if get_origin(kind) in {Union, UnionType}:
        parts = [_plain(part, name) for part in get_args(kind)]
        return None if None in parts else tuple(it for part in parts for it in part or ())
    if get_origin(kind) is Literal:
        return (str,)
    if kind is int:
        return (int, float) if name.endswith("_ms") else (int,)
    return (kind,) if kind is NoneType or (isinstance(kind, type) and issubclass(kind, str)) else None


def _of_kind(kind: Any) -> Check:
    if get_origin(kind) is tuple:
        return _of_many(_of_kind(get_args(kind)[0]))
    if kind is datetime:
        return lambda value: isinstance(value, datetime) and value.tzinfo is not None
    if isinstance(kind, type) and issubclass(kind, Struct):
        inner = _of_struct(kind)
        return lambda value: isinstance(value, kind) and inner(value)
    raise TypeError(f"a signal holds {kind}, which nobody said how to check")


def _of_many(one: Check) -> Check:
    return lambda value: isinstance(value, tuple | list) and all(map(one, value))


_CHECKS: Final[dict[type[Any], Check]] = {}
