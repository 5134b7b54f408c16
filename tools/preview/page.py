"""A whole dashboard as an image: its variables, rows and panels where its JSON puts them."""

from __future__ import annotations

import textwrap
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from tools.dashboards.panels import GRID_COLUMNS
from tools.preview import look
from tools.preview.asking import Sources, asked
from tools.preview.painters import paint

Json = dict[str, Any]

WIDTH_PX: Final = 1500
CELL_PX: Final = 34
GAP_PX: Final = 8
HEAD_PX: Final = 64
TITLE_PX: Final = 26
DPI: Final = 100
COLOURS: Final = 200


def draw(dashboard: Json, sources: Sources, file: Path) -> None:
    """Draws a dashboard over what its queries are answered, and writes it as PNG."""
    mpl.use("agg")
    mpl.rcParams["font.family"] = ["Liberation Sans", "DejaVu Sans"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    height = HEAD_PX + rows * CELL_PX + GAP_PX
    figure = Figure(figsize=(WIDTH_PX / DPI, height / DPI), dpi=DPI, facecolor=look.PAPER)
    _head(figure, dashboard, sources, height)
    for panel in dashboard["panels"]:
        _panel(figure, dashboard, panel, sources, height)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DPI, format="png")
    # A chart has few colours: with a palette the file is a third.
    Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def _head(figure: Figure, dashboard: Json, sources: Sources, height: int) -> None:
    def y(px: float) -> float:
        return 1 - px / height

    figure.text(0.008, y(20), dashboard["title"], fontsize=15, fontweight="bold", color=look.INK, va="center")
    usual = {"query": "All", "datasource": "Roomwatch"}
    chosen = [
        f"{one['label']}: {sources.chosen.get(one['name'], usual.get(one['type'], one['query']))}"
        for one in dashboard["templating"]["list"]
    ]
    figure.text(0.008, y(48), "     ".join(chosen), fontsize=9, color=look.FAINT, va="center")
    since = dashboard["time"]["from"].removeprefix("now-")
    words = f"last {since}, UTC. Drawn by `make dashboards-preview` from the dashboard's JSON, not by Grafana"
    figure.text(0.992, y(20), words, fontsize=8.5, color=look.FAINT, va="center", ha="right")


def _panel(figure: Figure, dashboard: Json, panel: Json, sources: Sources, height: int) -> None:
    place = panel["gridPos"]
    cell = (WIDTH_PX - GAP_PX) / GRID_COLUMNS
    left, width = GAP_PX + place["x"] * cell, place["w"] * cell - GAP_PX
    top, tall = HEAD_PX + place["y"] * CELL_PX, place["h"] * CELL_PX - GAP_PX
    if panel["type"] == "row":
        figure.text(
            left / WIDTH_PX, 1 - (top + tall / 2) / height, f"⌄  {panel['title']}",
            fontsize=11, color=look.INK, va="center",
        )  # fmt: skip
        return
    _card(figure, (left, top, width, tall), height)
    title = textwrap.shorten(panel["title"], int(width / 6.6), placeholder="…")
    figure.text(
        (left + 8) / WIDTH_PX, 1 - (top + TITLE_PX / 2) / height, title,
        fontsize=9.5, fontweight="bold", color=look.INK, va="center",
    )  # fmt: skip
    inner = (left + 6, top + TITLE_PX, width - 12, tall - TITLE_PX - 6)
    axes: Axes = figure.add_axes(
        (inner[0] / WIDTH_PX, 1 - (inner[1] + inner[3]) / height, inner[2] / WIDTH_PX, inner[3] / height)
    )
    paint(axes, panel, asked(sources, dashboard, panel))


def _card(figure: Figure, box: tuple[float, float, float, float], height: int) -> None:
    left, top, width, tall = box
    figure.add_artist(
        FancyBboxPatch(
            (left / WIDTH_PX, 1 - (top + tall) / height), width / WIDTH_PX, tall / height,
            boxstyle="square,pad=0", fc=look.CARD, ec=look.EDGE, lw=0.8, zorder=-1, transform=figure.transFigure,
        )
    )  # fmt: skip
