"""The claim that a parameter of a curve fitted along an axis lies within bounds."""

from __future__ import annotations

import numpy as np

from repro.claims.axis import points_along
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.scope import datasets_here, rivals_here
from repro.claims.values import over_common_seeds
from repro.statistics import Comparison, Curves, Rules, compare_curve_parameter


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each data set."""
    rivals_here(case, evidence)
    datasets = datasets_here(case, evidence)
    curves = [(dataset, curves_on(case, evidence, dataset)) for dataset in datasets]
    return [_planned(case, dataset, own) for dataset, own in curves if own is not None]


def curves_on(case: Case, evidence: Evidence, dataset: str) -> Curves | None:
    """Return the seeds' curves along the claim's axis; ``None`` and a problem if one is missing."""
    points = points_along(case, evidence, dataset, case.claim.method)
    if points is None:
        return None
    return Curves(
        case.dataset_label(dataset),
        x=np.array([point.x for point in points]),
        values=np.stack(over_common_seeds([point.values for point in points])).T,
        resplit=case.resplit(dataset),
    )


def _planned(case: Case, dataset: str, curves: Curves) -> Planned:
    claim = case.claim
    bounds = (claim.at_least, claim.at_most)

    def test(rules: Rules, _: float) -> Comparison:
        x, values = curves.x, curves.values
        return compare_curve_parameter(claim.form, claim.parameter, x, values, bounds, rules)

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
