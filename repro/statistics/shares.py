"""The interval of a share of runs where resampling sees no variation."""

from __future__ import annotations

from scipy.special import betaincinv


def share_interval(share: float, runs: float, level: float = 0.95) -> tuple[float, float]:
    """Return Clopper and Pearson's interval of a ``share`` of ``runs`` independent runs.

    It also holds, and is wider than needed, where the chance differs between groups of equal size
    and the share is their mean (Hoeffding, 1956, "On the distribution of the number of successes in
    independent trials").
    """
    tail = (1 - level) / 2
    successes = share * runs
    failures = runs - successes
    low = 0.0 if successes <= 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures <= 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return low, high
