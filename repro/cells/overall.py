"""The spec's ``overall:`` statistics: each method over all runs and data sets together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from repro.cells.aggregate import Aggregate
from repro.cells.mean_ranks import mean_rank_rows
from repro.cells.overall_row import OverallRow
from repro.cells.pooled_runs import PooledRuns, pool_runs
from repro.cells.shared_artifacts import conditional_on
from repro.planning.plan import Plan
from repro.spec import Overall
from repro.statistics import data_sets
from repro.statistics.bootstrap import StratifiedStatistic, stratified_bootstrap
from repro.statistics.ordinal import Better, Numbers


def overall(plan: Plan, data: Aggregate) -> list[OverallRow]:
    """Return the rows of every ``overall:`` entry but profiles, which are curves.

    Nothing is set against itself: the method that others are relative to has no row.
    """
    return [
        row
        for entry in plan.spec.overall
        if entry.statistic != "profile"
        for row in (_ranked if entry.statistic == "mean_rank" else _rows)(entry, plan, data)
    ]


def title_of(entry: Overall, plan: Plan) -> str:
    """Return the entry's title, or one that says what it is."""
    if entry.title:
        return entry.title
    metric = plan.spec.metric(entry.metric).label
    rival = plan.spec.methods[entry.relative_to].label if entry.relative_to else ""
    if entry.statistic == "probability_of_improvement":
        return f"Probability that a run is better than one of {rival}, by {metric}"
    if entry.statistic == "mean_rank":
        return f"Mean rank over data sets by {metric}, 1 for the best"
    of = f"ln({metric} / mean of {rival})" if rival else metric
    return f"{entry.statistic.replace('_', ' ').capitalize()} of {of} over runs and data sets"


def _ranked(entry: Overall, plan: Plan, data: Aggregate) -> list[OverallRow]:
    return mean_rank_rows(entry, title_of(entry, plan), plan, data)


def _rows(entry: Overall, plan: Plan, data: Aggregate) -> Iterator[OverallRow]:
    rival = entry.relative_to
    title = title_of(entry, plan)
    for method in plan.methods:
        if method == rival:
            continue
        pooled = pool_runs(
            plan, data, entry.metric, method, datasets=entry.datasets, reference=rival
        )
        label = plan.spec.methods[method].label
        row = OverallRow(entry.id, title, entry.statistic, entry.metric, method, label, rival)
        row = _filled(row, pooled, plan.spec.metric(entry.metric).better)
        shared = "" if row.value is None else conditional_on(pooled.groups, plan.spec)
        yield replace(row, note="; ".join(filter(None, (row.note, *pooled.notes, shared))))


def _filled(row: OverallRow, pooled: PooledRuns, better: Better) -> OverallRow:
    log = bool(row.rival) and row.statistic != "probability_of_improvement"
    problem = pooled.problem or (pooled.log_problem if log else "")
    if problem:
        return replace(row, note=problem)
    if row.statistic == "mean":
        row = _mean(row, pooled)
    else:
        row = _bootstrapped(row, pooled, better, log=log)
    if row.value is None or row.interval or not pooled.single:
        return row
    return replace(row, note="a data set with a single run allows no interval")


def _mean(row: OverallRow, pooled: PooledRuns) -> OverallRow:
    if pooled.diverged:
        return replace(row, note=_no_mean(pooled.diverged))
    with np.errstate(over="ignore", invalid="ignore"):
        groups = [_terms(runs) for runs in pooled.strata]
        value = float(np.mean([np.mean(group) for group in groups]))
    if not math.isfinite(value):
        return replace(row, note="the values are too large to be averaged")
    estimate = data_sets.mean_over_data_sets(groups, pooled.resplits)
    if estimate is None or not 0 < estimate.standard_error < math.inf:
        return replace(row, value=value, note="the runs give its error no size: no interval")
    tail = (1 - row.level) / 2
    return replace(row, value=value, interval=estimate.interval(tail, tail))


def _terms(runs: Numbers) -> list[float]:
    values = data_sets.log_ratio_terms(runs) if runs.shape[1] == 2 else runs[:, 0]
    return [float(value) for value in values]


def _bootstrapped(row: OverallRow, pooled: PooledRuns, better: Better, *, log: bool) -> OverallRow:
    statistic = _STATISTICS.get(row.statistic) or data_sets.probability_of_improvement(better)
    share = row.statistic == "probability_of_improvement"
    found = stratified_bootstrap(
        pooled.ordered(better, log=log),
        data_sets.relative(statistic) if log else statistic,
        paired=not share,
        resplits=pooled.resplits,
        bounds=(0.0, 1.0) if share else (-math.inf, math.inf),
        level=row.level,
    )
    value, low, high = float(found.value), float(found.low), float(found.high)
    if not math.isfinite(value):
        return replace(row, note="runs diverged, and it lies among them")
    row = replace(row, value=value, draws=found.draws, seed=found.seed)
    if math.isfinite(low) and math.isfinite(high):
        return replace(row, interval=(low, high))
    unbounded = math.isinf(low) or math.isinf(high)
    reason = "runs diverged, and it has no end" if unbounded else "no resample differs"
    return replace(row, note=f"no interval: {reason}")


_STATISTICS: dict[str, StratifiedStatistic] = {
    "median": data_sets.median,
    "interquartile_mean": data_sets.interquartile_mean,
}


def _no_mean(diverged: int) -> str:
    return f"{diverged} run{'' if diverged == 1 else 's'} diverged: there is no mean"
