"""Painting laws: ladders of learning curves, best levels, what curves leave, likelihoods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from repro.report.figures.axes import across, finish
from repro.report.figures.clipping import arrows
from repro.report.figures.content import Panel, Point, Series
from repro.report.figures.painters import Styles, line, marks, name_places, name_ticks
from repro.report.figures.style import INK, LAW, SMALL, MethodStyle

#: Points² of a mark that stands for one seed, and how solid marks are that may cover each other.
_AREA, _SOLID = 14.0, 0.8
#: Parts of an axis by which series at one place are drawn apart.
_APART = 0.014
#: Parts of the drawn likelihood's width by which an interval beside it may reach further.
_FURTHER = 0.5


def ladders(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint a line for each level, and over them the frontier and its law."""
    places = across(panel, log)
    for series in panel.series:
        style = styles[series.method]
        if series.method == LAW:
            _law(axes, series, style)
            xs, ys = [p.x for p in series.points], [p.y for p in series.points]
            axes.plot(xs, ys, ".", color=style.color, markersize=4, zorder=style.order)
        else:
            xs, ys = line(series.points, places)
            axes.plot(xs, ys, color=style.color, linewidth=style.width)
    finish(axes, places, log)


def optima(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint a mark for each place of a vertex, as large as the seeds that have it, and the law."""
    for series in panel.series:
        style = styles[series.method]
        areas = [_AREA * point.weight for point in series.points]
        xs, ys = [p.x for p in series.points], [p.y for p in series.points]
        axes.scatter(xs, ys, areas, color=style.color, alpha=_SOLID, linewidths=0, zorder=2)
    # The marks set the axes: with few seeds the band may reach much further.
    finish(axes, across(panel, log), log)
    limits = axes.get_ylim()
    for series in panel.series:
        if series.method == LAW:
            _law(axes, series, styles[LAW])
    axes.set_ylim(limits)
    levels = sorted(float(series.label) for series in panel.series if series.method != LAW)
    name_ticks(axes.yaxis, levels, "y" in log)


def residuals(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint what each form leaves, side by side about the line of nothing left."""
    axes.axhline(0, color=INK, linewidth=0.9, zorder=1)
    places = across(panel, log)
    low, high = places.ends if places.log else _ends(panel)
    for index, series in enumerate(panel.series):
        style = styles[series.method]
        aside = _APART * (index - (len(panel.series) - 1) / 2)
        moved = [
            replace(p, x=p.x * (high / low) ** aside if places.log else p.x + aside * (high - low))
            for p in series.points
        ]
        xs, ys = line(moved, places)
        axes.plot(xs, ys, color=style.color, linestyle=style.dash, linewidth=style.width)
        marks(axes, moved, places, style)
    finish(axes, places, log)
    name_places(axes, panel, places)


def likelihoods(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint the deviance, its bound, the truth, and the estimate with its bootstrap interval."""
    places = across(panel, log)
    for series in panel.series:
        style = styles[series.method]
        curve = [(p.x, p.y) for p in series.curve]
        axes.plot(*zip(*curve, strict=True), color=style.color, linewidth=style.width)
        marks(axes, series.points, places, style)
        limits = _seen(series, panel.truth)
        axes.set_xlim(*limits)
        for point in series.points:
            arrows(axes, point, "x", limits, style)
    if panel.threshold is not None:
        axes.axhline(panel.threshold, color=INK, linestyle=(0, (1, 1.5)), linewidth=1.2)
        axes.set_ylim(-0.1 * panel.threshold, 1.6 * panel.threshold)
        _name(axes, "95 %", (0.5, panel.threshold), (0, 2), axes.get_yaxis_transform())
    if panel.truth is not None:
        axes.axvline(panel.truth, color=INK, linewidth=1.0, zorder=1)
        _name(axes, "truth", (panel.truth, 0.9), (4, 0), axes.get_xaxis_transform())
    finish(axes, places, log)


def _name(
    axes: Axes, text: str, at: tuple[float, float], aside: tuple[float, float], place: Transform
) -> None:
    """Write what a line is beside it."""
    axes.annotate(
        text,
        at,
        xycoords=place,
        xytext=aside,
        textcoords="offset points",
        fontsize=SMALL,
        va="bottom",
    )


def _law(axes: Axes, series: Series, style: MethodStyle) -> None:
    xs, ys = [p.x for p in series.curve], [p.y for p in series.curve]
    if any(point.y_interval for point in series.curve):
        ends = [point.y_interval or (point.y, point.y) for point in series.curve]
        low, high = zip(*ends, strict=True)
        axes.fill_between(xs, low, high, color=style.color, alpha=0.13, linewidth=0, zorder=2)
    axes.plot(xs, ys, color=style.color, linestyle=style.dash, linewidth=style.width, zorder=3)


def _ends(panel: Panel) -> tuple[float, float]:
    xs = [point.x for series in panel.series for point in series.points]
    return min(xs), max(xs)


def _seen(series: Series, truth: float | None) -> tuple[float, float]:
    """Return the ends of the axis: the likelihood, the truth, the interval as far as it is near."""
    low, high = _xs(series.curve)
    reach = _FURTHER * (high - low)
    for interval in (point.x_interval for point in series.points if point.x_interval):
        low, high = (
            max(low - reach, min(low, interval[0])),
            min(high + reach, max(high, interval[1])),
        )
    if truth is not None:
        low, high = min(low, truth), max(high, truth)
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def _xs(points: Sequence[Point]) -> tuple[float, float]:
    return min(point.x for point in points), max(point.x for point in points)
