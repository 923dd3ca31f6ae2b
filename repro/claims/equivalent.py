"""The claim that the method and its rivals differ by less than a margin."""

from __future__ import annotations

import numpy as np

from repro.claims.better import margin_of
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.values import Pair, pairs
from repro.statistics import Comparison, Rules, compare_equivalent


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each rival on each data set."""
    return [_planned(case, pair) for pair in pairs(case, evidence)]


def _planned(case: Case, pair: Pair) -> Planned:
    margin = margin_of(case, pair.metric)

    def test(rules: Rules, _: float) -> Comparison:
        return compare_equivalent(pair.sides, margin, rules)

    theirs = pair.sides.theirs[np.isfinite(pair.sides.theirs)]
    size = float(np.abs(theirs).mean()) if theirs.size and margin.share else 0.0
    reach = margin.amount + margin.share * size
    return Planned(
        place=case.place(pair.rival, pair.dataset),
        dataset=pair.dataset,
        metric=pair.metric,
        test=test,
        label="difference",
        rival=pair.rival,
        holds=(-reach, reach),
    )
