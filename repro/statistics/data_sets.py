"""Statistics over runs × data sets: what a method does on all of them together.

The definitions are those of Agarwal et al. (2021), "Deep reinforcement learning at the edge of the
statistical precipice", but for the median, which here is that of all runs, as the interquartile
mean is the mean of the middle half of all runs. Each takes, per data set, an array (draws, runs,
columns), as :func:`repro.statistics.bootstrap.stratified_bootstrap` gives it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from repro.statistics import ordinal
from repro.statistics.bootstrap import StratifiedStatistic
from repro.statistics.estimate import Estimate, estimate_mean, linear_combination
from repro.statistics.ordinal import Better, Numbers


def mean_over_data_sets(
    groups: Sequence[Sequence[float]], resplits: Sequence[float]
) -> Estimate | None:
    """Return the mean over data sets of the means over runs, with Satterthwaite's t.

    The data sets are fixed: the error says what other runs on the same sets would change.
    ``None`` where a data set lacks two finite values.
    """
    means = [estimate_mean(values, r) for values, r in zip(groups, resplits, strict=True)]
    present = [mean for mean in means if mean is not None]
    if not present or len(present) < len(means):
        return None
    return linear_combination(present, [1 / len(present)] * len(present))


def median(strata: Sequence[Numbers]) -> Numbers:
    """Return the median of all runs (draws,)."""
    return ordinal.median(_pooled(strata))


def interquartile_mean(strata: Sequence[Numbers]) -> Numbers:
    """Return the mean of the middle half of all runs (draws,)."""
    return ordinal.interquartile_mean(_pooled(strata))


def probability_of_improvement(better: Better) -> StratifiedStatistic:
    """Return the statistic that says how often a run of the first column beats one of the second.

    Every run is set against every other of its data set (Mann and Whitney's U over its largest
    value), a tie counts half, and the data sets are averaged. Its columns are to be resampled each
    on its own: it says how runs compare that have nothing in common, and if seeds are shared after
    all, the interval is wider than need be. (Resampled in pairs, runs on 10 data sets with 3 seeds
    whose noise correlates by 0.7 had 95 % intervals that covered 88 %; so, 98 %.)
    """
    sign = 1.0 if better == "higher" else -1.0

    def statistic(strata: Sequence[Numbers]) -> Numbers:
        shares = []
        for runs in strata:
            ours, theirs = sign * runs[..., 0, np.newaxis], sign * runs[..., np.newaxis, :, 1]
            wins = (ours > theirs).mean(axis=(-2, -1))
            shares.append(wins + (ours == theirs).mean(axis=(-2, -1)) / 2)
        return np.asarray(np.mean(shares, axis=0))

    return statistic


def performance_profile(thresholds: Numbers, better: Better) -> StratifiedStatistic:
    """Return the statistic that gives the share of runs better than each threshold.

    The share is taken per data set and averaged over them: (draws, thresholds).
    """
    sign = 1.0 if better == "higher" else -1.0

    def statistic(strata: Sequence[Numbers]) -> Numbers:
        bars = sign * thresholds
        # One threshold at a time: draws × runs × thresholds need not fit into memory.
        shares = [
            np.stack([(sign * runs[..., 0] > bar).mean(axis=-1) for bar in bars], axis=-1)
            for runs in strata
        ]
        return np.asarray(np.mean(shares, axis=0))

    return statistic


def relative(statistic: StratifiedStatistic) -> StratifiedStatistic:
    """Return ``statistic`` of log ratios: the first column over the mean of the second.

    The mean is taken over the resampled runs, so that its own error counts.
    """

    def over_mean(strata: Sequence[Numbers]) -> Numbers:
        return statistic([log_ratio(runs) for runs in strata])

    return over_mean


def log_ratio(runs: Numbers) -> Numbers:
    """Return ln of the first column over the second's mean over the runs: (…, runs, 1)."""
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.log(runs[..., :1]) - np.log(runs[..., 1:].mean(axis=-2, keepdims=True))
        )


def log_ratio_terms(runs: Numbers) -> Numbers:
    """Return numbers, one per run (runs,), whose mean is that of :func:`log_ratio`.

    Their variance is that of the log ratios together with the reference's mean, to first order (the
    delta method); runs that share a seed stay together.
    """
    ours, theirs = runs[..., 0], runs[..., 1]
    mean = theirs.mean(axis=-1, keepdims=True)
    return np.asarray(np.log(ours) - np.log(mean) - (theirs - mean) / mean)


def _pooled(strata: Sequence[Numbers]) -> Numbers:
    return np.concatenate([runs[..., 0] for runs in strata], axis=-1)
