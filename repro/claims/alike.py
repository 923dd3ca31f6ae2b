"""The claim that a parameter of a curve fitted along an axis is alike on all data sets."""

from __future__ import annotations

from itertools import combinations

from repro.claims.case import Case, Evidence
from repro.claims.fit import curves_on
from repro.claims.planned import Planned
from repro.claims.scope import datasets_here, rivals_here
from repro.statistics import Comparison, Curves, Rules, compare_curve_parameters


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for every two data sets."""
    rivals_here(case, evidence)
    datasets = datasets_here(case, evidence)
    found = [curves_on(case, evidence, dataset) for dataset in datasets]
    curves = [one for one in found if one is not None]
    if len(datasets) < 2:
        evidence.problem("nothing to compare: the scale runs fewer than two of its data sets")
    return [_planned(case, pair) for pair in combinations(curves, 2)]


def _planned(case: Case, pair: tuple[Curves, Curves]) -> Planned:
    claim = case.claim
    margin = float(claim.margin)

    def test(_rules: Rules, _: float) -> Comparison:
        return compare_curve_parameters(claim.form, claim.parameter, pair, margin)

    return Planned(
        place=f"{case.label(claim.method)} on {pair[0].name} and on {pair[1].name}",
        dataset="",
        metric=claim.metric,
        test=test,
        label=f"difference of the {claim.parameter}",
        decimals=3,
        unit="",
        holds=(-margin, margin),
    )
