"""Mean ranks over data sets: Friedman's test of all methods together, then pairs by Holm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from repro.cells.aggregate import Aggregate
from repro.cells.overall_row import OverallRow
from repro.cells.pooled_runs import PooledRuns, pool_runs
from repro.cells.shared_artifacts import conditional_on
from repro.planning.plan import Plan
from repro.spec import Overall
from repro.statistics import Friedman, friedman, least_friedman_p, least_pair_p
from repro.statistics.ordinal import Numbers

ALPHA = 0.05


def mean_rank_rows(entry: Overall, title: str, plan: Plan, data: Aggregate) -> list[OverallRow]:
    """Return each method's mean rank over the data sets, where it is ranked by its mean over runs.

    A rank is a place among all: where one method lacks a run, no method has one. A diverged run
    makes its method the worst on that data set.
    """
    pooled = {
        method: pool_runs(plan, data, entry.metric, method, datasets=entry.datasets)
        for method in plan.methods
    }
    rows = {
        method: OverallRow(
            entry.id, title, entry.statistic, entry.metric, method, plan.spec.methods[method].label
        )
        for method in plan.methods
    }
    problem = _problem(rows, pooled)
    if problem:
        return [replace(row, note=problem) for row in rows.values()]
    better = plan.spec.metric(entry.metric).better
    found = friedman({m: _means(runs) for m, runs in pooled.items()}, better=better)
    blocks = len(next(iter(pooled.values())).strata)
    shared = conditional_on([one for runs in pooled.values() for one in runs.groups], plan.spec)
    return [
        replace(row, value=found.mean_ranks[method], p=found.p, note="; ".join(filter(None, notes)))
        for method, row in rows.items()
        for notes in [(_apart(method, found, rows, blocks), *pooled[method].notes, shared)]
    ]


def _problem(rows: Mapping[str, OverallRow], pooled: Mapping[str, PooledRuns]) -> str:
    """Return why there is no ranking; empty where there is one."""
    for method, runs in pooled.items():
        if runs.problem:
            return f"{rows[method].label}: {runs.problem}"
    if len({tuple(runs.datasets) for runs in pooled.values()}) > 1:
        return "the methods have comparable values on different data sets"
    return ""


def _means(runs: PooledRuns) -> Numbers:
    # A diverged run leaves its mean without a finite value: the worst of its data set.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array([stratum[:, 0].mean() for stratum in runs.strata])


def _apart(method: str, found: Friedman, rows: Mapping[str, OverallRow], blocks: int) -> str:
    """Say from which methods this one differs beyond chance, or why that cannot be said."""
    refused = _refused(len(rows), blocks)
    if refused:
        return refused
    if found.p > ALPHA:
        return "no method differs significantly"
    others = [
        rows[other].label
        for pair, p in found.pairs.items()
        if method in pair and p <= ALPHA
        for other in pair
        if other != method
    ]
    return f"differs significantly from {', '.join(others) or 'none'}"


def _refused(methods: int, blocks: int) -> str:
    """Return why no pair could differ significantly, whatever the ranks; empty if one could."""
    if least_friedman_p(methods, blocks) > ALPHA:
        return f"{blocks} data sets are too few for any ranking to be significant"
    least = least_pair_p(methods, blocks)
    if least <= ALPHA:
        return ""
    return (
        f"{blocks} data sets are too few to tell methods apart: the least p of a pair, after Holm "
        f"over {math.comb(methods, 2)} pairs, is {least:.3g}"
    )
