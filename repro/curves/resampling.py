"""How far fitted parameters may be off: the bootstrap over seeds, or over points without seeds.

A seed's points come from runs that share their noise, so that whole seeds are resampled. A sample
drawn with replacement varies (n − 1) / n as much as the data do, which the error makes up for; the
interval is Student's t about the estimate, because with few seeds the percentiles of the resamples
cover far too little (74 % at 3 seeds in place of 95).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.curves.forms import Numbers

Indices = NDArray[np.intp]
#: Takes the indices of points, some of them repeatedly; returns named numbers.
Estimator = Callable[[Indices], Mapping[str, float]]

#: Up to so many different resamples are all taken, with their probabilities; beyond, drawn.
DRAWS = 2000
#: Of the resamples, the share that must have led to a fit.
_LEAST_SHARE = 0.9


@dataclass(frozen=True)
class Bootstrap:
    """An estimate and the same of every resample.

    ``units``      seeds, or points, that were resampled
    ``estimate``   by name
    ``resampled``  by name, one number for each resample, of shape (resamples,)
    ``chances``    the probability of each resample
    """

    units: int
    estimate: dict[str, float]
    resampled: dict[str, Numbers]
    chances: Numbers

    @property
    def degrees_of_freedom(self) -> int:
        """Those of the standard error: units − 1, or of the resamples where fewer were drawn."""
        return min(self.units, self.chances.size) - 1

    def standard_error(self, name: str, *, logarithmic: bool = False) -> float:
        """Return the standard error of a number, or of its logarithm; NaN where there is none."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            values = np.log(self.resampled[name]) if logarithmic else self.resampled[name]
            there = np.isfinite(values)
            share = float(self.chances[there].sum())
            if self.units < 2 or share < _LEAST_SHARE:
                return math.nan
            values, chances = values[there], self.chances[there] / share
            variance = float(chances @ (values - chances @ values) ** 2)
        return math.sqrt(variance * self.units / (self.units - 1))

    def interval(
        self, name: str, level: float = 0.95, *, logarithmic: bool = False
    ) -> tuple[float, float] | None:
        """Return the t interval of a number; on its logarithm where ``logarithmic``.

        ``None`` where more than a tenth of the resamples had no fit, where there is one unit alone,
        and where the estimate itself is not a number.
        """
        from scipy.stats import t

        error, value = self.standard_error(name, logarithmic=logarithmic), self.estimate[name]
        if not (math.isfinite(error) and math.isfinite(value)) or (logarithmic and value <= 0):
            return None
        reach = float(t.ppf((1 + level) / 2, self.degrees_of_freedom)) * error
        if logarithmic:
            with np.errstate(over="ignore"):
                return value * float(np.exp(-reach)), value * float(np.exp(reach))
        return value - reach, value + reach


def bootstrap(
    estimator: Estimator, seeds: ArrayLike, generator: np.random.Generator, draws: int = DRAWS
) -> Bootstrap:
    """Return ``estimator`` of all points and of resamples of their ``seeds``, of shape (points,).

    Points of equal seed are taken together; for single points, give each a seed of its own. A
    resample for which the estimator raises ``ValueError`` has NaN throughout.
    """
    _, group = np.unique(np.asarray(seeds), return_inverse=True)
    units, order = int(group.max()) + 1, np.argsort(group, kind="stable")
    estimate = dict(estimator(np.arange(group.size)))
    weights, chances = resamples(units, draws, generator)
    counts = np.rint(weights * units).astype(int)
    rows = [_estimated(estimator, np.repeat(order, row[group[order]])) for row in counts]
    resampled = {name: np.array([row.get(name, math.nan) for row in rows]) for name in estimate}
    return Bootstrap(units, estimate, resampled, chances)


def resamples(n: int, draws: int, generator: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Return the weights of ``n`` units in each resample, (resamples, n), and its probability.

    All different resamples where there are at most ``draws``, else so many drawn ones.
    """
    # The number itself, which is at least n, takes seconds to compute for many units.
    if n > draws or math.comb(2 * n - 1, n) > draws:
        counts = generator.multinomial(n, np.full(n, 1 / n), size=draws)
        return counts / n, np.full(draws, 1 / draws)
    picks = itertools.combinations_with_replacement(range(n), n)
    counts = np.array([np.bincount(pick, minlength=n) for pick in picks])
    ways = [math.factorial(n) / math.prod(map(math.factorial, row)) for row in counts.tolist()]
    return counts / n, np.array(ways) / float(n) ** n


def _estimated(estimator: Estimator, points: Indices) -> Mapping[str, float]:
    try:
        return estimator(points)
    except ValueError:
        return {}
