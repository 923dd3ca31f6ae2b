"""Ratios of two means: the set of ratios that the data do not reject, which may have no bounds.

A ratio is tested by the linear contrast numerator − bound · denominator, and its interval holds the
ratios whose contrasts are not rejected (Fieller, 1954, "Some problems in interval estimation").
Where the denominator is not clearly off 0 that set is unbounded, and nothing is decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from repro.statistics.comparison import (
    ROUNDING,
    Comparison,
    Numbers,
    Rules,
    correlation,
    judge,
    size_of,
    untested,
)
from repro.statistics.summary import t_quantile, variance_factor


@dataclass(frozen=True)
class Fieller:
    """The ratio of two means that were measured on the same seeds.

    ``errors``       standard errors of the mean numerator and of the mean denominator
    ``correlation``  of the two means; 0 where one of them has no error
    """

    numerator: float
    denominator: float
    errors: tuple[float, float]
    correlation: float
    degrees_of_freedom: int

    @staticmethod
    def of(numerators: Numbers, denominators: Numbers, resplit: float) -> Fieller:
        """Return the ratio over at least two seeds; both of shape (seeds,)."""
        n = numerators.size
        # In units of their own size the numbers' squares neither vanish nor overflow.
        sizes = [size_of(numerators) or 1.0, size_of(denominators) or 1.0]
        spread = np.cov(numerators / sizes[0], denominators / sizes[1], ddof=1)
        above, below = np.sqrt(np.diag(spread))
        together = float(spread[0, 1] / (above * below)) if above > 0 and below > 0 else 0.0
        root = math.sqrt(variance_factor(n, resplit))
        errors = float(above * root) * sizes[0], float(below * root) * sizes[1]
        means = float(numerators.mean()), float(denominators.mean())
        return Fieller(*means, errors, together, n - 1)

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float] | None:
        """Return the interval; ``None`` where the denominator may be 0: the set is unbounded."""
        low, high = self._ends(lower_tail), self._ends(upper_tail)
        return None if low is None or high is None else (low[0], high[1])

    def _ends(self, tail: float) -> tuple[float, float] | None:
        """Return where the contrast's t is as large as ``tail`` allows: a quadratic equation."""
        square = t_quantile(1 - tail, self.degrees_of_freedom) ** 2
        # In units of its own size each number can be squared twice, whatever the metric's unit.
        high = max(abs(self.numerator), self.errors[0]) or 1.0
        wide = max(abs(self.denominator), self.errors[1]) or 1.0
        numerator, denominator = self.numerator / high, self.denominator / wide
        above, below = self.errors[0] / high, self.errors[1] / wide
        first = denominator**2 - square * below**2
        if not (first > 0 and math.isfinite(high / wide)):
            return None
        middle = numerator * denominator - square * self.correlation * above * below
        last = numerator**2 - square * above**2
        root = math.sqrt(max(0.0, middle**2 - first * last))
        return (middle - root) / first * (high / wide), (middle + root) / first * (high / wide)


@dataclass(frozen=True)
class Ratio:
    """Numerators and denominators seed by seed, and what the claim says of the ratio of means.

    ``bounds``  the range in which the claim says it lies; ``None`` at an open end
    ``alive``   whether every run that the claim praises is finite
    ``signed``  whether the denominator must be positive; else it may have either sign
    ``blurred`` what is said where the denominator is not clearly off 0
    """

    numerators: Numbers
    denominators: Numbers
    bounds: tuple[float | None, float | None]
    blurred: str
    alive: bool = True
    signed: bool = False


def compare_ratio(ratio: Ratio, rules: Rules, tail: float) -> Comparison:
    """Test whether the ratio of means lies within its bounds.

    Each bound is a linear contrast, and the denominator's distance from 0 is a condition of all
    (intersection-union). ``tail`` is what each end of the printed interval leaves out: where that
    interval is unbounded, or the denominator is on the wrong side of 0, nothing is decided.
    """
    n = ratio.denominators.size
    if not np.isfinite(ratio.denominators).all():
        return untested(n, "runs diverged in what the ratio is taken to: it has no size")
    if n < 2:
        return untested(n, "one seed cannot be tested")
    sign = -1.0 if not ratio.signed and ratio.denominators.mean() < 0 else 1.0
    parts = [
        _against(ratio, bound, sign * direction, rules)
        for bound, direction in zip(ratio.bounds, (1.0, -1.0), strict=True)
        if bound is not None
    ]
    found = within(parts)
    sides = 1 if ratio.signed else 2
    for_claim, against_it = (
        _clearly_off_zero(sign * ratio.denominators, rules, sides, multiple)
        for multiple in (rules.support, rules.contradiction)
    )
    found = replace(
        found,
        p_greater=max(found.p_greater, for_claim),
        p_less=max(found.p_less, against_it),
        correlation=correlation(ratio.numerators, ratio.denominators),
    )
    if found.estimate is None:
        return found
    spread = Fieller.of(ratio.numerators, ratio.denominators, rules.resplit)
    wrong_side = ratio.signed and spread.denominator <= 0
    if wrong_side or spread.interval(tail, tail) is None:
        return replace(found, estimate=None, spread=None).silenced(ratio.blurred)
    return replace(found, estimate=spread.numerator / spread.denominator, spread=spread)


def within(parts: Sequence[Comparison]) -> Comparison:
    """Return the test that all of ``parts`` hold, which are bounds of one number.

    All must hold (intersection-union); the opposite is that one is broken, and no two bounds can
    be broken at once, so that needs no correction.
    """
    weakest = max(parts, key=lambda part: part.p_greater)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return replace(
        weakest,
        p_less=min(part.p_less for part in parts),
        wins=min(part.wins for part in parts),
        estimate=None if any(part.estimate is None for part in parts) else weakest.estimate,
        notes=notes,
    )


def _against(ratio: Ratio, bound: float, sign: float, rules: Rules) -> Comparison:
    """Test one bound; a diverged numerator is the worst value."""
    with np.errstate(invalid="ignore"):
        contrast = sign * (ratio.numerators - bound * ratio.denominators)
    contrast = np.where(np.isfinite(ratio.numerators), contrast, -np.inf)
    size = max(size_of(ratio.numerators), abs(bound) * size_of(ratio.denominators))
    return judge(contrast, rules, size=size, alive=ratio.alive)


def _clearly_off_zero(values: Numbers, rules: Rules, sides: int, multiple: int) -> float:
    """Return the p of "the mean is positive"; 0 for a positive number that does not vary.

    The p is later multiplied with ``multiple``: the sign test counts where it can reach the level
    even so.
    """
    size = size_of(values)
    if np.ptp(values) <= ROUNDING * size:
        return 0.0 if values[0] > 0 else 1.0
    found = judge(values, replace(rules, support=sides * multiple, contradiction=1), size=size)
    return min(1.0, sides * found.p_greater)
