"""The runs of one method on several data sets, as statistics over all of them take them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from repro.cells.aggregate import Aggregate, Group, dataset_entry
from repro.planning.plan import Plan
from repro.statistics.ordinal import Better, Numbers, diverged_as_worst


@dataclass
class PooledRuns:
    """Per data set an array (runs, columns): the method's values and, if asked for, a reference's.

    Runs are those that are finished and fresh; where there is a reference, the seeds of both.
    ``datasets``  the data sets that the arrays are of, in their order
    ``groups``    the trials that the arrays are of
    ``problem``   why nothing can be said; empty if something can
    ``notes``     what was left out
    """

    strata: list[Numbers] = field(default_factory=list)
    resplits: list[float] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    problem: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def diverged(self) -> int:
        """Number of the method's runs that are not finite."""
        return sum(int((~np.isfinite(runs[:, 0])).sum()) for runs in self.strata)

    @property
    def single(self) -> bool:
        """Whether a data set has one run alone, whose error nothing can say."""
        return any(len(runs) < 2 for runs in self.strata)

    @property
    def log_problem(self) -> str:
        """Why log ratios to the reference's mean do not exist; empty if they do."""
        if not all((runs[np.isfinite(runs)] > 0).all() for runs in self.strata):
            return "log ratios need positive values"
        if not all(np.isfinite(runs[:, 1]).all() for runs in self.strata):
            return "runs of the reference diverged"
        return ""

    def ordered(self, better: Better, *, log: bool) -> list[Numbers]:
        """Return the strata with diverged runs as the worst value: as logarithms have it, if so."""
        strata = [diverged_as_worst(runs, better) for runs in self.strata]
        # ln 0 is −∞, the worst logarithm where higher is better.
        return [np.where(runs == -math.inf, 0.0, runs) for runs in strata] if log else strata


def pool_runs(
    plan: Plan,
    data: Aggregate,
    metric: str,
    method: str,
    *,
    datasets: Sequence[str] | None = None,
    reference: str = "",
) -> PooledRuns:
    """Return the method's runs on ``datasets`` (all of the plan, by default).

    A data set that has no meaningful value of the metric is left out for every method; one on which
    a planned run of this method is not there is a problem, because means over different sets do not
    compare, and runs that fail are seldom like those that do not. So is a partial selection.
    """
    pooled = PooledRuns(problem="a partial selection was run" if plan.partial else "")
    wanted = plan.datasets if datasets is None else datasets
    here = [dataset for dataset in wanted if dataset in plan.datasets]
    if len(here) < len(wanted):
        pooled.notes.append(f"{len(wanted) - len(here)} data sets are not run here")
    for dataset in here:
        _add(pooled, plan, data, dataset, metric, [method, reference] if reference else [method])
    if not pooled.strata and not pooled.problem:
        pooled.problem = "no data set that is run here has this metric"
    return pooled


def _add(
    pooled: PooledRuns,
    plan: Plan,
    data: Aggregate,
    dataset: str,
    metric: str,
    methods: Sequence[str],
) -> None:
    entry = dataset_entry(plan.spec, dataset)
    cells = [data.cell(dataset, method, metric) for method in methods]
    found = [cell for cell in cells if cell is not None and cell.state != "not comparable"]
    if len(found) < len(cells):
        pooled.notes.append(f"{entry.label} has no comparable value of it")
        return
    seeds = sorted(set.intersection(*(set(cell.values) for cell in found)))
    planned = max(cell.planned for cell in found)
    if not seeds:
        pooled.problem = pooled.problem or f"no finished run on {entry.label}"
        return
    if len(seeds) < planned:
        pooled.problem = pooled.problem or f"{len(seeds)} of {planned} runs on {entry.label}"
    pooled.strata.append(np.array([[cell.values[seed] for cell in found] for seed in seeds]))
    pooled.resplits.append(entry.resplit)
    pooled.datasets.append(dataset)
    pooled.groups += [cell.group for cell in found]
