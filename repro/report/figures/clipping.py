"""Limits of axes: an interval far longer than all means lie apart must not squeeze them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from repro.report.figures.content import Panel, Point
from repro.report.figures.style import MethodStyle

#: How far beyond the means an axis may reach, in parts of the means' range.
_BEYOND = 1.0
_ARROWS = {"x": ("<", ">"), "y": ("v", "^")}


def clip(axes: Axes, panel: Panel, log: str, styles: dict[str, MethodStyle]) -> None:
    """Keep axes of measured values near the means; an arrow marks an interval that goes on."""
    points = [(series.method, point) for series in panel.series for point in series.points]
    for direction in ("x", "y"):
        limits = _limits([point for _, point in points], direction, direction in log)
        if limits is None:
            continue
        (axes.set_xlim if direction == "x" else axes.set_ylim)(*limits)
        for method, point in points:
            arrows(axes, point, direction, limits, styles[method])


def _limits(points: Sequence[Point], direction: str, log: bool) -> tuple[float, float] | None:
    """Return where to cut an axis; ``None`` where no interval reaches too far."""
    means = [getattr(point, direction) for point in points]
    intervals = [getattr(point, f"{direction}_interval") for point in points]
    ends = [end for interval in intervals if interval for end in interval]
    if not ends or min(means) == max(means):
        return None
    place, value = (math.log, math.exp) if log else (float, float)
    low, high = place(min(means)), place(max(means))
    reach = _BEYOND * (high - low)
    limits = value(low - reach), value(high + reach)
    return limits if min(ends) < limits[0] or max(ends) > limits[1] else None


def arrows(
    axes: Axes, point: Point, direction: str, limits: tuple[float, float], style: MethodStyle
) -> None:
    """Mark the ends of the axis beyond which a point's interval goes on."""
    interval = getattr(point, f"{direction}_interval")
    if interval is None:
        return
    cut = (interval[0] < limits[0], interval[1] > limits[1])
    for is_cut, end, marker in zip(cut, limits, _ARROWS[direction], strict=True):
        if is_cut:
            x, y = (end, point.y) if direction == "x" else (point.x, end)
            axes.plot([x], [y], marker=marker, color=style.color, markersize=4, clip_on=False)
