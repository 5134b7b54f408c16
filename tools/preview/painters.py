"""Draws what a panel of each kind shows into a box on the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tools.preview import look
from tools.preview.asking import Asked, Rows, Series

Json = dict[str, Any]

NO_DATA: Final = "No data"
SMALL: Final = 7.5
LEGEND_ROWS: Final = 6
ROW_PX: Final = 21


def paint(axes: Axes, panel: Json, asked: Asked) -> None:
    """Draws a panel's answers; `axes` is the room below its title."""
    axes.set_axis_off()
    painter = PAINTERS[panel["type"]]
    if panel["type"] != "text" and not any(_of_any(answer) for answer in asked.answers):
        words = panel["fieldConfig"]["defaults"].get("noValue", NO_DATA)
        axes.text(0.5, 0.5, words, ha="center", va="center", color=look.FAINT, fontsize=13, transform=axes.transAxes)
        return
    painter(axes, panel, asked)


def _of_any(answer: Sequence[Series] | Rows) -> bool:
    return bool(answer.rows if isinstance(answer, Rows) else answer)


def _series(asked: Asked) -> list[Series]:
    return [one for answer in asked.answers if not isinstance(answer, Rows) for one in answer]


def _stat(axes: Axes, panel: Json, asked: Asked) -> None:
    field = panel["fieldConfig"]
    points, value = _stat_value(asked)
    if value is None or math.isnan(value):
        words, ink = field["defaults"].get("noValue", NO_DATA), look.FAINT
    else:
        words = look.shown(value, field["defaults"]["unit"])
        ink = look.threshold_colour(value, field) if panel["options"]["colorMode"] == "value" else look.INK
    axes.text(0.5, 0.56, words, ha="center", va="center", color=ink, fontsize=24, transform=axes.transAxes)
    if panel["options"]["graphMode"] == "area" and len(points) > 1:
        spark = axes.inset_axes((0, 0, 1, 0.32))
        spark.set_axis_off()
        times, values = zip(*points, strict=True)
        spark.fill_between(times, values, color=look.HEX["blue"] if ink == look.INK else ink, alpha=0.25, lw=0)
        spark.set_xlim(asked.since_s, asked.until_s)
        spark.set_ylim(0, max(*values, 1e-9) * 1.05)


def _stat_value(asked: Asked) -> tuple[Sequence[tuple[float, float]], float | None]:
    answer = asked.answers[0]
    if isinstance(answer, Rows):
        found = answer.rows[0][-1]
        return (), None if found is None else float(found)
    return answer[0].points, answer[0].points[-1][1]


def _timeseries(axes: Axes, panel: Json, asked: Asked) -> None:
    field, lines = panel["fieldConfig"], _series(asked)
    unit, options = field["defaults"]["unit"], panel["options"]
    on_the_right = options["legend"]["placement"] == "right"
    left, ticks = 52 / axes.get_window_extent().width, 18 / _height_px(axes)
    low = ticks if on_the_right else ticks + _legend_room(axes, lines)
    plot = axes.inset_axes((left, low, (0.67 if on_the_right else 0.99) - left, 0.97 - low))
    stacked = field["defaults"]["custom"]["stacking"]["mode"] == "normal"
    if stacked:
        _stack(plot, lines, field)
    else:
        for one in lines:
            times, values = zip(*one.points, strict=True)
            plot.plot(times, values, color=look.colour_of(one.name, field), lw=1.2)
            plot.fill_between(
                times,
                values,
                color=look.colour_of(one.name, field),
                alpha=field["defaults"]["custom"]["fillOpacity"] / 100,
                lw=0,
            )
    _thresholds(plot, field)
    _axis_of_time(plot, asked)
    plot.set_ylim(bottom=field["defaults"].get("min"), top=field["defaults"].get("max"))
    if plot.get_ylim()[1] - plot.get_ylim()[0] < 1e-3:
        plot.set_ylim(0, 1)
    plot.yaxis.set_major_locator(MaxNLocator(5))
    plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: look.shown(value, unit)))
    _legend(axes, lines, field, on_the_right=on_the_right)


def _stack(plot: Axes, lines: Sequence[Series], field: Json) -> None:
    times = sorted({at for one in lines for at, _ in one.points})
    below = np.zeros(len(times))
    for one in lines:
        known = dict(one.points)
        values = np.array([max(known.get(at, 0.0), 0.0) for at in times])
        ink = look.colour_of(one.name, field)
        plot.fill_between(times, below, below + values, color=ink, alpha=0.4, lw=0)
        plot.plot(times, np.where(values > 0, below + values, np.nan), color=ink, lw=1)
        below = below + values


def _thresholds(plot: Axes, field: Json) -> None:
    if field["defaults"]["custom"]["thresholdsStyle"]["mode"] == "off":
        return
    for step in field["defaults"]["thresholds"]["steps"]:
        if step["value"] is not None:
            plot.axhline(step["value"], color=look.colour(step["color"]), lw=1, ls=(0, (5, 4)))


