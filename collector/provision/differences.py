"""What differs between two JSON documents, a line each, in words that lead to the place. Pure.

Members of lists are named by what tells them apart where they have it: a panel by its title, a query by its letter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

LINES_MAX: Final = 40
VALUE_MAX: Final = 100
_KEYS: Final = ("id", "uid", "refId", "name", "title")
"""What tells members of a list apart, what changes least first."""
_ABSENT: Final = object()


def differences(before: Any, after: Any) -> tuple[str, ...]:
    """Lines with - for what stood before and + for what stands after; the first of them, if there are very many."""
    lines = list(_walk("", before, after))
    left = len(lines) - LINES_MAX
    return (*lines[:LINES_MAX], f"… and {left} lines more") if left > 0 else tuple(lines)


def _walk(path: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _walk(f"{path}.{key}" if path else str(key), before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _walk_lists(path, before, after)
    else:
        if before is not _ABSENT:
            yield f"- {path or 'all'}: {_shown(before)}"
        if after is not _ABSENT:
            yield f"+ {path or 'all'}: {_shown(after)}"


def _walk_lists(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    key = next((key for key in _KEYS if _is_key(key, before) and _is_key(key, after)), None)
    if key is None:
        for index in range(max(len(before), len(after))):
            old, new = (side[index] if index < len(side) else _ABSENT for side in (before, after))
            yield from _walk(f"{path}[{index}]", old, new)
        return
    olds, news = ({one[key]: one for one in side} for side in (before, after))
    for name in [*olds, *(name for name in news if name not in olds)]:
        called = {**news, **olds}[name].get("title") or name
        yield from _walk(f"{path}[{called}]", olds.get(name, _ABSENT), news.get(name, _ABSENT))
    if [name for name in olds if name in news] != [name for name in news if name in olds]:
        yield f"+ {path}: in another order: {_shown(list(news))}"


def _is_key(key: str, members: Sequence[Any]) -> bool:
    """Whether each of them has it, none twice."""
    found = [one.get(key) for one in members if isinstance(one, Mapping)]
    named = [value for value in found if isinstance(value, str | int) and value != ""]
    return len(named) == len(members) and len(set(named)) == len(named)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= VALUE_MAX else text[: VALUE_MAX - 1] + "…"
