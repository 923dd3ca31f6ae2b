"""Drawing: panels in a grid with their titles, notes, labels and legend, as a matplotlib figure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repro.report.figures import law_painters, painters, rows
from repro.report.figures.content import FigureData, Panel
from repro.report.figures.gallery import gallery
from repro.report.figures.painters import Styles
from repro.report.figures.style import (
    LAW,
    SMALL,
    MethodStyle,
    law_style,
    method_styles,
    ordered_styles,
    settings,
)

#: Widths in inches: a text column of a LaTeX article, and a phone.
WIDE, NARROW = 6.3, 3.6
#: Characters of small text per inch, and inches per line of it.
_CHARACTERS, _LINE = 15.0, 0.145
#: Inches of a line or patch in the legend with its margins, and characters of its text per inch.
_KEY, _SHORT_KEY, _LEGEND = 0.68, 0.56, 14.0
#: Inches beside a panel's axes, for its numbers and label.
_MARGIN = 0.65
#: Methods that a note names; more are counted.
_NAMED = 4
#: Characters per line of an upright label: a panel is not taller than that.
_LABEL_WIDTH = 28

Paint = Callable[[Axes, Panel, str, Styles], None]

_PAINTERS: dict[str, Paint] = {
    "frontier": painters.planes,
    "sweep": painters.lines,
    "levels": painters.levels,
    "curves": painters.bands,
    "scatter": painters.clouds,
    "fit": painters.fits,
    "residuals": law_painters.residuals,
    "likelihood": law_painters.likelihoods,
    "ladder": law_painters.ladders,
    "optimum": law_painters.optima,
    "profile": painters.steps,
    "points": rows.dots,
    "tuning": rows.dots,
    "advantage": rows.advantages,
}
#: Kinds whose lines are levels.
_OF_LEVELS = ("ladder", "optimum")
#: Kinds whose rows are named, so that they need no legend.
_ROWS = ("points", "tuning", "advantage")


def draw(data: FigureData, styles: Styles, *, narrow: bool = False) -> Figure:
    """Return the figure: panels in two columns, or in one for a phone, the legend below them."""
    width = NARROW if narrow else WIDE
    with mpl.rc_context(settings()):
        if data.spec.kind == "images":
            return gallery(data.panels, width)
        return _Layout(data, styles, narrow, width).draw()


class _Layout:
    """A figure's grid of panels."""

    def __init__(self, data: FigureData, styles: Styles, narrow: bool, width: float) -> None:
        self.data, self.narrow, self.width = data, narrow, width
        self.styles = {**styles, **_own_styles(data)}
        self.columns = 1 if narrow else min(2, len(data.panels))
        self.characters = int((width / self.columns - _MARGIN) * _CHARACTERS)
        noun = "level" if data.spec.kind in _OF_LEVELS else "method"
        self.notes = [notes(panel, self.characters, noun) for panel in data.panels]

    def draw(self) -> Figure:
        """Return the drawn figure."""
        handles = self._handles()
        legend_columns = self._legend_columns(handles)
        rows_below = math.ceil(len(handles) / legend_columns) + bool(self.data.spec.level_label)
        legend = 0.2 * rows_below + 0.1 if handles else 0.0
        heights = [self._height(row) for row in self._grid_rows()]
        figure = Figure(figsize=(self.width, sum(heights) + legend), layout="constrained")
        grid = figure.subplots(len(heights), self.columns, squeeze=False, height_ratios=heights)
        places = list(grid.flat)
        for axes, panel, lines in zip(places, self.data.panels, self.notes, strict=False):
            self._paint(axes, panel)
            _head(axes, panel.title, lines)
        for axes in places[len(self.data.panels) :]:
            axes.set_axis_off()
        self._label(places)
        if handles:
            figure.legend(
                handles=handles,
                loc="outside lower center",
                ncols=legend_columns,
                title=self.data.spec.level_label or None,
                handlelength=1.8 if self.data.spec.kind in _OF_LEVELS else None,
            )
        return figure

    def _grid_rows(self) -> list[Sequence[int]]:
        """Return the panels' numbers, row by row."""
        count = len(self.data.panels)
        starts = range(0, count, self.columns)
        return [range(start, min(start + self.columns, count)) for start in starts]

    def _height(self, row: Sequence[int]) -> float:
        """Return the inches that a row of the grid needs for its tallest panel."""
        return max(self._inside(i) + _LINE * len(self.notes[i]) for i in row)

    def _inside(self, index: int) -> float:
        panel = self.data.panels[index]
        if self.data.spec.kind in _ROWS:
            return 0.85 + 0.27 * len(panel.categories)
        if self.data.spec.kind == "bars" and self.narrow:
            return 0.6 + 0.13 * len(panel.categories) * (len(panel.series) + 1)
        return 2.3 if self.columns == 2 else 2.6

    def _paint(self, axes: Axes, panel: Panel) -> None:
        if self.data.spec.kind == "bars":
            rows.bars(axes, panel, self.styles, lying=self.narrow)
        else:
            _PAINTERS[self.data.spec.kind](axes, panel, self.data.spec.log, self.styles)

    def _label(self, places: Sequence[Axes]) -> None:
        """Name the axes at the outer edge alone, unless panels differ in what they show."""
        panels = self.data.panels
        names = [panel.x_label or self.data.x_label for panel in panels]
        x_labels, y_label = names, self.data.y_label
        if self.data.spec.kind == "bars" and self.narrow:
            x_labels, y_label = [y_label], ""
        for index, axes in enumerate(places[: len(panels)]):
            last = index + self.columns >= len(panels)
            if last or len(set(names)) > 1:
                axes.set_xlabel(textwrap.fill(x_labels[index], self.characters - 3))
            if index % self.columns == 0:
                axes.set_ylabel(textwrap.fill(y_label, _LABEL_WIDTH))
            elif panels[index].categories == panels[index - 1].categories != ():
                axes.tick_params(axis="y", labelleft=False)

    def _handles(self) -> list[Artist]:
        if self.data.spec.kind in _ROWS:
            return []
        make = _HANDLES.get(self.data.spec.kind, _line_handle)
        return [
            (_law_handle if key == LAW else make)(self.styles[key], label)
            for key, label in self.data.methods
        ]

    def _legend_columns(self, handles: Sequence[Artist]) -> int:
        """Return how many columns the legend has, filled from top to bottom.

        As few rows as fit, and no more columns than these need: none is nearly empty.
        """
        lengths = [len(label) for _, label in self.data.methods]
        for columns in range(len(handles), 1, -1):
            groups = np.array_split(lengths, columns)
            key = _SHORT_KEY if self.data.spec.kind in _OF_LEVELS else _KEY
            if sum(key + max(group) / _LEGEND for group in groups) <= self.width:
                return math.ceil(len(lengths) / math.ceil(len(lengths) / columns))
        return 1


