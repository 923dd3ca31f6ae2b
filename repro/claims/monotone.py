"""The claim that the metric, or the advantage over rivals, rises or falls along an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from repro.claims.axis import Point, points_along, rival_points
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.scope import datasets_here, rivals_here, rivals_of
from repro.claims.values import over_common_seeds
from repro.statistics import (
    Comparison,
    Numbers,
    Rules,
    advantages,
    judge,
    mirrored,
    size_of,
)


@dataclass(frozen=True)
class Curve:
    """What is said to rise or fall: ``values`` of shape (points, seeds) at ``places``.

    ``size``   of the values behind it
    ``alive``  whether no run behind it diverged
    """

    dataset: str
    rival: str
    places: tuple[float, ...]
    values: Numbers
    size: float
    alive: bool


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each step along each curve, or for the trend of each."""
    rivals = rivals_here(case, evidence)
    if not rivals_of(case.claim, case.spec):
        # The metric itself is said to rise or fall, not the advantage over anyone.
        rivals = [""]
    return [
        planned
        for dataset in datasets_here(case, evidence)
        for rival in rivals
        for curve in _curves(case, evidence, dataset, rival)
        for planned in (_trend if case.claim.steps == "trend" else _steps)(case, curve)
    ]


def _curves(case: Case, evidence: Evidence, dataset: str, rival: str) -> Iterator[Curve]:
    """Yield the curve on a data set, where all its trials are there."""
    points = points_along(case, evidence, dataset, case.claim.method)
    if points is None:
        return
    places = tuple(point.x for point in points)
    if not rival:
        values = _matrix(points)
        yield Curve(dataset, rival, places, values, size_of(values.ravel()), _finite(values))
        return
    theirs = rival_points(case, evidence, dataset, rival, places)
    if theirs is None:
        return
    both = over_common_seeds([point.values for point in [*points, *theirs]])
    ours, others = np.stack(both[: len(points)]), np.stack(both[len(points) :])
    better = case.spec.metric(case.metric_on(dataset)).better
    gains = advantages(ours, others, better)
    size, alive = size_of(ours.ravel(), others.ravel()), _finite(ours) and _finite(others)
    yield Curve(dataset, rival, places, gains, size, alive)


def _steps(case: Case, curve: Curve) -> Iterator[Planned]:
    for index, (start, end) in enumerate(zip(curve.places, curve.places[1:], strict=False)):
        weights = np.zeros(len(curve.places))
        weights[[index, index + 1]] = (-1.0, 1.0)
        yield _planned(case, curve, weights, f"from {start:g} to {end:g}", "change")


def _trend(case: Case, curve: Curve) -> Iterator[Planned]:
    """Yield the test of the slope over the points' order.

    A slope over their distances would rest on the last point alone where values span decades.
    """
    scores = np.arange(len(curve.places)) - (len(curve.places) - 1) / 2
    weights: Numbers = np.asarray(scores / (scores @ scores), dtype=np.float64)
    ends = f"from {curve.places[0]:g} to {curve.places[-1]:g}"
    yield _planned(case, curve, weights, ends, "change per step")


def _planned(case: Case, curve: Curve, weights: Numbers, span: str, label: str) -> Planned:
    rises = case.claim.direction == "rises"

    def test(rules: Rules, _: float) -> Comparison:
        with np.errstate(invalid="ignore", over="ignore"):
            change = (weights[:, None] * curve.values)[weights != 0].sum(axis=0)
        # Which way a diverged run points is not known, so it helps neither direction.
        contrast = np.where(np.isfinite(change), change if rises else -change, np.nan)
        found = judge(contrast, rules, size=curve.size, alive=curve.alive)
        return found if rises else mirrored(found)

    where = (
        case.place(curve.rival, curve.dataset) if curve.rival else case.dataset_label(curve.dataset)
    )
    return Planned(
        place=f"{where} {span}",
        dataset=curve.dataset,
        metric=case.metric_on(curve.dataset),
        test=test,
        label=f"advantage's {label}" if curve.rival else label,
        rival=curve.rival,
        holds=(0.0, None) if rises else (None, 0.0),
    )


def _matrix(points: Sequence[Point]) -> Numbers:
    return np.stack(over_common_seeds([point.values for point in points]))


def _finite(values: Numbers) -> bool:
    return bool(np.isfinite(values).all())
