"""The page about the store says what the code does."""

from __future__ import annotations

from tools.store_page import PAGE, store_page


def test_the_tables_of_the_page_about_the_store_are_those_of_the_code() -> None:
    assert PAGE.read_text() == store_page(), "run: make generate"
