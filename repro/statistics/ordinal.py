"""Middles that an order defines: a diverged run is the worst value, and may leave them finite."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri

Numbers = NDArray[np.float64]
Better = Literal["lower", "higher", "neither"]

#: The share that the interquartile mean cuts off at either end.
_CUT = 0.25


def diverged_as_worst(values: ArrayLike, better: Better) -> Numbers:
    """Return ``values`` with every non-finite one made the worst: +∞ where lower is better.

    Where neither is better nothing is worst, and a diverged run is NaN.
    """
    numbers = np.asarray(values, dtype=float)
    worst = {"lower": math.inf, "higher": -math.inf, "neither": math.nan}[better]
    return np.where(np.isfinite(numbers), numbers, worst)


def median(values: ArrayLike) -> Numbers:
    """Return the median over the last axis; infinite where the middle is, NaN if a value is."""
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    n = ordered.shape[-1]
    lower, upper = ordered[..., (n - 1) // 2], ordered[..., n // 2]
    # Half of each: the sum of two large numbers need not be finite.
    middle = np.where(lower == upper, lower, lower / 2 + upper / 2)
    return np.where(np.isnan(ordered[..., -1]), math.nan, middle)


def interquartile_mean(values: ArrayLike) -> Numbers:
    """Return the mean over the last axis without its lowest and its highest quarter.

    A quarter of n values is rounded down, as in ``scipy.stats.trim_mean(values, 0.25)``; fewer than
    four values are all kept. NaN if a value is.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    cut = int(_CUT * ordered.shape[-1])
    kept = ordered[..., cut : ordered.shape[-1] - cut]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.isnan(ordered[..., -1]), math.nan, kept.mean(axis=-1))


def median_standard_error(values: ArrayLike) -> float:
    """Return the standard error of the median of at least two values, from their order.

    The distance between the c-th value from below and from above is a confidence interval of the
    median; divided by the width that its coverage has under the normal distribution, it is a
    standard error (McKean and Schrader, 1984; c as Price and Bonett, 2001, "Estimating the variance
    of the sample median").
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = ordered.size
    rank = max(1, round((n + 1) / 2 - math.sqrt(n)))
    width = float(ordered[n - rank] - ordered[rank - 1])
    return width / (-2 * float(ndtri(bdtr(rank - 1, n, 0.5))))