def _own_styles(data: FigureData) -> Styles:
    """Return the styles of what is no method: of levels in their order, of forms, of a law."""
    if data.spec.kind in _OF_LEVELS:
        levels = dict.fromkeys(s.method for p in data.panels for s in p.series if s.method != LAW)
        return {**ordered_styles(list(levels)), LAW: law_style()}
    if data.spec.kind == "residuals":
        return method_styles(dict.fromkeys(s.method for p in data.panels for s in p.series), ())
    return {}


def notes(panel: Panel, characters: int, noun: str = "method") -> tuple[str, ...]:
    """Return what a panel leaves out, in lines: ``noun``s that share a note share a line of it.

    A law is the panel's one, and needs no name.
    """
    whose: dict[str, list[str]] = {}
    for series in panel.series:
        for note in filter(None, series.note.split("; ")):
            whose.setdefault(note, []).append("" if series.method == LAW else series.label)
    lines = []
    for note, labels in whose.items():
        who = ", ".join(labels) if len(labels) <= _NAMED else f"{len(labels)} {noun}s"
        lines += textwrap.wrap(f"{note}: {who}" if who else note, characters)
    return tuple(lines)


def _head(axes: Axes, title: str, lines: Sequence[str]) -> None:
    """Put the panel's title above its notes, and both above the axes."""
    axes.set_title(textwrap.fill(title, _LABEL_WIDTH + 12), pad=6 + len(lines) * SMALL * 1.25)
    axes.annotate(
        "\n".join(lines),
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=SMALL,
        va="bottom",
        linespacing=1.1,
    )


def _line_handle(style: MethodStyle, label: str) -> Artist:
    return Line2D(
        [],
        [],
        color=style.color,
        marker=style.marker,
        linestyle=style.dash,
        linewidth=style.width,
        label=label,
    )


def _law_handle(style: MethodStyle, label: str) -> Artist:
    return Line2D(
        [], [], color=style.color, linestyle=style.dash, linewidth=style.width, label=label
    )


def _mark_handle(style: MethodStyle, label: str) -> Artist:
    return Line2D([], [], color=style.color, marker=style.marker, linestyle="none", label=label)


def _bar_handle(style: MethodStyle, label: str) -> Artist:
    return Patch(facecolor=style.color, hatch=style.hatch, edgecolor="white", label=label)


_HANDLES: dict[str, Callable[[MethodStyle, str], Artist]] = {
    "scatter": _mark_handle,
    "optimum": _mark_handle,
    "ladder": _law_handle,
    "bars": _bar_handle,
}
