"""Painting categories: a row per method or comparison, and groups of bars."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from repro.report.figures.content import Panel, Series
from repro.report.figures.painters import Styles, errors
from repro.report.figures.style import INK, SMALL, MethodStyle

#: Characters per line of a row's name.
NAME_WIDTH = 24
#: Characters of a remark in a row: what else there is to say stands in the text.
_REMARK_WIDTH = 38
_SHADE = 0.07
#: Share of a group's width that its bars take.
_GROUP = 0.84


def dots(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint marks with their intervals in rows, from top to bottom."""
    for series in panel.series:
        _row(axes, series, styles[series.method])
    names = [textwrap.fill(name, NAME_WIDTH) for name in panel.categories]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if "x" in log:
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))


def advantages(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint rows of estimates, with the range in which the claim says that they lie."""
    dots(axes, panel, log, styles)
    low, high = panel.bounds
    for bound in panel.bounds:
        if bound is not None:
            axes.axvline(bound, color=INK, linewidth=1.0, zorder=1)
    left, right = axes.get_xlim()
    axes.axvspan(
        left if low is None else low,
        right if high is None else high,
        color=INK,
        alpha=_SHADE,
        linewidth=0,
        zorder=0,
    )
    axes.set_xlim(left, right)


def _row(axes: Axes, series: Series, style: MethodStyle) -> None:
    for remark in series.remarks:
        # Beside the panel, or within a row that has no mark.
        place, side = (1.01, "left") if series.points else (0.99, "right")
        axes.text(
            place,
            remark.at,
            _short(remark.text),
            transform=axes.get_yaxis_transform(),
            fontsize=SMALL,
            ha=side,
            va="center",
        )
    for point in series.points:
        axes.errorbar(
            [point.x],
            [point.y],
            xerr=errors([point], "x"),
            color=style.color,
            marker=style.marker,
            markersize=6,
            markerfacecolor=style.color if point.filled else "none",
            elinewidth=style.width,
        )


def _short(text: str) -> str:
    """Return a remark that is too long up to its colon: the reason without what follows from it."""
    short = text if len(text) <= _REMARK_WIDTH else text.partition(":")[0]
    return textwrap.shorten(short, _REMARK_WIDTH, placeholder=" …")


def bars(axes: Axes, panel: Panel, styles: Styles, *, lying: bool) -> None:
    """Paint a group of bars per category, upright or ``lying``, from zero."""
    width = _GROUP / max(1, len(panel.series))
    for index, series in enumerate(panel.series):
        offset = (index - (len(panel.series) - 1) / 2) * width
        _bar(axes, series, styles[series.method], offset, width, lying)
    names = [textwrap.fill(name, 14) for name in panel.categories]
    if lying:
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.axvline(0, color=INK, linewidth=0.7)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    else:
        axes.set_xticks(range(len(names)), names)
        axes.axhline(0, color=INK, linewidth=0.7)
        axes.grid(visible=False, axis="x")
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_locator(MaxNLocator(5))


def _bar(
    axes: Axes, series: Series, style: MethodStyle, offset: float, width: float, lying: bool
) -> None:
    places = [point.x + offset for point in series.points]
    values = [point.y for point in series.points]
    look: dict[str, Any] = {
        "color": style.color,
        "hatch": style.hatch,
        "edgecolor": "white",
        "linewidth": 0.5,
    }
    whisker: dict[str, Any] = {"fmt": "none", "ecolor": INK, "elinewidth": 0.9}
    spans = errors(series.points, "y")
    if lying:
        axes.barh(places, values, 0.94 * width, **look)
        axes.errorbar(values, places, xerr=spans, **whisker)
    else:
        axes.bar(places, values, 0.94 * width, **look)
        axes.errorbar(places, values, yerr=spans, **whisker)
    for remark in series.remarks:
        at = (0.0, remark.at + offset) if lying else (remark.at + offset, 0.0)
        axes.annotate(
            remark.text[:1],
            at,
            xytext=(5, 0) if lying else (0, 5),
            textcoords="offset points",
            fontsize=SMALL,
            ha="center",
            va="center",
        )
