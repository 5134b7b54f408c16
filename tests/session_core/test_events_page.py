"""docs/events.md says what wire.py does."""

from __future__ import annotations

import re
from typing import get_args

import msgspec

from session_core import wire
from session_core.events import PublishedType
from tools import events_page


def test_the_page_has_the_tables_that_the_types_draw() -> None:
    """`make generate` writes it anew."""
    assert events_page.PAGE.read_text() == events_page.events_page()


def test_every_field_type_and_reason_is_said_in_words() -> None:
    assert set(events_page.ATTRIBUTES) == set(wire.Message.__struct_fields__)
    assert set(events_page.DATA) == set(wire.Data.__struct_fields__)
    assert set(events_page.TYPES) == set(get_args(PublishedType))
    assert set(events_page.REASONS) == set(wire.REASONS)


def test_the_event_that_the_page_shows_is_one() -> None:
    found = re.search(r"```json\n(?P<event>.*?)```", events_page.PAGE.read_text(), re.DOTALL)
    assert found is not None
    decoded = wire.decode(found["event"].encode())
    assert (decoded.message.type, decoded.n, decoded.unknown_fields) == ("room.reconnecting", 0, 0)
    assert msgspec.json.decode(wire.encode(decoded.message, decoded.message.time))["data"]["seq"] == 2
