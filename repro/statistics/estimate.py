"""An estimate whose error follows Student's t: its interval and its one-sided p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from repro.statistics.summary import variance_factor


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error (at least 0), and the degrees of freedom behind that error.

    The degrees of freedom are positive and may be fractional (Welch, Satterthwaite) or infinite.
    With a standard error of 0 the interval is the value itself, and a p-value is 0, or 1 where the
    value does not lie strictly beyond the bound.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float]:
        """Return the interval that leaves out ``lower_tail`` below it and ``upper_tail`` above.

        A tail of 0 gives an infinite end.
        """
        return self.value - self._reach(lower_tail), self.value + self._reach(upper_tail)

    def p_greater(self, bound: float = 0.0) -> float:
        """Return the one-sided p of "the true value is greater than ``bound``"."""
        return self._p(self.value - bound)

    def p_less(self, bound: float = 0.0) -> float:
        """Return the one-sided p of "the true value is less than ``bound``"."""
        return self._p(bound - self.value)

    def _p(self, distance: float) -> float:
        if self.standard_error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(stdtr(self.degrees_of_freedom, -distance / self.standard_error))

    def _reach(self, tail: float) -> float:
        if self.standard_error == 0:
            return 0.0
        quantile = float(stdtrit(self.degrees_of_freedom, tail))
        # SciPy gives +∞ where the quantile of a tail is −∞.
        return (abs(quantile) if tail < 0.5 else -quantile) * self.standard_error


def estimate_mean(values: Sequence[float], resplit: float = 0.0) -> Estimate | None:
    """Return the mean of ``values`` with its error; ``None`` where two finite ones are lacking.

    ``resplit``  see :func:`repro.statistics.summary.variance_factor`
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.size < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = float(numbers.mean()), float(numbers.std(ddof=1))
    if not (math.isfinite(mean) and math.isfinite(sd)):
        return None
    error = sd * math.sqrt(variance_factor(numbers.size, resplit))
    return Estimate(mean, error, float(numbers.size - 1))


def linear_combination(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Return the weighted sum of independent estimates.

    Its degrees of freedom are those of Satterthwaite (1946, "An approximate distribution of
    estimates of variance components"); for a difference of two that is Welch's test. Without any
    error they are infinite.
    """
    value = sum(w * part.value for w, part in zip(weights, estimates, strict=True))
    errors = [abs(w) * part.standard_error for w, part in zip(weights, estimates, strict=True)]
    error = math.hypot(*errors)
    if error == 0 or not math.isfinite(error):
        return Estimate(value, error, math.inf)
    # Shares of the variance: their fourth powers neither overflow nor vanish together.
    shares = [(part / error) ** 4 for part in errors]
    terms = zip(shares, estimates, strict=True)
    reciprocal = sum(share / part.degrees_of_freedom for share, part in terms)
    return Estimate(value, error, 1 / reciprocal if reciprocal else math.inf)
