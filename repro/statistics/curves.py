"""A curve through a sweep's points, read at a declared budget."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np


def interpolate(points: Iterable[tuple[float, float]], budget: float) -> float | None:
    """Return the value at cost ``budget`` on the line through ``points`` (cost, value).

    Points are sorted by cost, and points of equal cost are averaged. There is no envelope and no
    best-of-sweep: a setting that is worse at a higher cost pulls the curve down, as it would for
    someone who uses it. ``None`` outside the points' range: nothing is extrapolated. NaN where a
    point is not finite: the curve of a diverged run has no shape.
    """
    pairs = list(points)
    if not all(math.isfinite(cost) and math.isfinite(value) for cost, value in pairs):
        return math.nan
    by_cost: dict[float, list[float]] = {}
    for cost, value in pairs:
        by_cost.setdefault(cost, []).append(value)
    costs = sorted(by_cost)
    if not costs or not costs[0] <= budget <= costs[-1]:
        return None
    means = [float(np.mean(by_cost[cost])) for cost in costs]
    return float(np.interp(budget, costs, means))