def _axis_of_time(plot: Axes, asked: Asked) -> None:
    plot.set_xlim(asked.since_s, asked.until_s)
    step = next((s for s in (900, 1800, 3600, 7200) if (asked.until_s - asked.since_s) / s <= 8), 14_400)
    first = math.ceil(asked.since_s / step) * step
    plot.set_xticks(range(first, asked.until_s + 1, step))
    plot.xaxis.set_major_formatter(FuncFormatter(lambda at, _: datetime.fromtimestamp(at, UTC).strftime("%H:%M")))
    plot.tick_params(labelsize=SMALL, colors=look.FAINT, length=0)
    plot.grid(color=look.GRID, lw=0.7)
    plot.set_axisbelow(True)
    for spine in plot.spines.values():
        spine.set_visible(False)


def _height_px(axes: Axes) -> float:
    return float(axes.get_window_extent().height)


def _legend_room(axes: Axes, lines: Sequence[Series]) -> float:
    return (min(len(lines), LEGEND_ROWS) + 1.7) * 15 / _height_px(axes)


def _legend(axes: Axes, lines: Sequence[Series], field: Json, *, on_the_right: bool) -> None:
    """A table of names with their last and greatest values."""
    left, right = (0.70, 0.995) if on_the_right else (0.01, 0.99)
    row = 15 / _height_px(axes)
    top = 0.95 if on_the_right else _legend_room(axes, lines) - row
    unit = field["defaults"]["unit"]
    across = right - left
    at_last, at_max = right - across * (0.24 if on_the_right else 0.12), right
    write: dict[str, Any] = {"transform": axes.transAxes, "fontsize": SMALL, "va": "center"}
    for place, word in ((at_last, "Last"), (at_max, "Max")):
        axes.text(place, top, word, ha="right", color=look.HEX["dark-blue"], **write)
    most = int(0.9 / row) if on_the_right else LEGEND_ROWS
    for number, one in enumerate(lines[:most], 1):
        y = top - number * row
        axes.add_patch(
            Rectangle(
                (left, y - row * 0.12), 0.012, row * 0.24,
                color=look.colour_of(one.name, field), transform=axes.transAxes, lw=0,
            )
        )  # fmt: skip
        axes.text(left + 0.02, y, one.name, color=look.INK, **write)
        values = [value for _, value in one.points if not math.isnan(value)] or [math.nan]
        for place, value in ((at_last, one.points[-1][1]), (at_max, max(values))):
            axes.text(place, y, look.shown(value, unit) if not math.isnan(value) else "-", ha="right", **write)


def _bargauge(axes: Axes, panel: Json, asked: Asked) -> None:
    field, lines = panel["fieldConfig"], _series(asked)
    most = field["defaults"].get("max") or max((one.points[-1][1] for one in lines), default=1) or 1
    height = min(1 / max(len(lines), 1), 0.12)
    for number, one in enumerate(lines[: int(1 / height)]):
        y, value = 1 - (number + 0.5) * height, one.points[-1][1]
        ink = look.colour_of(one.name, field)
        for length, alpha in ((0.60, 0.08), (0.60 * min(value / most, 1), 0.85)):
            axes.add_patch(
                Rectangle(
                    (0.17, y - height * 0.32), length, height * 0.64,
                    color=ink, alpha=alpha, transform=axes.transAxes, lw=0,
                )
            )  # fmt: skip
        axes.text(0.15, y, one.name, ha="right", va="center", fontsize=9, transform=axes.transAxes)
        words = look.shown(value, field["defaults"]["unit"])
        axes.text(0.985, y, words, ha="right", va="center", fontsize=10, color=ink, transform=axes.transAxes)


