"""Which values of a parameter the points' scatter about the curve allows: its profile likelihood.

For each value all other parameters are fitted anew. Allowed are those whose loss exceeds the least
by at most t² / 2 units, t of n − p degrees of freedom and the unit that of ``likelihood_unit``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from repro.curves.falling import AnyProblem
from repro.curves.forms import Numbers
from repro.curves.huber import likelihood_unit
from repro.curves.joint import JOINT_PARAMETERS, JointFit, JointProblem
from repro.curves.variable_projection import Fit

#: Of the values' spread, what the residuals of a curve through all of them may be: the searches
#: end about 1e-7 beside the best steepness. Less scatter than that is the search's, and allows
#: nothing.
_ROUNDING = 1e-6


def profile_interval(
    problem: AnyProblem,
    parameter: str,
    y: Numbers,
    estimate: float,
    level: float = 0.95,
    huber_delta: float | None = None,
) -> tuple[float, float] | None:
    """Return the ends of a parameter's interval about its ``estimate``, at the values ``y``.

    ``None`` where no point is left over, or the curve goes through all. An end may be infinite; of
    a `FallingProblem`'s constant, the lower one where 0 is allowed.
    """
    _, residuals = _fitted(problem, y, huber_delta)
    most = _most(residuals, y, huber_delta, len(problem.form.parameters), level)
    if most is None:
        return None
    least = problem.profile(y, parameter, estimate, huber_delta)

    def excess(value: float) -> float:
        return problem.profile(y, parameter, value, huber_delta) - least - most

    low, high = (_crossing(excess, estimate, sign) for sign in (-1.0, 1.0))
    return low, high


def deviances(
    problem: AnyProblem,
    parameter: str,
    y: Numbers,
    values: Numbers,
    level: float = 0.95,
    huber_delta: float | None = None,
) -> tuple[Numbers, float] | None:
    """Return the deviance of each of a parameter's ``values``, and what `profile_interval` allows.

    Twice the excess of the loss over the least, in the unit of ``likelihood_unit``: for least
    squares, the excess of the squares' sum over the residuals' variance. ``None`` as above.
    """
    fitted, residuals = _fitted(problem, y, huber_delta)
    most = _most(residuals, y, huber_delta, len(problem.form.parameters), level)
    if most is None:
        return None
    unit = likelihood_unit(residuals, huber_delta, len(problem.form.parameters))
    least = problem.profile(y, parameter, fitted.parameters[parameter], huber_delta)
    losses = [problem.profile(y, parameter, float(value), huber_delta) for value in values]
    return 2 * (np.array(losses) - least) / unit, 2 * most / unit


def _fitted(problem: AnyProblem, y: Numbers, huber_delta: float | None) -> tuple[Fit, Numbers]:
    """Return the fit to the values ``y``, and what it leaves of them."""
    fitted = problem.fit(y, huber_delta)
    return fitted, y - problem.form.values(fitted.parameters, problem.x)


def joint_constant_interval(
    problem: JointProblem, fit: JointFit, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the ends of the constant's interval in the joint ``fit``; ``None`` as above.

    The lower end is 0 where no constant at all is allowed.
    """
    residuals = problem.residuals(fit)
    most = _most(residuals, problem.losses, fit.huber_delta, len(JOINT_PARAMETERS), level)
    if most is None or fit.parameters["constant"] <= 0:
        return None

    def excess(log_constant: float) -> float:
        return problem.profile(log_constant, fit) - fit.loss - most

    start = math.log(fit.parameters["constant"])
    low, high = (_crossing(excess, start, sign) for sign in (-1.0, 1.0))
    return math.exp(low), math.exp(high)


def _most(
    residuals: Numbers, y: Numbers, delta: float | None, parameters: int, level: float
) -> float | None:
    """Return by how much the loss may exceed the least; ``None`` without scatter to judge by."""
    from scipy.stats import t

    unit = likelihood_unit(residuals, delta, parameters)
    spread = y - y.mean()
    exact = max(_ROUNDING**2 * float(spread @ spread), 1e-20 * float(y @ y))
    if math.isnan(unit) or float(residuals @ residuals) <= exact:
        return None
    return unit * float(t.ppf((1 + level) / 2, residuals.size - parameters)) ** 2 / 2


def _crossing(excess: Callable[[float], float], start: float, sign: float) -> float:
    """Return where ``excess`` becomes positive on the way from ``start``; infinite if nowhere."""
    from scipy.optimize import brentq

    step = 1e-3 * max(abs(start), 1e-3)
    inner = start
    for _ in range(30):
        outer = start + sign * step
        if excess(outer) > 0:
            return float(brentq(excess, inner, outer, xtol=1e-9))
        inner, step = outer, 2 * step
    return sign * math.inf
