"""Performance profiles: for every threshold, the share of a method's runs that are better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from repro.cells.aggregate import Aggregate
from repro.cells.pooled_runs import pool_runs
from repro.planning.plan import Plan
from repro.statistics import data_sets
from repro.statistics.bootstrap import StratifiedStatistic, stratified_bootstrap
from repro.statistics.ordinal import Better, Numbers
from repro.statistics.shares import share_interval

#: Thresholds per curve.
POINTS = 41


class ProfilePoint(NamedTuple):
    """The share of runs better than ``threshold``, averaged over data sets, with its interval."""

    threshold: float
    share: float
    low: float
    high: float


def profile(
    plan: Plan,
    data: Aggregate,
    metric: str,
    *,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    relative_to: str = "",
    level: float = 0.95,
) -> dict[str, list[ProfilePoint]]:
    """Return each method's curve over thresholds from the least to the largest finite value.

    ``relative_to``  thresholds are log ratios to that method's mean on the same data set

    Better is above the threshold, or below it where lower is better; a diverged run is better than
    none. Intervals are pointwise. A method without runs on one of the data sets has no curve.
    Raises ``ValueError`` for a metric of which neither direction is better.
    """
    better = plan.spec.metric(metric).better
    if better == "neither":
        raise ValueError(f"{metric} has no better direction")
    log = bool(relative_to)
    strata = {}
    for method in plan.methods if methods is None else methods:
        pooled = pool_runs(plan, data, metric, method, datasets=datasets, reference=relative_to)
        if not pooled.problem and not (log and pooled.log_problem):
            strata[method] = (pooled, pooled.ordered(better, log=log))
    thresholds = _thresholds([runs for _, parts in strata.values() for runs in parts], log=log)
    return {
        method: _curve(parts, pooled.resplits, thresholds, better, log=log, level=level)
        for method, (pooled, parts) in strata.items()
        if thresholds.size
    }


def _thresholds(strata: Sequence[Numbers], *, log: bool) -> Numbers:
    values = [data_sets.log_ratio(runs)[..., 0] if log else runs[:, 0] for runs in strata]
    finite = [value for runs in values for value in runs if math.isfinite(value)]
    if not finite:
        return np.array([])
    return np.unique(np.linspace(min(finite), max(finite), POINTS))


def _curve(
    strata: list[Numbers],
    resplits: list[float],
    thresholds: Numbers,
    better: Better,
    *,
    log: bool,
    level: float,
) -> list[ProfilePoint]:
    shares = data_sets.performance_profile(thresholds, better)
    statistic: StratifiedStatistic = data_sets.relative(shares) if log else shares
    found = stratified_bootstrap(
        strata, statistic, resplits=resplits, bounds=(0.0, 1.0), level=level
    )
    runs = sum(len(part) / (1 + len(part) * r) for part, r in zip(strata, resplits, strict=True))
    points = []
    for threshold, share, low, high in zip(
        thresholds, found.value, found.low, found.high, strict=True
    ):
        ends = (low, high) if math.isfinite(low) else share_interval(share, runs, level)
        points.append(ProfilePoint(*map(float, (threshold, share, *ends))))
    return points
