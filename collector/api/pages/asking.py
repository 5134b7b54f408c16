"""What the forms of a list send without scripts: one more filter, or another time. Pages of lists share it."""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from pydantic import StringConstraints

from collector.api.addresses import UNTIL, Address
from collector.errors import BadFilter

LOW: Final = 0.99
"""Below that share of events that arrived, figures are said to be too small."""

Typed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]


class Sent(Protocol):
    """What a query has of its forms."""

    add: str | None
    value: str
    begin: str | None
    end: str | None


def sent(query: Sent, asked: Address) -> str:
    """The address that a form means. Raises BadFilter."""
    if query.add is not None:
        if query.add not in asked.names:
            raise BadFilter("add", query.add, f"is no filter; these are: {', '.join(asked.names)}")
        return asked.also(query.add, query.value.strip())
    # Without scripts browsers send what is typed into a field for a time without a zone; the page says that it is UTC.
    begin, end = (f"{typed}Z" if typed and typed[-1].isdigit() else typed for typed in (query.begin, query.end))
    return asked.over(begin or asked.since, end or UNTIL)
