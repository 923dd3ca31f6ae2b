"""Where a fitted curve goes as x grows: to its constant only where it levels off.

constant + coefficient · x^exponent approaches its constant at infinite x where the exponent is
negative. Where it is positive the curve leaves the constant behind: that is its limit at x → 0,
often above every point. The same holds for the rate of an exponential, at x → −∞.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.falling import AnyProblem, FallingProblem
from repro.curves.forms import Numbers
from repro.curves.variable_projection import Fit

#: Of the resamples, the share that may not level off. At infinite x, where the others have their
#: constant, such a curve is infinite, and always on the one side to which the law bends. Where that
#: is more than a tail of the 95 % interval, the interval has no end: the constant is undetermined.
MOST_WITHOUT_END = 0.025
#: A curve that changes by a factor within 1 ± this over half the points' range is a straight line
#: (over ln x, a logarithm) to every digit that a loss has. It is ten times the least that the
#: search tells from 0.
_STRAIGHT = 1e-5


def levels_off(problem: AnyProblem, fit: Fit) -> bool:
    """Say whether the curve approaches its constant as x grows; of a form with a constant."""
    return bool(_steepness(problem, fit.parameters) < -_STRAIGHT)


def straight(problem: AnyProblem, fit: Fit) -> bool:
    """Say whether the curve is the flattest that is searched; of a form with a constant.

    It is then a straight line, and constant and coefficient are huge numbers that cancel.
    """
    return bool(abs(_steepness(problem, fit.parameters)) <= _STRAIGHT)


def limits(problem: AnyProblem, parameters: Mapping[str, ArrayLike]) -> Numbers:
    """Return what curves approach as x grows: their constants, or ±infinity.

    ``parameters``  of curves with a constant, by name, (curves,) each; NaN gives NaN
    """
    steepness = _steepness(problem, parameters)
    with np.errstate(invalid="ignore", over="ignore"):
        side = np.sign(np.asarray(parameters["coefficient"]) * steepness)
        constant = (steepness < -_STRAIGHT) | (side == 0)
        return np.where(constant, np.asarray(parameters["constant"]), side * np.inf)


def clamped(*groups: Numbers) -> list[Numbers]:
    """Return the numbers with the furthest finite one of all in place of each infinite one.

    The few curves that do not level off count on their side; left out, they would make a standard
    error too small.
    """
    every = np.concatenate(groups)
    finite = every[np.isfinite(every)]
    return [np.clip(group, finite.min(), finite.max()) for group in groups]


def _steepness(problem: AnyProblem, parameters: Mapping[str, ArrayLike]) -> Numbers:
    """Return the exponents with which curves change over half the range of x, or of ln x."""
    half = (problem.free if isinstance(problem, FallingProblem) else problem).half
    return np.asarray(parameters[problem.form.rate], dtype=float) * half
