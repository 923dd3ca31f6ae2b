"""The claim that a parameter of a curve fitted along an axis lies within bounds."""

from __future__ import annotations

import numpy as np

from repro.claims.axis import points_along
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.scope import datasets_here, rivals_here
from repro.claims.values import over_common_seeds
from repro.statistics import Comparison, Numbers, Rules, compare_curve_parameter


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each data set."""
    rivals_here(case, evidence)
    planned = []
    for dataset in datasets_here(case, evidence):
        points = points_along(case, evidence, dataset, case.claim.method)
        if points is not None:
            x = np.array([point.x for point in points])
            curves = np.stack(over_common_seeds([point.values for point in points])).T
            planned.append(_planned(case, dataset, x, curves))
    return planned


def _planned(case: Case, dataset: str, x: Numbers, curves: Numbers) -> Planned:
    claim = case.claim
    bounds = (claim.at_least, claim.at_most)

    def test(rules: Rules, _: float) -> Comparison:
        return compare_curve_parameter(claim.form, claim.parameter, x, curves, bounds, rules)

    return Planned(
        place=case.place(claim.method, dataset),
        dataset=dataset,
        metric=case.metric_on(dataset),
        test=test,
        label=claim.parameter,
        decimals=3,
        unit="",
        holds=bounds,
        signed=False,
    )
