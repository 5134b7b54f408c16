"""The pages that are made from the public names and from the wire leave nothing out and name true places."""

from __future__ import annotations

import importlib
import inspect

import pytest

from session_core import wire
from tools import privacy_page, reference_page

THINGS = [
    (f"{module}.{name}", getattr(importlib.import_module(module), name))
    for module, names in reference_page.MODULES.items()
    for name in names
]
METHODS = [
    (f"{path}.{name}", getattr(value, "fget", None) or getattr(value, "__func__", value))
    for path, thing in THINGS
    if inspect.isclass(thing)
    for name, value in reference_page.members(thing)
]


def test_every_public_name_and_every_method_of_it_says_what_it_means() -> None:
    assert [path for path, thing in THINGS + METHODS if not reference_page.said(thing).summary] == []


def test_the_places_in_the_specification_are_headings_of_it() -> None:
    places = {reference_page.said(thing).place for _, thing in THINGS + METHODS} - {""}
    assert places == set(reference_page.HEADINGS)


def test_the_public_names_of_the_other_modules_are_all_there() -> None:
    for module in ("session_core.kafka", "session_core.clock"):
        classes = inspect.getmembers(importlib.import_module(module), inspect.isclass)
        public = {name for name, it in classes if it.__module__ == module and not name.startswith("_")}
        assert public == set(reference_page.MODULES[module])


def test_every_field_that_can_leave_has_a_reason_and_no_reason_is_left_over() -> None:
    assert set(privacy_page.paths()) == set(privacy_page.FIELDS)


@pytest.mark.parametrize("word", ["ip", "address", "agent", "email", "phone", "jwt", "secret", "hostname"])
def test_no_field_is_made_for_what_names_a_person_or_a_machine(word: str) -> None:
    fields = {part for path in privacy_page.paths() for part in path.replace(".", "_").split("_")}
    assert word not in fields
    assert "identity" in wire.Data.__struct_fields__
