"""The values that a claim is judged by, seed by seed, or why they are not all there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from repro.cells.aggregate import Group
from repro.claims.case import Case, Evidence
from repro.claims.scope import pairs_here
from repro.statistics import Numbers, Sides


@dataclass(frozen=True)
class Pair:
    """The method and a rival on one data set, seed by seed."""

    dataset: str
    rival: str
    metric: str
    sides: Sides


def pairs(case: Case, evidence: Evidence) -> Iterator[Pair]:
    """Yield every pair that has all its trials; the others are problems in ``evidence``."""
    for dataset, rival in pairs_here(case, evidence):
        values = paired_values(case, evidence, dataset, [case.claim.method, rival])
        if values is not None:
            metric = case.metric_on(dataset)
            sides = Sides(values[0], values[1], case.spec.metric(metric).better)
            yield Pair(dataset, rival, metric, sides)


def paired_values(
    case: Case, evidence: Evidence, dataset: str, methods: Sequence[str]
) -> list[Numbers] | None:
    """Return each method's values on a data set, all over the same seeds in the same order.

    ``None``, and a problem in ``evidence``, where a trial is missing, failed or stale.
    """
    metric = case.metric_on(dataset)
    sides = []
    for method in methods:
        values = table_values(case, evidence, dataset, method, metric)
        if values is None:
            return None
        sides.append(values)
    return over_common_seeds(sides)


def table_values(
    case: Case, evidence: Evidence, dataset: str, method: str, metric: str
) -> dict[int, float] | None:
    """Return seed → value of a cell of the table; ``None`` and a problem where one is missing."""
    cell = case.data.cell(dataset, method, metric)
    if cell is None:
        label, place = case.spec.metric(metric).label, case.place(method, dataset)
        measured = any((c.dataset, c.method) == (dataset, method) for c in case.data.cells.values())
        absent = f"no run of {place} has a value of {label}"
        evidence.problem(absent if measured else f"{label} of {place} is not in the table")
        return None
    if not cell.complete:
        evidence.problem(unfinished(case, cell.group, metric))
        return None
    return cell.values


def over_common_seeds(sides: Sequence[dict[int, float]]) -> list[Numbers]:
    """Return the values of each of ``sides`` at the seeds that all have, in the seeds' order."""
    seeds = sorted(set.intersection(*(set(side) for side in sides)))
    return [np.array([side[seed] for seed in seeds], dtype=float) for side in sides]


def unfinished(case: Case, group: Group, metric: str) -> str:
    """Return in words how many of a setting's trials have measured ``metric``, and why not all."""
    finished, planned = len(group.values(metric)), len(group.records)
    place = case.place(group.setting.method, group.setting.dataset)
    why = ", ".join(_counts(group))
    return f"{place} has {finished} of {planned} trials" + (f" ({why})" if why else "")


def _counts(group: Group) -> Iterator[str]:
    for state in ("failed", "stale", "running", "lost", "missing"):
        count = sum(record.state == state for record in group.records)
        if count:
            yield f"{count} {state}"
