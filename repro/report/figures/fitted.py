"""Series of ``fit``: means along an axis, the curve fitted to them, and the curve's band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.curves import FORMS, Problem
from repro.report.figures.along import places
from repro.report.figures.content import Point, Series
from repro.report.figures.means import Place, drawn
from repro.report.figures.spec import FigureSpec
from repro.statistics.bootstrap import SEED, stratified_bootstrap
from repro.statistics.ordinal import Numbers

#: Draws of seeds: enough for a line's width; a curve without a closed form is slow to fit.
DRAWS = 500
#: Fewer seeds give too few different draws to say anything.
_LEAST_SEEDS = 3
#: Points of a drawn curve.
_POINTS = 60

__all__ = ["DRAWS", "SEED", "fitted"]


def fitted(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Series:
    """Return means with the fitted curve, which is left out where a mean is missing.

    A fit without the settings that diverged would be one to the survivors.
    """
    found = places(figure, dataset, method, data)
    resplit = dataset_entry(data.spec, dataset).resplit
    points, note = drawn(found, resplit, figure.log)
    curve: tuple[Point, ...] = ()
    if points:
        curve, why = ((), "? no curve") if note else _curve(figure, found, resplit)
        note = "; ".join(filter(None, (note, why)))
    return Series(method, data.spec.methods[method].label, tuple(points), note, curve)


def _curve(
    figure: FigureSpec, found: Sequence[Place], resplit: float
) -> tuple[tuple[Point, ...], str]:
    """Return the curve through the means with its band, and a note where either is missing."""
    xs = np.array([place.x for place in found], dtype=float)
    values = [place.y for place in found if isinstance(place.y, list)]
    needed = len(FORMS[figure.form].parameters)
    if np.unique(xs).size < needed:
        return (), f"? no curve: {len(xs)} points are fewer than {needed} parameters"
    curve = _Curve(Problem.of(figure.form, xs), _grid(xs, "x" in figure.log))
    centre = curve.through(np.array([np.mean(entry) for entry in values]))
    seeds = min(len(entry) for entry in values)
    if seeds < _LEAST_SEEDS:
        points = tuple(Point(float(x), float(y)) for x, y in zip(curve.at, centre, strict=True))
        return points, f"? no band: fewer than {_LEAST_SEEDS} seeds"
    # Seeds are drawn for all places at once, because runs of one seed share data and noise; a
    # place with more seeds than the others lends those that all have.
    table = np.array([entry[:seeds] for entry in values]).T
    drawn_again = stratified_bootstrap([table], curve, resplits=[resplit], draws=DRAWS)
    low, high = centre - drawn_again.value + (drawn_again.low, drawn_again.high)
    return tuple(
        Point(float(x), float(y), y_interval=None if np.isnan(down) else (float(down), float(up)))
        for x, y, down, up in zip(curve.at, centre, low, high, strict=True)
    ), ""


class _Curve:
    """The fitted curve's values ``at`` some places, as a statistic of the seeds' values."""

    def __init__(self, problem: Problem, at: Numbers) -> None:
        self.problem, self.at = problem, at

    def through(self, means: Numbers) -> Numbers:
        """Return the values of the curve fitted to one mean per place."""
        return self.problem.fit(means).predict(self.at)

    def __call__(self, strata: Sequence[Numbers]) -> Numbers:
        """Return the curves (draws, places drawn) of seeds drawn again (draws, seeds, places)."""
        # Sorted, because the order of a draw would change the last digit of its mean.
        means = np.sort(strata[0], axis=1).mean(axis=1)
        # With few seeds most draws come again: each different one is fitted once.
        different, which = np.unique(means, axis=0, return_inverse=True)
        return np.array([self.through(one) for one in different])[which.reshape(-1)]


def _grid(xs: Numbers, log: bool) -> Numbers:
    """Return where the curve is drawn: between its points, never beyond them."""
    if log:
        positive = xs[xs > 0]
        return np.geomspace(positive.min(), positive.max(), _POINTS)
    return np.linspace(xs.min(), xs.max(), _POINTS)
