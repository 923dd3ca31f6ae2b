"""Stratified bootstrap: runs are resampled within each data set, the data sets stay as they are.

Resampling n runs sees (n − 1) / n of their variance. So the deviations of the resampled statistic
are stretched by √(n / (n − 1)) before their quantiles are taken. It is the statistic's deviations
that are stretched, not those of the runs from their data set's mean: the two agree for a mean, but
stretched runs would no longer be runs where only their order, or whether they lie beyond a
threshold, counts. With 3 runs on each of 10 data sets, nominal 95 % intervals of the interquartile
mean, the median and a share of normal runs cover 92 to 95 %, without stretching 87 to 89 %; of
lognormal runs that of the interquartile mean covers 91 %, without stretching 86 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from repro.statistics.ordinal import Numbers

#: At least 2,000; more make the interval's ends steadier.
DRAWS = 4000
SEED = 0

#: Numbers held at a time: draws × runs², because statistics may compare runs pairwise.
_BLOCK = 4_000_000

#: Takes, per data set, an array (draws, runs, columns); returns (draws,) or (draws, points).
StratifiedStatistic = Callable[[Sequence[Numbers]], Numbers]


@dataclass(frozen=True)
class Bootstrapped:
    """A statistic, or one per point, and the ends of its interval.

    ``low`` and ``high`` are NaN where the runs say nothing of the statistic's error: where a data
    set has a single run, and where every resample gives the same value. An end is infinite where
    diverged runs make it so.
    """

    value: Numbers
    low: Numbers
    high: Numbers
    level: float
    draws: int
    seed: int


def stratified_bootstrap(
    strata: Sequence[Numbers],
    statistic: StratifiedStatistic,
    *,
    paired: bool = True,
    resplits: Sequence[float] | None = None,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Bootstrapped:
    """Return the statistic of ``strata`` with a percentile interval.

    ``strata``    per data set an array (runs, columns)
    ``paired``    whether the columns of a run are resampled together, or each column on its own
    ``resplits``  per data set, see :func:`repro.statistics.summary.variance_factor`
    ``bounds``    what the statistic cannot leave: the interval is cut off there

    Where data sets differ in their number of runs, the largest stretch is taken for all.
    """
    value = statistic([runs[np.newaxis] for runs in strata])[0]
    stretch = _stretch(strata, resplits or [0.0] * len(strata))
    nothing = np.full_like(value, math.nan, dtype=float)
    if not math.isfinite(stretch):
        return Bootstrapped(value, nothing, nothing, level, draws, seed)
    random = np.random.default_rng(seed)
    resampled = _resample(strata, statistic, draws, random, paired=paired)
    with np.errstate(invalid="ignore", over="ignore"):
        moved = value + stretch * (resampled - value)
    tail = (1 - level) / 2
    # Ends that are values, not mixtures of two: a mixture with an infinite one is not a number.
    low = np.quantile(moved, tail, axis=0, method="lower")
    high = np.quantile(moved, 1 - tail, axis=0, method="higher")
    alike = (resampled == value).all(axis=0)
    low, high = (np.where(alike, nothing, np.clip(end, *bounds)) for end in (low, high))
    return Bootstrapped(value, low, high, level, draws, seed)


def _stretch(strata: Sequence[Numbers], resplits: Sequence[float]) -> float:
    """Return the largest √(n / (n − 1)), re-splits counted; infinite where n is 1."""
    if any(len(runs) < 2 for runs in strata):
        return math.inf
    pairs = zip(strata, resplits, strict=True)
    return max(math.sqrt((1 + len(runs) * r) * len(runs) / (len(runs) - 1)) for runs, r in pairs)


def _resample(
    strata: Sequence[Numbers],
    statistic: StratifiedStatistic,
    draws: int,
    random: np.random.Generator,
    *,
    paired: bool,
) -> Numbers:
    block = max(1, _BLOCK // sum(len(runs) ** 2 for runs in strata))
    parts = []
    for start in range(0, draws, block):
        count = min(block, draws - start)
        parts.append(statistic([_draw(runs, count, random, paired=paired) for runs in strata]))
    return np.concatenate(parts)


def _draw(runs: Numbers, count: int, random: np.random.Generator, *, paired: bool) -> Numbers:
    columns = 1 if paired else runs.shape[1]
    rows = random.integers(len(runs), size=(count, len(runs), columns))
    return np.take_along_axis(runs[np.newaxis], rows, axis=1)
