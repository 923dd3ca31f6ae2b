"""The claim that curves cross: the method is worse at one value of an axis, better at another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repro.claims.axis import points_along, rival_points
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.scope import pairs_here
from repro.claims.values import over_common_seeds
from repro.statistics import (
    Comparison,
    Rules,
    Sides,
    advantages,
    correlation,
    judge,
    mirrored,
    size_of,
)


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return two tests for each rival on each data set: one at either end."""
    return [
        planned
        for dataset, rival in pairs_here(case, evidence)
        for planned in _ends(case, evidence, dataset, rival)
    ]


def _ends(case: Case, evidence: Evidence, dataset: str, rival: str) -> Iterator[Planned]:
    ours = points_along(case, evidence, dataset, case.claim.method)
    if ours is None:
        return
    places = [point.x for point in ours]
    theirs = rival_points(case, evidence, dataset, rival, places)
    if theirs is None:
        return
    ends = list(case.claim.between) or [places[0], places[-1]]
    for end, expect_better in zip(ends, (False, True), strict=True):
        if end not in places:
            evidence.problem(f"{case.claim.along} has no value {end:g} on this scale's axis")
            return
        at = places.index(end)
        values = over_common_seeds([ours[at].values, theirs[at].values])
        sides = Sides(values[0], values[1], case.spec.metric(case.metric_on(dataset)).better)
        yield _planned(case, dataset, rival, sides, end, expect_better=expect_better)


def _planned(
    case: Case, dataset: str, rival: str, sides: Sides, end: float, *, expect_better: bool
) -> Planned:
    def test(rules: Rules, _: float) -> Comparison:
        gains = advantages(sides.ours, sides.theirs, sides.better)
        size = size_of(sides.ours, sides.theirs)
        found = judge(gains if expect_better else -gains, rules, size=size, alive=sides.alive)
        found = replace(found, correlation=correlation(sides.ours, sides.theirs))
        return found if expect_better else mirrored(found)

    return Planned(
        place=case.place(rival, dataset, f"at {end:g}"),
        dataset=dataset,
        metric=case.metric_on(dataset),
        test=test,
        label="advantage",
        rival=rival,
        holds=(0.0, None) if expect_better else (None, 0.0),
    )
