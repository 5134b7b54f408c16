"""What differs between two documents, in words that lead to the place."""

from typing import Any

import pytest

from collector.provision.differences import LINES_MAX, differences


def panels(*told: dict[str, Any]) -> dict[str, Any]:
    return {"panels": list(told)}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"a": 1, "b": [1, {"c": 2}]}, {"b": [1, {"c": 2}], "a": 1}, ()),
        ({"a": None}, {}, ("- a: null",)),
        ({}, {"a": {"b": "ü"}}, ('+ a: {"b": "ü"}',)),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ("- a.b: 1", "+ a.b: 2")),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, ("- a[1]: 2", "+ a[1]: 3", "+ a[2]: 4")),
        (
            panels({"id": 1, "title": "Drops", "w": 1}, {"id": 2, "title": "Lag"}),
            panels({"id": 1, "title": "Falls", "w": 1}, {"id": 2, "title": "Lag", "w": 3}),
            ('- panels[Drops].title: "Drops"', '+ panels[Drops].title: "Falls"', "+ panels[Lag].w: 3"),
        ),
        (
            {"targets": [{"refId": "A", "expr": "x"}]},
            {"targets": [{"refId": "A", "expr": "y"}]},
            ('- targets[A].expr: "x"', '+ targets[A].expr: "y"'),
        ),
        (panels({"id": 1}, {"id": 2}), panels({"id": 2}, {"id": 1}), ("+ panels: in another order: [2, 1]",)),
        (panels({"id": 1}), panels(), ('- panels[1]: {"id": 1}',)),
        (panels({"id": 1}, {"id": 1, "w": 2}), panels({"id": 1}), ('- panels[1]: {"id": 1, "w": 2}',)),
        ([1], {"a": 1}, ("- all: [1]", '+ all: {"a": 1}')),
    ],
)
def test_each_difference_is_told_with_its_place(before: Any, after: Any, lines: tuple[str, ...]) -> None:
    assert differences(before, after) == lines


def test_a_long_value_and_a_long_list_are_cut() -> None:
    lines = differences({}, {f"k{number:03}": "x" * 500 for number in range(60)})
    assert len(lines) == LINES_MAX + 1
    assert lines[-1] == "… and 20 lines more"
    assert max(map(len, lines)) < 120
