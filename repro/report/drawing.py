"""Drawing: one function per kind of figure, from tidy data to a matplotlib figure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from repro.report.figure_data import FigureData, Panel, Series
from repro.report.style import MethodStyle, settings

Styles = dict[str, MethodStyle]
Names = tuple[tuple[str, str], ...]

#: Widths in inches: a text column, and a phone.
WIDE, NARROW = 7.2, 3.6
#: Characters per line of an axis label: a panel is not taller, nor on a phone wider, than that.
_LABEL_WIDTH = 24
#: Characters per line of a note above a panel, its height in inches, and the methods named in it.
_NOTE_WIDTH = 46
_NOTE_HEIGHT = 0.13
_NAMED = 4


def draw(data: FigureData, styles: Styles, *, narrow: bool = False) -> Figure:
    """Return the figure: panels in two columns, or in one for a phone, the legend below them."""
    paint = _PAINTERS[data.spec.kind]
    columns = 1 if narrow else min(2, len(data.panels))
    rows = math.ceil(len(data.panels) / columns)
    width = NARROW if narrow or columns == 1 else WIDE
    with mpl.rc_context(settings()):
        height = rows * (_panel_height(data) + _NOTE_HEIGHT * _note_lines(data)) + 0.55
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        places = list(grid.flat)
        for axes, panel in zip(places, data.panels, strict=False):
            paint(axes, panel, styles, data.methods)
            _head(axes, panel, () if data.spec.kind == "points" else _notes(panel))
        for axes in places[len(data.panels) :]:
            axes.set_axis_off()
        _label(places[: len(data.panels)], columns, data)
        if data.spec.kind != "points":
            _legend(figure, data, styles, width)
    return figure


def _panel_height(data: FigureData) -> float:
    if data.spec.kind != "points":
        return 2.5
    return 0.55 + 0.28 * len(data.methods)


def _note_lines(data: FigureData) -> int:
    """Return the lines of notes above the panel that has the most; ``points`` has them inside."""
    if data.spec.kind == "points":
        return 0
    return max((len(_notes(panel)) for panel in data.panels), default=0)


def _notes(panel: Panel) -> tuple[str, ...]:
    """Return what the panel's lines leave out: methods that share a note share a line of it."""
    methods: dict[str, list[str]] = {}
    for series in panel.series:
        for note in filter(None, series.note.split("; ")):
            methods.setdefault(note, []).append(series.label)
    lines = []
    for note, labels in methods.items():
        who = ", ".join(labels) if len(labels) <= _NAMED else f"{len(labels)} methods"
        lines += textwrap.wrap(f"{note}: {who}", _NOTE_WIDTH)
    return tuple(lines)


def _head(axes: Axes, panel: Panel, notes: tuple[str, ...]) -> None:
    """Put the panel's title above its notes, and both above the axes."""
    size = 7.5
    axes.set_title(panel.title, pad=6 + len(notes) * size * 1.25)
    axes.annotate(
        "\n".join(notes),
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=size,
        va="bottom",
        linespacing=1.1,
    )


def _lines(axes: Axes, panel: Panel, styles: Styles, _: Names) -> None:
    """Draw means joined by lines, with interval bars; crosses where both axes are measured."""
    for series in panel.series:
        style = styles[series.method]
        points = series.points
        axes.errorbar(
            [p.x for p in points],
            [p.y for p in points],
            yerr=[p.y_half for p in points],
            xerr=[p.x_half for p in points] if any(p.x_half for p in points) else None,
            color=style.color,
            marker=style.marker,
            linestyle=style.dash,
            linewidth=style.width,
            elinewidth=0.9,
            zorder=3 if style.width > 2 else 2,
        )
    _few_ticks(axes)


def _bands(axes: Axes, panel: Panel, styles: Styles, _: Names) -> None:
    """Draw a line through many steps, a band for the interval and a few markers to tell it by."""
    for index, series in enumerate(panel.series):
        style = styles[series.method]
        steps, means = [p.x for p in series.points], [p.y for p in series.points]
        low = [p.y - p.y_half for p in series.points]
        high = [p.y + p.y_half for p in series.points]
        axes.fill_between(steps, low, high, color=style.color, alpha=0.15, linewidth=0)
        every = max(1, len(steps) // 6)
        axes.plot(
            steps,
            means,
            color=style.color,
            linestyle=style.dash,
            linewidth=style.width,
            marker=style.marker,
            markevery=(index * every // max(1, len(panel.series)), every),
        )
    _few_ticks(axes)


def _dots(axes: Axes, panel: Panel, styles: Styles, names: Names) -> None:
    """Draw one mean with its interval per method, from top to bottom."""
    rows = {method: row for row, (method, _) in enumerate(names)}
    for series in panel.series:
        _dot(axes, series, rows[series.method], styles[series.method])
    axes.set_yticks(range(len(names)), [label for _, label in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _dot(axes: Axes, series: Series, row: int, style: MethodStyle) -> None:
    if series.note:
        place = axes.get_yaxis_transform()
        above = 0.4 if series.points else 0.0
        axes.text(
            0.99, row - above, series.note, transform=place, fontsize=7.5, ha="right", va="center"
        )
    if not series.points:
        return
    point = series.points[0]
    axes.errorbar(
        [point.x],
        [row],
        xerr=[point.x_half],
        color=style.color,
        marker=style.marker,
        markersize=6.5,
        elinewidth=style.width + 0.4,
    )


_PAINTERS: dict[str, Callable[[Axes, Panel, Styles, Names], None]] = {
    "frontier": _lines,
    "levels": _lines,
    "curves": _bands,
    "points": _dots,
}


def _few_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _label(places: list[Axes], columns: int, data: FigureData) -> None:
    """Name the axes at the outer edge alone; rows of ``points`` are named in the first column."""
    for index, axes in enumerate(places):
        if index + columns >= len(places):
            axes.set_xlabel(textwrap.fill(data.x_label, _LABEL_WIDTH))
        if index % columns == 0:
            axes.set_ylabel(textwrap.fill(data.y_label, _LABEL_WIDTH))
        elif data.spec.kind == "points":
            axes.tick_params(axis="y", labelleft=False)


def _legend(figure: Figure, data: FigureData, styles: Styles, width: float) -> None:
    names = data.methods
    handles = [_handle(styles[method], label) for method, label in names]
    longest = max((len(label) for _, label in names), default=1)
    columns = max(1, min(len(names), int(width * 11 / (longest + 8))))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def _handle(style: MethodStyle, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        color=style.color,
        marker=style.marker,
        linestyle=style.dash,
        linewidth=style.width,
        label=label,
    )
