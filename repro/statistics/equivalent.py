"""Whether two methods differ by less than a margin: two one-sided tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from repro.statistics.comparison import (
    Comparison,
    Rules,
    correlation,
    judge,
    size_of,
)
from repro.statistics.contrasts import Margin, Sides
from repro.statistics.estimate import estimate_mean
from repro.statistics.fieller import within


def compare_equivalent(sides: Sides, margin: Margin, rules: Rules) -> Comparison:
    """Test whether the difference lies within ± ``margin``; it is contradicted well outside.

    The estimate is method minus rival. A run that diverged on one side alone is no equivalent of
    anything.
    """
    ours, theirs = sides.ours, sides.theirs
    finite = np.isfinite(ours), np.isfinite(theirs)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = ours - theirs
        reach = margin.amount + margin.share * np.abs(theirs)
        contrasts = [reach + difference, reach - difference]
    contrasts = [np.where(finite[0] & finite[1], one, -np.inf) for one in contrasts]
    contrasts = [np.where(finite[0] | finite[1], one, np.nan) for one in contrasts]
    alive = bool(finite[0].all() and finite[1].all())
    size = size_of(ours, theirs, np.array([margin.amount]))
    found = within([judge(one, rules, size=size, alive=alive) for one in contrasts])
    found = replace(found, correlation=correlation(ours, theirs))
    if found.estimate is None:
        return found
    estimate = estimate_mean(difference.tolist(), rules.resplit)
    if estimate is None:
        return found.silenced("values too large to be compared")
    inside = int((np.abs(difference) < reach).sum())
    return replace(found, estimate=estimate.value, spread=estimate, wins=inside)
