"""What was asked already, of the state of the store that one look sees: it cannot be answered otherwise."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection

_KNOWN: Final = "roomwatch_known"

Answer = TypeVar("Answer")


@contextmanager
def remembering(connection: Connection) -> Iterator[None]:
    """While this is open, in one transaction, `once` asks once."""
    connection.info[_KNOWN] = {}
    try:
        yield
    finally:
        connection.info.pop(_KNOWN, None)


def once(connection: Connection, question: Hashable, ask: Callable[[], Answer]) -> Answer:
    """The answer to a question, which is asked where nobody remembers it."""
    known = connection.info.get(_KNOWN)
    if known is None:
        return ask()
    if question not in known:
        known[question] = ask()
    answer: Answer = known[question]
    return answer