def _heatmap(axes: Axes, panel: Json, asked: Asked) -> None:
    lines = sorted(_series(asked), key=lambda one: float(one.labels["le"]))
    times = sorted({at for one in lines for at, _ in one.points})
    heaped = np.array([[dict(one.points).get(at, 0.0) for at in times] for one in lines])
    cells = np.diff(heaped, axis=0, prepend=0).clip(min=0)
    plot = axes.inset_axes((0.07, 0.1, 0.92, 0.87))
    wide = 3  # as cells of Grafana are wider than a step
    cells = cells[:, : cells.shape[1] // wide * wide].reshape(len(lines), -1, wide).mean(axis=2)
    shown_cells = np.ma.masked_less_equal(cells**0.5, 1e-6)
    plot.imshow(
        shown_cells, aspect="auto", origin="lower", cmap="Blues", vmin=-0.2,
        extent=(times[0], times[-1], -0.5, len(lines) - 0.5), interpolation="nearest",
    )  # fmt: skip
    _axis_of_time(plot, asked)
    ticks = range(0, len(lines), 2)
    names = [one.labels["le"] for one in lines]
    unit = panel["options"]["yAxis"]["unit"]
    plot.set_yticks(list(ticks), ["∞" if names[t] == "+Inf" else look.shown(float(names[t]), unit) for t in ticks])


def _table(axes: Axes, panel: Json, asked: Asked) -> None:
    rows = _merged([answer for answer in asked.answers if isinstance(answer, Rows)])
    rows = _organized(rows, panel)
    row = ROW_PX / _height_px(axes)
    weights = [_weight(column, [line[place] for line in rows.rows]) for place, column in enumerate(rows.columns)]
    edges = np.cumsum([0, *weights]) / sum(weights)
    fields = [look.defaults_of(column, panel["fieldConfig"]) for column in rows.columns]
    for place, column in enumerate(rows.columns):
        is_number = any(isinstance(line[place], int | float) for line in rows.rows)
        x, side = (edges[place + 1] - 0.012, "right") if is_number else (edges[place] + 0.012, "left")
        write: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 8.2, "va": "center", "ha": side}
        axes.text(x, 1 - row / 2, column, color=look.HEX["dark-blue"], **write)
        for number, line in enumerate(rows.rows[: max(int(1 / row) - 1, 1)], 1):
            words, ink = _cell(line[place], fields[place])
            axes.text(x, 1 - (number + 0.5) * row, words, color=ink, **write)
    for number in range(1, min(len(rows.rows), int(1 / row)) + 1):
        axes.plot((0, 1), (1 - number * row,) * 2, color=look.GRID, lw=0.7, transform=axes.transAxes)


def _cell(value: Any, settings: Json) -> tuple[str, str]:
    if value is None:
        return "", look.INK
    words, ink = look.mapped(value, settings)
    if ink is None and isinstance(value, datetime):
        words = value.astimezone(UTC).strftime("%m-%d %H:%M:%S")
    elif ink is None and not isinstance(value, str):
        words = look.shown(float(value), settings["unit"], settings.get("decimals"))
    return words, ink or (look.HEX["dark-blue"] if settings.get("links") else look.INK)


def _weight(column: str, values: Sequence[Any]) -> float:
    lengths = [len(f"{value:.4g}" if isinstance(value, float) else str(value)[:24]) for value in values]
    return max(len(column), *lengths, 5)


def _merged(answers: Sequence[Rows]) -> Rows:
    """Tables side by side, where what they are about is the same."""
    if len(answers) == 1:
        (only,) = answers
        return Rows(["Value" if name == "Value #A" else name for name in only.columns], only.rows)
    keys = [name for name in answers[0].columns if not name.startswith("Value")]
    joined: dict[tuple[Any, ...], dict[str, Any]] = {}
    for rows in answers:
        for line in rows.rows:
            row = dict(zip(rows.columns, line, strict=True))
            joined.setdefault(tuple(row.get(key, "") for key in keys), {}).update(row)
    columns = [*keys, *(name for rows in answers for name in rows.columns if name.startswith("Value"))]
    return Rows(columns, [[row.get(name) for name in columns] for row in joined.values()])


def _organized(rows: Rows, panel: Json) -> Rows:
    options = next(one["options"] for one in panel["transformations"] if one["id"] == "organize")
    order = options["indexByName"]
    kept = [name for name in rows.columns if not options["excludeByName"].get(name)]
    kept.sort(key=lambda name: order.get(name, len(order)))
    named = [options["renameByName"].get(name, name) for name in kept]
    lines = [[dict(zip(rows.columns, line, strict=True))[name] for name in kept] for line in rows.rows]
    for rule in panel["options"]["sortBy"]:
        place = named.index(rule["displayName"])
        lines.sort(key=lambda line: line[place], reverse=rule["desc"])
    return Rows(named, lines)


def _states(axes: Axes, panel: Json, asked: Asked) -> None:
    lanes = _series(asked)
    plot = axes.inset_axes((0.13, 0.16, 0.86, 0.82))
    for number, lane in enumerate(lanes):
        ends = [at for at, _ in lane.points[1:]] + [asked.until_s]
        for (begins, value), end in zip(lane.points, ends, strict=True):
            _, ink = look.mapped(int(value), panel["fieldConfig"]["defaults"])
            plot.barh(-number, end - begins, left=begins, height=0.8, color=ink or look.GRID, lw=0, alpha=0.85)
    _axis_of_time(plot, asked)
    plot.set_yticks([-number for number in range(len(lanes))], [lane.name for lane in lanes])
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"].values()
    for number, one in enumerate(options):
        x = 0.13 + number * 0.11
        box = Rectangle((x, 0.03), 0.012, 0.03, color=look.colour(one["color"]), transform=axes.transAxes, lw=0)
        axes.add_patch(box)
        axes.text(x + 0.017, 0.045, one["text"], va="center", fontsize=SMALL, transform=axes.transAxes)


PAINTERS: Final[dict[str, Callable[[Axes, Json, Asked], None]]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "bargauge": _bargauge,
    "heatmap": _heatmap,
    "table": _table,
    "state-timeline": _states,
}
