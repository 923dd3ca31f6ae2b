"""A method's values along an axis: a swept parameter, or the levels of a metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.cells.aggregate import Group
from repro.claims.case import Case, Evidence
from repro.claims.values import table_values, unfinished

#: What ``along`` says for an axis of a metric's levels.
LEVEL = "level"


@dataclass(frozen=True)
class Point:
    """One place along an axis: where it lies, and seed → value there."""

    x: float
    values: dict[int, float]


def points_along(case: Case, evidence: Evidence, dataset: str, method: str) -> list[Point] | None:
    """Return a method's points along the claim's axis, in order.

    ``None``, and a problem in ``evidence``, where a trial is missing or there is no such axis.
    """
    if case.claim.along == LEVEL:
        return _levels(case, evidence, dataset, method)
    groups = swept(case, dataset, method, case.claim.along)
    if len(groups) < 2:
        evidence.problem(f"{case.place(method, dataset)} has no sweep of {case.claim.along}")
        return None
    metric = case.metric_on(dataset)
    trouble = curve_trouble(case, groups, [metric])
    if trouble:
        evidence.problem(trouble)
        return None
    return [Point(float(g.setting.swept[case.claim.along]), g.values(metric)) for g in groups]


def rival_points(
    case: Case, evidence: Evidence, dataset: str, rival: str, places: Sequence[float]
) -> list[Point] | None:
    """Return a rival's points at ``places``; one that has no such axis is the same everywhere."""
    if case.claim.along == LEVEL or has_axis(case, rival):
        points = points_along(case, evidence, dataset, rival)
        if points is not None and [point.x for point in points] != list(places):
            axis = case.claim.along
            labels = f"{case.label(case.claim.method)} and {case.label(rival)}"
            evidence.problem(f"{labels} have different values of {axis}")
            return None
        return points
    values = table_values(case, evidence, dataset, rival, case.metric_on(dataset))
    return None if values is None else [Point(x, values) for x in places]


def has_axis(case: Case, method: str) -> bool:
    """Say whether a method has a sweep of the claim's axis."""
    return isinstance(case.spec.methods[method].params.get(case.claim.along), dict)


def swept(case: Case, dataset: str, method: str, along: str = "") -> list[Group]:
    """Return the settings of a method's sweep; with ``along``, those that differ in it alone.

    Along one of several axes the others stand at the table's values. A setting that tuning put
    into the table beside the sweep is no point of it.
    """
    groups = [g for g in case.data.curve(dataset, method) if g.setting.in_sweep]
    if not along:
        return groups
    table = {
        name: value.get("table")
        for name, value in case.spec.methods[method].params.items()
        if isinstance(value, dict) and name != along
    }
    kept = [g for g in groups if along in g.setting.swept and _others(g, along) == table]
    return sorted(kept, key=lambda group: float(group.setting.swept[along]))


def curve_trouble(case: Case, groups: Sequence[Group], metrics: Sequence[str]) -> str:
    """Say what is missing of a curve: every setting must have the seeds that all are planned for.

    A sweep may have fewer seeds than the table's setting on it.
    """
    planned = set.intersection(*({record.trial.seed for record in g.records} for g in groups))
    for group in groups:
        for metric in metrics:
            if not planned or planned - group.values(metric).keys():
                return unfinished(case, group, metric)
    return ""


def _others(group: Group, along: str) -> dict[str, object]:
    return {name: value for name, value in group.setting.swept.items() if name != along}


def _levels(case: Case, evidence: Evidence, dataset: str, method: str) -> list[Point] | None:
    metric = case.metric_on(dataset)
    points = []
    for level in sorted(case.spec.metrics[metric].levels, key=float):
        values = table_values(case, evidence, dataset, method, f"{metric}@{level}")
        if values is None:
            return None
        points.append(Point(float(level), values))
    return points
