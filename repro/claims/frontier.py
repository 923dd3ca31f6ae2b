"""The claim that the method is better at matched cost: two sweeps' curves, read at budgets.

Budgets are a list in the spec, or a rule in it: evenly spaced within the range of costs that every
curve of the pair has, over all seeds of both methods. The rule looks at costs alone, and at both
methods alike: to exchange them in any seed leaves the budgets where they are. So the paired test
errs no more often than at fixed budgets, as long as the methods are exchangeable: their costs and
values are drawn alike. Where they are not, where one method's costs vary and the other's do not,
nothing but simulation says what it errs (docs/error_rates.md). The range shrinks as seeds are
added, for each must reach all of it: another number of seeds asks at other budgets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from repro.cells.aggregate import Group
from repro.claims.axis import curve_trouble, swept
from repro.claims.better import on_one
from repro.claims.budgets import budget_texts
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.scope import pairs_here
from repro.claims.values import Pair
from repro.statistics import Comparison, Numbers, Rules, Sides, interpolate, untested

#: A curve: for each setting, seed → cost and seed → value.
_Curve = Sequence[tuple[dict[int, float], dict[int, float]]]


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each rival on each data set at each budget that both curves reach."""
    return [
        planned
        for dataset, rival in pairs_here(case, evidence)
        for planned in _at_budgets(case, evidence, dataset, rival)
    ]


def _at_budgets(case: Case, evidence: Evidence, dataset: str, rival: str) -> list[Planned]:
    metric, cost = case.metric_on(dataset), case.claim.cost
    curves = [swept(case, dataset, method) for method in (case.claim.method, rival)]
    trouble = _trouble(case, curves, rival, dataset)
    if trouble:
        evidence.problem(trouble)
        return []
    measured = (group.values(name).keys() for c in curves for group in c for name in (metric, cost))
    seeds = sorted(set.intersection(*map(set, measured)))
    points = [[(g.values(cost), g.values(metric)) for g in curve] for curve in curves]
    budgets = _budgets(case, points, seeds)
    if budgets is None:
        evidence.problem(_no_overlap(case, rival, dataset))
        return []
    found, texts = [], budget_texts(budgets)
    for budget in budgets:
        ours, theirs = (_read(curve, seeds, budget) for curve in points)
        if ours is None or theirs is None:
            evidence.left_out.append(_outside(case, dataset, rival, texts[budget]))
            continue
        sides = Sides(ours, theirs, case.spec.metric(metric).better)
        planned = on_one(case, Pair(dataset, rival, metric, sides), budget, f"at {texts[budget]}")
        shapeless = [
            case.label(method)
            for method, read in ((case.claim.method, ours), (rival, theirs))
            if not np.isfinite(read).all()
        ]
        found.append(replace(planned, test=_untested(shapeless)) if shapeless else planned)
    if not found:
        where = case.place(rival, dataset)
        evidence.problem(f"no declared budget lies within both curves for {where}")
    return found


def _budgets(case: Case, curves: Sequence[_Curve], seeds: Sequence[int]) -> Sequence[float] | None:
    """Return the costs at which both are read; ``None`` where no cost lies within all curves."""
    if isinstance(case.claim.budgets, list):
        return [float(budget) for budget in case.claim.budgets]
    ranges = [
        (min(costs), max(costs))
        for curve in curves
        for seed in seeds
        if (costs := [cost[seed] for cost, _ in curve if math.isfinite(cost[seed])])
    ]
    if len(ranges) < len(curves) * len(seeds):
        return None  # a run without any finite cost has no curve
    low, high = max(start for start, _ in ranges), min(end for _, end in ranges)
    if not (low < high and math.isfinite(high - low)):
        return None
    inner = np.linspace(low, high, case.claim.budgets["in_overlap"] + 2)[1:-1]
    return [float(budget) for budget in inner]


def _trouble(case: Case, curves: Sequence[Sequence[Group]], rival: str, dataset: str) -> str:
    methods = [case.claim.method, rival]
    for curve, method in zip(curves, methods, strict=True):
        if len(curve) < 2:
            place = case.dataset_label(dataset)
            return f"{case.label(method)} has no sweep on {place}, so no curve"
        trouble = curve_trouble(case, curve, [case.metric_on(dataset), case.claim.cost])
        if trouble:
            return trouble
    if len(curves[0]) != len(curves[1]):
        sizes = " and ".join(str(len(curve)) for curve in curves)
        return f"the grids of {' and '.join(map(case.label, methods))} differ ({sizes})"
    return ""


def _read(curve: _Curve, seeds: Sequence[int], budget: float) -> Numbers | None:
    """Return the curve of each seed at ``budget``; ``None`` where one does not reach it."""
    values = [
        interpolate(((costs[seed], values[seed]) for costs, values in curve), budget)
        for seed in seeds
    ]
    read = [value for value in values if value is not None]
    return np.array(read) if len(read) == len(values) else None


def _untested(methods: Sequence[str]) -> Callable[[Rules, float], Comparison]:
    """Return the test of a pair in which the curves of ``methods`` have a diverged run.

    One setting of a sweep may have diverged far from the budget: to take that for the worst value
    at every budget would judge runs that never diverged.
    """
    note = f"runs diverged in the sweep of {' and of '.join(methods)}: such a curve has no shape"

    def test(_: Rules, __: float) -> Comparison:
        return untested(0, note)

    return test


def _no_overlap(case: Case, rival: str, dataset: str) -> str:
    cost = case.spec.metric(case.claim.cost).label
    return f"{case.place(rival, dataset)}: no {cost} is reached by both curves in every seed"


def _outside(case: Case, dataset: str, rival: str, budget: str) -> str:
    cost = case.spec.metric(case.claim.cost).label
    place = case.dataset_label(dataset)
    against = f"{cost} {budget} against {case.label(rival)} on {place}"
    return f"{against} (not within both curves)"
