"""Claims on ratios of means: to a rival's value, and of a gap that is closed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.scope import pairs_here
from repro.claims.values import paired_values, pairs
from repro.statistics import Comparison, Numbers, Ratio, Rules, compare_ratio


def plan_ratio(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each rival on each data set: the method's value over the rival's."""
    bounds = (case.claim.at_least, case.claim.at_most)
    planned = []
    for pair in pairs(case, evidence):
        ratio = Ratio(
            numerators=pair.sides.ours,
            denominators=pair.sides.theirs,
            bounds=bounds,
            blurred=f"{case.label(pair.rival)}'s mean is not clearly off 0, so the ratio may be "
            f"anything",
            alive=pair.sides.alive,
        )
        place = case.place(pair.rival, pair.dataset)
        planned.append(_planned(ratio, place, pair.dataset, pair.rival, pair.metric, "ratio"))
    return planned


def plan_gap_closed(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each rival on each data set: the closed share of its gap to a reference."""
    return list(_gaps(case, evidence))


def _gaps(case: Case, evidence: Evidence) -> Iterator[Planned]:
    claim = case.claim
    for dataset, rival in pairs_here(case, evidence):
        values = paired_values(case, evidence, dataset, [claim.method, rival, claim.reference])
        if values is None:
            continue
        metric = case.metric_on(dataset)
        ratio = _gap(case, rival, values, lower=case.spec.metric(metric).better == "lower")
        place = case.place(rival, dataset)
        yield _planned(ratio, place, dataset, rival, metric, "share of the gap closed")


def _gap(case: Case, rival: str, values: list[Numbers], *, lower: bool) -> Ratio:
    ours, theirs, reference = values
    sign = -1.0 if lower else 1.0
    with np.errstate(invalid="ignore"):
        closed, gap = sign * (ours - theirs), sign * (reference - theirs)
    label = case.label(case.claim.reference)
    return Ratio(
        numerators=closed,
        denominators=gap,
        bounds=(case.claim.at_least, None),
        blurred=f"{label} is not clearly better than {case.label(rival)}, so there is no gap of a "
        f"known size to close",
        alive=bool(np.isfinite(ours).all()),
        signed=True,
    )


def _planned(
    ratio: Ratio, place: str, dataset: str, rival: str, metric: str, label: str
) -> Planned:
    def test(rules: Rules, tail: float) -> Comparison:
        return compare_ratio(ratio, rules, tail)

    return Planned(
        place=place,
        dataset=dataset,
        metric=metric,
        test=test,
        label=label,
        rival=rival,
        decimals=3,
        unit="",
        holds=ratio.bounds,
        signed=False,
    )
