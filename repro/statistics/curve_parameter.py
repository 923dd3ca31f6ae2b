"""A parameter of a curve fitted to seeds' means, and how far it may be off.

The unit is a seed's whole curve: all its points come from one run, or from runs that share their
noise, so that points are not resampled, but curves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from repro.curves import (
    MOST_WITHOUT_END,
    AnyProblem,
    Problem,
    clamped,
    levels_off,
    limits,
    profile_interval,
    resamples,
)
from repro.statistics.comparison import ROUNDING, Comparison, Numbers, Rules, judge, untested
from repro.statistics.estimate import Estimate, linear_combination
from repro.statistics.fieller import within
from repro.statistics.summary import variance_factor

#: Up to so many different resamples are all taken, with their probabilities; beyond, drawn.
DRAWS = 2000
_SEED = 0
_CONSTANT = "constant"

_NO_RANKS = (
    "t alone decides: no test by signs or permutations compares a parameter of two groups of "
    "curves, and skewed parameters could mislead it"
)


@dataclass(frozen=True)
class Curves:
    """Seeds' curves at the points ``x``, (points,): ``values`` (seeds, points), ``name`` in words.

    ``resplit``  see :func:`repro.statistics.summary.variance_factor`
    """

    name: str
    x: Numbers
    values: Numbers
    resplit: float = 0.0


@dataclass(frozen=True)
class CurveParameter:
    """What curves say of one parameter of a form.

    ``estimate``  of the curve through the seeds' means, with the bootstrap's standard error
    ``by_seed``   of each seed's own curve, of shape (seeds,)
    """

    estimate: Estimate
    by_seed: Numbers


def compare_curve_parameter(
    form: str,
    parameter: str,
    x: Numbers,
    curves: Numbers,
    bounds: tuple[float | None, float | None],
    rules: Rules,
) -> Comparison:
    """Test whether a parameter of ``form`` lies within ``bounds``; ``None`` is an open end.

    ``x`` of shape (points,), ``curves`` of shape (seeds, points). A sign test of the seeds' own
    parameters stands beside t where it can reach the level, and the interval of the profile
    likelihood beside that of the bootstrap; the verdict does not look at it.
    """
    n = len(curves)
    problem = _problem(form, parameter, x, curves)
    if isinstance(problem, str):
        return untested(n, problem)
    found = curve_parameter(problem, parameter, curves, rules.resplit)
    estimate = found.estimate
    if not _determined(estimate):
        return untested(n, _undetermined(parameter))
    tested = within(
        [
            judge(
                sign * (found.by_seed - bound),
                rules,
                size=abs(bound) + abs(estimate.value),
                estimate=replace(estimate, value=sign * (estimate.value - bound)),
            )
            for bound, sign in zip(bounds, (1.0, -1.0), strict=True)
            if bound is not None
        ]
    )
    if tested.estimate is None:
        return tested
    with np.errstate(over="ignore", invalid="ignore"):
        allowed = profile_interval(problem, parameter, curves.mean(axis=0), estimate.value)
    return replace(
        tested,
        estimate=estimate.value,
        spread=estimate,
        test="t, bootstrap over seeds",
        likelihood=allowed,
    )


def compare_curve_parameters(
    form: str,
    parameter: str,
    groups: tuple[Curves, Curves],
    margin: float,
) -> Comparison:
    """Test whether a parameter of ``form`` differs by less than ``margin`` between two groups.

    The groups' seeds share nothing, so the difference follows Welch's t. No test by signs or
    permutations can stand beside it: the groups may differ in all but this parameter.
    """
    n = min(len(group.values) for group in groups)
    found = []
    for group in groups:
        problem = _problem(form, parameter, group.x, group.values)
        if isinstance(problem, str):
            return untested(n, f"{group.name}: {problem}")
        found.append(curve_parameter(problem, parameter, group.values, group.resplit))
        if not _determined(found[-1].estimate):
            return untested(n, f"{group.name}: {_undetermined(parameter)}")
    difference = linear_combination([one.estimate for one in found], [1.0, -1.0])
    if difference.standard_error <= ROUNDING * max(abs(one.estimate.value) for one in found):
        return untested(n, "what is tested does not vary over the seeds: nothing to test")
    below, above = difference.p_greater(-margin), difference.p_less(margin)
    distance = margin - abs(difference.value)
    return Comparison(
        n,
        "Welch t, bootstrap over seeds",
        p_greater=max(below, above),
        p_less=min(difference.p_less(-margin), difference.p_greater(margin)),
        wins=int((abs(found[0].by_seed[:n] - found[1].by_seed[:n]) < margin).sum()),
        estimate=difference.value,
        spread=difference,
        contrast=(distance, difference.standard_error * math.sqrt(n)),
        notes=(_NO_RANKS,),
    )


def curve_parameter(
    problem: AnyProblem, parameter: str, curves: Numbers, resplit: float = 0.0
) -> CurveParameter:
    """Return the parameter with its error; at least two seeds, all values finite.

    The bootstrap's error is that of a sample without Bessel's correction, so it is multiplied by
    √(n/(n−1)); where seeds share data, by what the variance of the mean is larger. It is infinite
    where too many resamples have no constant.
    """
    n = len(curves)
    weights, chances = resamples(n, DRAWS, np.random.default_rng(_SEED))
    value = problem.fit(curves.mean(axis=0)).parameters[parameter]
    values = _values(problem, parameter, [weight @ curves for weight in weights])
    by_seed = _values(problem, parameter, list(curves))
    if parameter == _CONSTANT:
        if float(chances @ np.isinf(values)) > MOST_WITHOUT_END:
            return CurveParameter(Estimate(value, math.inf, n - 1), by_seed)
        values, by_seed = clamped(values, by_seed)
    with np.errstate(over="ignore", invalid="ignore"):
        variance = float(chances @ (values - chances @ values) ** 2) * n / (n - 1)
    error = math.sqrt(variance * n * variance_factor(n, resplit))
    return CurveParameter(Estimate(value, error, n - 1), by_seed)


def _values(problem: AnyProblem, parameter: str, rows: Sequence[Numbers]) -> Numbers:
    """Return the parameter of each row's curve, (rows,); ±infinity for a constant without end."""
    fits = [problem.fit(row).parameters for row in rows]
    found = {name: np.array([fit[name] for fit in fits]) for name in problem.form.parameters}
    return limits(problem, found) if parameter == _CONSTANT else found[parameter]


def _problem(form: str, parameter: str, x: Numbers, curves: Numbers) -> Problem | str:
    """Return the fit of ``form`` at the points ``x``; in words, why ``parameter`` has no test."""
    if not np.isfinite(curves).all():
        return "runs diverged, so there is no curve through them"
    if len(curves) < 2:
        return "one seed cannot be tested"
    try:
        problem = Problem.of(form, x)
    except ValueError as error:
        return str(error)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.abs(curves).sum()):
            return "values too large to be compared"
    fitted = problem.fit(curves.mean(axis=0))
    if fitted.at_edge:
        return _undetermined(problem.form.rate)
    if parameter == _CONSTANT and not levels_off(problem, fitted):
        return "the curve does not level off, so it has no constant at its end"
    return problem


def _determined(estimate: Estimate) -> bool:
    return math.isfinite(estimate.value) and math.isfinite(estimate.standard_error)


def _undetermined(parameter: str) -> str:
    return f"the points do not determine the curve's {parameter}"
