"""A paper's best of several runs: what best our own runs would be expected to have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import log_ndtr

from repro.statistics.ordinal import Better


def expected_best(values: Sequence[float], draws: int, better: Better) -> float | None:
    """Return the expected best of ``draws`` runs, estimated from ``values`` without bias.

    It is the mean of the best over all subsets of that size (a U-statistic). ``None`` where there
    are fewer values than ``draws``: how much better the best of more would be, they cannot say; and
    where neither direction is better.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    if better == "lower":
        ordered = ordered[::-1]
    n = ordered.size
    if not 1 <= draws <= n or better == "neither":
        return None
    # The i-th value from below is the best of a subset if the others come from the i - 1 below it.
    weights = [math.comb(i, draws - 1) / math.comb(n, draws) for i in range(n)]
    return float(ordered @ np.asarray(weights))


@cache
def best_variance(draws: int) -> float:
    """Return the variance of the best of ``draws`` normal runs of variance 1."""
    points = np.linspace(-10, 10, 4001)
    density = draws * np.exp(-(points**2) / 2 + (draws - 1) * log_ndtr(points))
    density /= density.sum()
    mean = density @ points
    return float(density @ (points - mean) ** 2)
