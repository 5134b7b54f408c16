"""The results as a picture: recall, precision and time to detect over the traffic, for both kinds of failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

from benchmarks.alerts.shipped import ALERT

WIDTH, HEIGHT = 960, 640
LEFT, TOP, PANEL_W, PANEL_H, GAP_X, GAP_Y = 56, 92, 260, 190, 50, 66
MEASURES: Final = (
    ("recall", "Incidents found", 1.0, 0.9),
    ("precision", "Pages that were right", 1.0, 0.95),
    ("minutes_p50", "Minutes to the page (median)", 24.0, 4.0),
)
COLOURS: Final = ("#8a8f98", "#d9822b", "#8f5fbf", "#3b7dd8")
OURS: Final = "#1a8a4a"


def drawn(told: Sequence[dict[str, Any]]) -> str:
    """An SVG with a panel for each kind of failures and each measure."""
    return "\n".join(_parts(told)) + "\n"


def _parts(told: Sequence[dict[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(facts["name"] for facts in told))
    others = [name for name in names if name != ALERT]
    volumes = sorted({facts["attempts_per_hour"] for facts in told})
    colours = {**dict(zip(others, COLOURS, strict=False)), ALERT: OURS}
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Liberation Sans, Arial, sans-serif" font-size="12" fill="#222">'
    )
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    for number, name in enumerate([ALERT, *others]):
        x, y = LEFT + (number % 3) * 310, 24 + (number // 3) * 22
        yield f'<rect x="{x}" y="{y - 9}" width="18" height="{5 if name == ALERT else 3}" fill="{colours[name]}"/>'
        weight = ' font-weight="bold"' if name == ALERT else ""
        yield f'<text x="{x + 24}" y="{y}"{weight}>{escape(name)}</text>'
    for row, kind in enumerate(dict.fromkeys(facts["failures"] for facts in told)):
        for column, (measure, title, most, goal) in enumerate(MEASURES):
            these = [facts for facts in told if facts["failures"] == kind]
            x, y = LEFT + column * (PANEL_W + GAP_X), TOP + row * (PANEL_H + GAP_Y)
            yield f'<text x="{x}" y="{y - 8}" font-weight="bold">{title}: {kind}</text>'
            yield from _panel(these, volumes, measure, most, goal, x, y, colours)
    yield (
        f'<text x="{LEFT}" y="{HEIGHT - 14}" fill="#666">Attempts to join an hour. Dashed: the goal. '
        "Lines that leave a panel are cut at its rim.</text>"
    )
    yield "</svg>"


def _panel(
    told: Sequence[dict[str, Any]],
    volumes: Sequence[int],
    measure: str,
    most: float,
    goal: float,
    x: int,
    y: int,
    colours: dict[str, str],
) -> Iterator[str]:
    steps = max(1, len(volumes) - 1)

    def at(volume: int, value: float) -> tuple[float, float]:
        across = (volumes.index(volume) + 0.25) / (steps + 0.5)
        return x + across * PANEL_W, y + PANEL_H * (1 - min(value, most) / most)

    yield f'<rect x="{x}" y="{y}" width="{PANEL_W}" height="{PANEL_H}" fill="#f7f8fa"/>'
    for part in (0, 0.25, 0.5, 0.75, 1):
        height = y + PANEL_H * (1 - part)
        yield f'<line x1="{x}" x2="{x + PANEL_W}" y1="{height}" y2="{height}" stroke="#dfe2e7"/>'
        label = f"{part * most:g}"
        yield f'<text x="{x - 6}" y="{height + 4}" text-anchor="end" fill="#666">{label}</text>'
    _, height = at(volumes[0], goal)
    yield f'<line x1="{x}" x2="{x + PANEL_W}" y1="{height}" y2="{height}" stroke="#c33" stroke-dasharray="5 4"/>'
    for volume in volumes:
        yield (
            f'<text x="{at(volume, 0)[0]}" y="{y + PANEL_H + 16}" text-anchor="middle" fill="#666">'
            f"{volume:,}</text>".replace(",", "\u202f")
        )
    for name, colour in colours.items():
        points = [
            at(facts["attempts_per_hour"], facts[measure])
            for facts in sorted(told, key=lambda facts: facts["attempts_per_hour"])
            if facts["name"] == name and facts[measure] is not None
        ]
        width = 3.5 if name == ALERT else 1.8
        path = " ".join(f"{across:.1f},{height:.1f}" for across, height in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        for across, height in points:
            yield f'<circle cx="{across:.1f}" cy="{height:.1f}" r="{width}" fill="{colour}"/>'
