"""Painting series into one set of axes: lines, bands, clouds, fitted curves, profiles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from repro.report.figures.axes import Across, across, finish
from repro.report.figures.clipping import clip
from repro.report.figures.content import Panel, Point
from repro.report.figures.style import MethodStyle

Styles = dict[str, MethodStyle]

_BAND = 0.15
#: Levels that an axis can name one by one.
_TICKS = 6
#: Parts of an axis by which two of its numbers must lie apart.
_LEAST_GAP = 0.09


def lines(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint means joined by lines, with interval bars; crosses where both axes are measured."""
    places = across(panel, log)
    for series in panel.series:
        style = styles[series.method]
        xs, ys = line(series.points, places)
        axes.plot(xs, ys, color=style.color, linestyle=style.dash, linewidth=style.width)
        marks(axes, series.points, places, style)
    finish(axes, places, log)


def planes(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint lines through points that are measured in both directions."""
    lines(axes, panel, log, styles)
    clip(axes, panel, log, styles)


def levels(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint lines over levels of evaluation, with a tick at each level while there is room."""
    lines(axes, panel, log, styles)
    name_places(axes, panel, across(panel, log))


def name_places(axes: Axes, panel: Panel, places: Across) -> None:
    """Tick the places at which there are points, where they are few enough to be named."""
    names = {places(p.x): f"{p.x:g}" for series in panel.series for p in series.points}
    name_ticks(axes.xaxis, sorted(names), places.log, names)


def name_ticks(
    axis: Axis, values: Sequence[float], log: bool, names: Mapping[float, str] | None = None
) -> None:
    """Tick the values themselves, by their ``names``, where all of them have room."""
    if not values or len(values) > _TICKS or _crowded(values, log):
        return
    shown = names or {}
    axis.set_major_locator(FixedLocator(list(values)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: shown.get(x, f"{x:g}")))


def _crowded(xs: Sequence[float], log: bool) -> bool:
    """Say whether two places lie nearer than a number is wide."""
    at = [math.log(x) for x in xs] if log else list(xs)
    gaps = [after - before for before, after in itertools.pairwise(at)]
    return min(gaps, default=1.0) < _LEAST_GAP * (at[-1] - at[0])


def bands(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint a line through many steps, a band for the interval and a few markers to tell it by."""
    places = across(panel, log)
    for index, series in enumerate(panel.series):
        style = styles[series.method]
        every = max(1, len(series.points) // 6)
        band(axes, series.points, places, style)
        xs, ys = line(series.points, places)
        axes.plot(
            xs,
            ys,
            color=style.color,
            linestyle=style.dash,
            linewidth=style.width,
            marker=style.marker,
            markevery=(index * every // max(1, len(panel.series)), every),
            zorder=style.order,
        )
    finish(axes, places, log)
    if not places.log:
        # Steps and epochs are counted.
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def clouds(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint unjoined marks, with intervals where they have any."""
    places = across(panel, log)
    for series in panel.series:
        marks(axes, series.points, places, styles[series.method])
    finish(axes, places, log)
    clip(axes, panel, log, styles)


def fits(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint means with their intervals, and the fitted curve with its band."""
    places = across(panel, log)
    for series in panel.series:
        style = styles[series.method]
        band(axes, series.curve, places, style)
        xs, ys = line(series.curve, places)
        axes.plot(xs, ys, color=style.color, linestyle=style.dash, linewidth=style.width)
        marks(axes, series.points, places, style)
    finish(axes, places, log)
    name_places(axes, panel, places)


def steps(axes: Axes, panel: Panel, log: str, styles: Styles) -> None:
    """Paint step functions with bands, a few markers on each; shares lie between 0 and 1."""
    places = across(panel, log)
    for index, series in enumerate(panel.series):
        style = styles[series.method]
        every = max(1, len(series.points) // 6)
        band(axes, series.points, places, style, step="post")
        axes.plot(
            *line(series.points, places),
            drawstyle="steps-post",
            color=style.color,
            linestyle=style.dash,
            linewidth=style.width,
            marker=style.marker,
            markevery=(index * every // max(1, len(panel.series)), every),
            zorder=style.order,
        )
    finish(axes, places, log)
    axes.set_ylim(-0.03, 1.03)


def errors(points: Sequence[Point], direction: str) -> Any:
    """Return how far the intervals reach down and up from each point; ``None`` without any."""
    ends = [(getattr(p, direction), getattr(p, f"{direction}_interval")) for p in points]
    if all(interval is None for _, interval in ends):
        return None
    below = [max(0.0, value - interval[0]) if interval else 0.0 for value, interval in ends]
    above = [max(0.0, interval[1] - value) if interval else 0.0 for value, interval in ends]
    return [below, above]


def line(points: Sequence[Point], places: Across) -> tuple[list[float], list[float]]:
    """Return the line's coordinates, with a gap wherever two points are not to be joined."""
    xs: list[float] = []
    ys: list[float] = []
    for before, point in zip([None, *points], points, strict=False):
        over_break = before is not None and places.log and (before.x == 0) != (point.x == 0)
        if before is not None and (over_break or not point.joined):
            xs.append(math.nan)
            ys.append(math.nan)
        xs.append(places(point.x))
        ys.append(point.y)
    return xs, ys


def marks(axes: Axes, points: Sequence[Point], places: Across, style: MethodStyle) -> None:
    """Paint marks with their intervals."""
    axes.errorbar(
        [places(p.x) for p in points],
        [p.y for p in points],
        xerr=errors(points, "x"),
        yerr=errors(points, "y"),
        color=style.color,
        marker=style.marker,
        linestyle="none",
        elinewidth=0.9,
        zorder=style.order,
    )


def band(
    axes: Axes,
    points: Sequence[Point],
    places: Across,
    style: MethodStyle,
    step: Any = None,
) -> None:
    """Paint the intervals of points that a line joins as a band about it."""
    xs, _ = line(points, places)
    ends = [p.y_interval or (p.y, p.y) for p in points]
    gaps = iter(ends)
    pairs = [(math.nan, math.nan) if math.isnan(x) else next(gaps) for x in xs]
    low, high = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    axes.fill_between(xs, low, high, color=style.color, alpha=_BAND, linewidth=0, step=step)
