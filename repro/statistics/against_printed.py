"""Our runs against a printed number: an interval of the difference, set against a margin.

The 90 % interval lies inside (−margin, +margin) exactly when two one-sided tests at 5 % each reject
a difference as large as the margin (Schuirmann, 1987): "not significantly different" never counts
as reproduced, an interval that leaves no room for a difference that matters does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from repro.statistics.best_of import best_variance, expected_best
from repro.statistics.estimate import Estimate, linear_combination
from repro.statistics.ordinal import Better, Numbers, median, median_standard_error

Statistic = Literal["mean", "median", "best", "single run"]
Place = Literal["reproduced", "exceeds", "falls short", "consistent", "inconclusive"]

#: What each one-sided test may err: the interval's level is 1 minus twice this.
TAIL = 0.05

#: The standard error of a normal sample's median over that of its mean, for many runs; for fewer
#: it is smaller.
_MEDIAN_FACTOR = math.sqrt(math.pi / 2)

#: A spread below this share of the values is rounding: the runs are the same.
_ROUNDING = 1e-12

#: Squares of larger numbers leave no interval an end.
_LARGEST = 1e150


@dataclass(frozen=True)
class PrintedStatistic:
    """What a paper prints: ``value`` is a ``statistic`` of ``n`` runs (0 if it does not say).

    ``mean``  the printed value with the error of a mean of ``n`` runs, by the printed spread;
              ``None`` where the spread or ``n`` is not printed. A best and a single run have none
    """

    value: float
    statistic: Statistic = "mean"
    n: int = 0
    mean: Estimate | None = None

    @property
    def estimate(self) -> Estimate | None:
        """The value with its error, where the paper says enough."""
        if self.mean is None or self.statistic in ("best", "single run"):
            return None
        factor = _MEDIAN_FACTOR if self.statistic == "median" else 1.0
        return Estimate(self.value, factor * self.mean.standard_error, self.mean.degrees_of_freedom)


@dataclass(frozen=True)
class OurStatistic:
    """The same statistic of our ``n`` runs.

    ``spread``   what a run varies by, in the form of a standard deviation
    ``scaled``, ``fixed``  variance of ``value``: spread² · (scaled / n + fixed)
    ``printed``  variance of a number like the paper's, if its runs varied as ours: spread² times it
    """

    value: float
    n: int
    spread: float
    scaled: float
    fixed: float
    printed: float

    def variance(self, n: int) -> float:
        """Return the variance of the statistic over ``n`` runs."""
        return self.spread**2 * (self.scaled / n + self.fixed)

    @property
    def estimate(self) -> Estimate:
        """The value with its error."""
        return Estimate(self.value, math.sqrt(self.variance(self.n)), self.n - 1.0)

    @property
    def varies(self) -> bool:
        """Whether the runs differ by more than rounding."""
        return self.spread > _ROUNDING * abs(self.value)

    def minus_alike(self, printed: float) -> Estimate:
        """Return the difference from ``printed``, if its runs vary as much as ours."""
        variance = self.variance(self.n) + self.spread**2 * self.printed
        return Estimate(self.value - printed, math.sqrt(variance), self.n - 1.0)


@dataclass(frozen=True)
class AgainstPrinted:
    """Our statistic minus the printed one: its 90 % interval, and where that lies.

    ``interval``  ``None`` where nothing varies
    ``borrowed``  whether our own spread stood in for the paper's, which is not printed
    """

    place: Place
    difference: float
    interval: tuple[float, float] | None
    borrowed: bool


def our_statistic(
    values: Sequence[float], paper: PrintedStatistic, better: Better, resplit: float = 0.0
) -> OurStatistic | None:
    """Return of at least two finite ``values`` the statistic that the paper prints.

    ``None`` for a best of more runs than ours, of an unknown number, or where neither direction is
    better; and where the numbers are too large to be handled.
    """
    numbers = np.asarray(values, dtype=float)
    n = numbers.size
    with np.errstate(over="ignore", invalid="ignore"):
        value, spread = float(numbers.mean()), float(numbers.std(ddof=1))
    if not (abs(value) < _LARGEST and spread < _LARGEST):
        return None
    if paper.statistic == "best":
        return _our_best(numbers, paper.n, better, spread, resplit)
    if paper.statistic == "median":
        value, spread = float(median(numbers)), median_standard_error(numbers) * math.sqrt(n)
    runs = 1 if paper.statistic == "single run" else max(paper.n, 1)
    return OurStatistic(value, n, spread, scaled=1.0, fixed=resplit, printed=1 / runs)


def compare_with_printed(
    ours: OurStatistic, paper: PrintedStatistic, *, margin: float, width: float, better: Better
) -> AgainstPrinted:
    """Return where our statistic stands against the printed one.

    ``margin``  how far the two may differ and still count as the same, rounding included
    ``width``   the longest interval that may read ``consistent``

    Where the paper prints no spread, nothing says how far its number may be off, and no factor on
    our own spread would be safe. So no more than ``consistent`` can be said, and that as if its
    runs varied as ours do. Nor of a best, whatever spread is printed: how it varies is a matter of
    the distribution's tail, which no few runs show (lognormal runs gave 17 % false ``falls
    short``).
    """
    difference = ours.value - paper.value
    known = paper.estimate
    if known is not None:
        interval = linear_combination([ours.estimate, known], [1.0, -1.0]).interval(TAIL, TAIL)
        return AgainstPrinted(place(interval, margin, width, better), difference, interval, False)
    if not ours.varies:
        word: Place = "consistent" if abs(difference) < margin else "inconclusive"
        return AgainstPrinted(word, difference, None, True)
    interval = ours.minus_alike(paper.value).interval(TAIL, TAIL)
    within = place(interval, margin, width, better) in ("reproduced", "consistent")
    return AgainstPrinted("consistent" if within else "inconclusive", difference, interval, True)


def place(interval: tuple[float, float], margin: float, width: float, better: Better) -> Place:
    """Return the one of five words that fits an interval of ours minus the printed number.

    In this order: inside the margin; beyond it on the better or the worse side; around 0, across
    the margin, and no longer than ``width``; the rest. Where neither direction is better,
    ``exceeds`` is above the printed number, as the word says of a quantity.
    """
    low, high = (-interval[1], -interval[0]) if better == "lower" else interval
    if -margin < low and high < margin:
        return "reproduced"
    if low > margin:
        return "exceeds"
    if high < -margin:
        return "falls short"
    if low <= 0 <= high and high - low <= width:
        return "consistent"
    return "inconclusive"


def _our_best(
    numbers: Numbers, draws: int, better: Better, spread: float, resplit: float
) -> OurStatistic | None:
    value = expected_best(numbers.tolist(), draws, better)
    if value is None:
        return None
    # A U-statistic over subsets of size m varies at most m / n as much as one best of m does
    # (Hoeffding, 1948), and exactly so where m = n. A jackknife or bootstrap of a maximum over
    # few runs sees too little of its spread, and of the largest of n runs a jackknife is undefined.
    variance = best_variance(draws)
    return OurStatistic(
        value, numbers.size, spread, scaled=draws * variance, fixed=resplit, printed=variance
    )
