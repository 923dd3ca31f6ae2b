"""A fitted curve through the seeds' means, and its band from seeds that are drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from repro.report.figures.content import Point
from repro.statistics.bootstrap import SEED, stratified_bootstrap
from repro.statistics.ordinal import Numbers

#: Draws of seeds: enough for a line's width; a curve without a closed form is slow to fit.
DRAWS = 500
#: Fewer seeds give too few different draws to say anything.
LEAST_SEEDS = 3
#: Points of a drawn curve.
_POINTS = 60

__all__ = ["DRAWS", "LEAST_SEEDS", "SEED", "banded", "grid"]


def banded(
    table: Numbers, through: Callable[[Numbers], Numbers], at: Numbers, resplit: float
) -> tuple[tuple[Point, ...], str]:
    """Return the curve through the means of ``table`` with its band, and a note where it has none.

    ``table``    (seeds, columns): seeds are drawn for all columns at once, because what one seed
                 gives shares data and noise
    ``through``  takes the columns' means to the values ``at`` which the curve is drawn; NaN where
                 there is no curve through them
    """
    centre = through(table.mean(axis=0))
    if len(table) < LEAST_SEEDS:
        points = tuple(Point(float(x), float(y)) for x, y in zip(at, centre, strict=True))
        return points, f"? no band: fewer than {LEAST_SEEDS} seeds"
    again = stratified_bootstrap([table], _OfDraws(through), resplits=[resplit], draws=DRAWS)
    low, high = centre - again.value + (again.low, again.high)
    return tuple(
        Point(float(x), float(y), y_interval=None if np.isnan(down) else (float(down), float(up)))
        for x, y, down, up in zip(at, centre, low, high, strict=True)
    ), ""


class _OfDraws:
    """The fitted curve's values, as a statistic of seeds drawn again."""

    def __init__(self, through: Callable[[Numbers], Numbers]) -> None:
        self.through = through

    def __call__(self, strata: Sequence[Numbers]) -> Numbers:
        """Return the curves (draws, places drawn) of seeds drawn again (draws, seeds, columns)."""
        # Sorted, because the order of a draw would change the last digit of its mean.
        means = np.sort(strata[0], axis=1).mean(axis=1)
        # With few seeds most draws come again: each different one is fitted once.
        different, which = np.unique(means, axis=0, return_inverse=True)
        return np.array([self.through(one) for one in different])[which.reshape(-1)]


def grid(xs: Numbers, log: bool) -> Numbers:
    """Return where a curve is drawn: between its points, never beyond them."""
    if log:
        positive = xs[xs > 0]
        return np.geomspace(positive.min(), positive.max(), _POINTS)
    return np.linspace(xs.min(), xs.max(), _POINTS)
