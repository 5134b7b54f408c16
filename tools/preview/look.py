"""How Grafana shows a number and a colour, near enough for a drawing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zlib import crc32

Json = Mapping[str, Any]

PAPER: Final = "#f4f5f5"
CARD: Final = "#ffffff"
EDGE: Final = "#d8d9da"
INK: Final = "#24292e"
FAINT: Final = "#6e7780"
GRID: Final = "#e9eaeb"
HEX: Final = {
    "red": "#E02F44",
    "dark-red": "#C4162A",
    "orange": "#FF780A",
    "dark-orange": "#FA6400",
    "yellow": "#F2CC0C",
    "dark-yellow": "#E0B400",
    "green": "#56A64B",
    "light-green": "#96D98D",
    "dark-green": "#37872D",
    "blue": "#3274D9",
    "light-blue": "#8AB8FF",
    "dark-blue": "#1F60C4",
    "purple": "#A352CC",
    "light-purple": "#CA95E5",
    "dark-purple": "#8F3BB8",
    "transparent": "#ffffff",
}
CLASSIC: Final = (
    "#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642", "#CCA300",
    "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477", "#B7DBAB", "#F4D598", "#70DBED", "#F9BA8F",
    "#F29191", "#82B5D8", "#E5A8E2", "#AEA2E0", "#629E51", "#E5AC0E", "#64B0C8", "#E0752D", "#BF1B00", "#0A50A1",
    "#962D82", "#614D93", "#9AC48A", "#F2C96D", "#65C5DB", "#F9934E", "#EA6460", "#5195CE", "#D683CE", "#806EB7",
)  # fmt: skip
"""What a series is coloured from by its name: a choice like that of Grafana's classic palette."""
_SECONDS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def colour(word: str) -> str:
    """A named colour as matplotlib takes it."""
    return HEX.get(word, word)


def colour_of(name: str, field: Json) -> str:
    """The colour of a series: that of the first override that names it, else one made of its name."""
    for override in field["overrides"]:
        if not _matches(override["matcher"], name):
            continue
        for its in override["properties"]:
            if its["id"] == "color":
                return colour(its["value"]["fixedColor"])
    return CLASSIC[crc32(name.encode()) % len(CLASSIC)]


def defaults_of(column: str, field: Json) -> dict[str, Any]:
    """The settings of a column: the panel's, and over them those of its overrides."""
    found = dict(field["defaults"])
    for override in field["overrides"]:
        if _matches(override["matcher"], column):
            found |= {its["id"]: its["value"] for its in override["properties"]}
    return found


def threshold_colour(value: float, field: Json) -> str:
    """The colour of the last threshold that a value reaches."""
    steps: Sequence[Json] = field["defaults"].get("thresholds", {"steps": [{"color": INK, "value": None}]})["steps"]
    return colour(next(step["color"] for step in reversed(steps) if step["value"] is None or value >= step["value"]))


def mapped(value: Any, settings: Json) -> tuple[str, str | None]:
    """A value's words and colour by the mappings of its column."""
    for mapping in settings.get("mappings", ()):
        found = mapping["options"].get(str(value)) if mapping["type"] == "value" else None
        if found:
            return found.get("text", str(value)), colour(found["color"]) if "color" in found else None
    return str(value), None


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A number with its unit."""
    match unit:
        case "percentunit":
            return f"{value * 100:.{_digits(value * 100) if decimals is None else decimals}f} %"
        case "s":
            return _duration(value)
        case "ms":
            return f"{value:.0f} ms" if abs(value) < 1_000 else _duration(value / 1_000)
        case "bytes":
            power = 0
            while abs(value) >= 1024 and power < len(_BYTES) - 1:
                value, power = value / 1024, power + 1
            return f"{value:.3g} {_BYTES[power]}"
        case "cpm":
            return f"{_short(value)} c/m"
        case "ops":
            return f"{_short(value)} ops/s"
    return _short(value)


def _short(value: float) -> str:
    for size, letter in ((1e9, "Bil"), (1e6, "Mil"), (1e3, "K")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return (
        f"{value:.{_digits(value)}f}".rstrip("0").rstrip(".")
        if "." in f"{value:.{_digits(value)}f}"
        else f"{value:.0f}"
    )


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2


def _duration(seconds: float) -> str:
    if abs(seconds) < 1:
        return f"{seconds * 1000:.3g} ms" if seconds else "0 s"
    size, letter = next((size, letter) for size, letter in _SECONDS if abs(seconds) >= size)
    return f"{seconds / size:.3g} {letter}"


def _matches(matcher: Json, name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return re.search(str(matcher["options"]).strip("/"), name) is not None
    return bool(matcher["options"] == name)
