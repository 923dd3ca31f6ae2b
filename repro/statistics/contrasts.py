"""Contrasts of two methods: an advantage beyond a margin, on logarithms, over data sets, unpaired.

All are linear in the runs (or in their logarithms), so that the test of a margin is the test of one
number per seed. The estimate that is shown is named in ``Margin.shown``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from repro.statistics.comparison import (
    ROUNDING,
    Better,
    Comparison,
    Numbers,
    Rules,
    Spread,
    advantages,
    correlation,
    judge,
    size_of,
    untested,
)
from repro.statistics.data_sets import mean_over_data_sets
from repro.statistics.estimate import Estimate, estimate_mean, linear_combination
from repro.statistics.nonparametric import least_unpaired_p, unpaired_permutation_test


@dataclass(frozen=True)
class Margin:
    """What an advantage must exceed, and the scale it is measured on.

    ``amount``  in the metric's unit, or in units of the logarithm
    ``share``   of the rival's value; the shown estimate is then the advantage beyond it
    ``scale``   ``log_ratio``: the advantage is the logarithm of the ratio of the two values
    """

    amount: float = 0.0
    share: float = 0.0
    scale: Literal["difference", "log_ratio"] = "difference"


@dataclass(frozen=True)
class Sides:
    """The values of a method and of its rival at the same seeds, in the same order."""

    ours: Numbers
    theirs: Numbers
    better: Better

    @property
    def alive(self) -> bool:
        """Whether no run of the method diverged."""
        return bool(np.isfinite(self.ours).all())

    def on(self, scale: Literal["difference", "log_ratio"]) -> Sides:
        """Return the sides on the scale that they are compared on. A diverged run stays one."""
        if scale == "difference":
            return self
        with np.errstate(divide="ignore", invalid="ignore"):
            return replace(self, ours=np.log(self.ours), theirs=np.log(self.theirs))

    @property
    def positive(self) -> bool:
        """Whether all finite values have a logarithm."""
        values = np.concatenate([self.ours, self.theirs])
        return bool((values[np.isfinite(values)] > 0).all())


def compare_beyond(sides: Sides, margin: Margin, rules: Rules) -> Comparison:
    """Test whether the method is better than the rival by more than ``margin``."""
    if margin.scale == "log_ratio" and not sides.positive:
        return untested(sides.ours.size, _NO_LOGARITHM)
    scaled = sides.on(margin.scale)
    found = judge(_beyond(scaled, margin), rules, size=_size(scaled, margin), alive=scaled.alive)
    found = shifted(found, margin.amount)
    return replace(found, correlation=correlation(sides.ours, sides.theirs))


def compare_mean(
    sides: Sequence[Sides], margin: Margin, rules: Rules, resplits: Sequence[float]
) -> Comparison:
    """Test the same of the mean over data sets, which are what they are and no sample.

    The runs of different data sets are independent, so the variances of their means add up, with
    Satterthwaite's degrees of freedom. Tests by signs and ranks use the mean over data sets, seed
    by seed. ``resplits`` has one entry per data set; that of ``rules`` is not used.
    """
    if margin.scale == "log_ratio" and not all(side.positive for side in sides):
        return untested(min(side.ours.size for side in sides), _NO_LOGARITHM)
    scaled = [side.on(margin.scale) for side in sides]
    contrasts = [_beyond(side, margin) for side in scaled]
    n = min(contrast.size for contrast in contrasts)
    if n < 2:
        return untested(n, "one seed cannot be tested")
    with np.errstate(invalid="ignore"):
        averaged = np.mean([contrast[:n] for contrast in contrasts], axis=0)
    found = judge(
        averaged,
        replace(rules, resplit=max(resplits)),
        size=max(_size(side, margin) for side in scaled),
        alive=all(side.alive for side in scaled),
        estimate=mean_over_data_sets([one.tolist() for one in contrasts], resplits),
    )
    return shifted(found, margin.amount)


def compare_unpaired(sides: Sides, margin: Margin, rules: Rules) -> Comparison:
    """Test the same where seeds share nothing between the two: Welch's t test.

    A permutation test of the difference stands beside it where it can reach the level, and the
    larger p counts.
    """
    n = min(sides.ours.size, sides.theirs.size)
    if margin.scale == "log_ratio" and not sides.positive:
        return untested(n, _NO_LOGARITHM)
    scaled = sides.on(margin.scale)
    sign = 1.0 if sides.better == "higher" else -1.0
    if n < 2:
        return untested(n, "one seed cannot be tested")
    if not np.isfinite(np.concatenate([scaled.ours, scaled.theirs])).all():
        return untested(n, "runs diverged, and Welch's test has no worst value")
    ours = sign * scaled.ours - margin.amount
    theirs = sign * scaled.theirs + margin.share * np.abs(scaled.theirs)
    means = [estimate_mean(side.tolist(), rules.resplit) for side in (ours, theirs)]
    present = [mean for mean in means if mean is not None]
    if len(present) < 2:
        return untested(n, "values too large to be compared")
    estimate = linear_combination(present, [1.0, -1.0])
    if estimate.standard_error <= ROUNDING * size_of(ours, theirs):
        return untested(n, "the values do not vary over the seeds: nothing to test")
    return shifted(_by_welch(ours, theirs, estimate, rules), margin.amount)


def shifted(found: Comparison, amount: float) -> Comparison:
    """Return a comparison whose estimate is moved back by what the contrast took off."""
    if found.estimate is None or amount == 0 or found.spread is None:
        return found
    moved = _Moved(found.spread, amount=amount)
    return replace(found, estimate=found.estimate + amount, spread=moved)


def mirrored(found: Comparison) -> Comparison:
    """Return a comparison whose estimate is shown with the other sign than that of the contrast."""
    if found.estimate is None or found.spread is None:
        return found
    return replace(found, estimate=-found.estimate, spread=_Moved(found.spread, sign=-1.0))


@dataclass(frozen=True)
class _Moved:
    """A spread around an estimate that is multiplied with ``sign`` and moved by ``amount``."""

    inner: Spread
    sign: float = 1.0
    amount: float = 0.0

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float] | None:
        """Return the moved interval."""
        tails = (lower_tail, upper_tail) if self.sign > 0 else (upper_tail, lower_tail)
        found = self.inner.interval(*tails)
        if found is None:
            return None
        low, high = sorted(self.sign * end + self.amount for end in found)
        return low, high


_NO_LOGARITHM = "a value is 0 or less, so there is no logarithm of the ratio"


def _beyond(sides: Sides, margin: Margin) -> Numbers:
    """Return the contrast: how much better each run is than the rival's and the margin."""
    gains = advantages(sides.ours, sides.theirs, sides.better)
    with np.errstate(invalid="ignore"):
        taken = margin.amount + margin.share * np.abs(sides.theirs)
        return np.where(np.isfinite(gains), gains - taken, gains)


def _size(sides: Sides, margin: Margin) -> float:
    """A logarithm's rounding is that of a number near 1, however small the logarithm is."""
    least = 1.0 if margin.scale == "log_ratio" else 0.0
    return max(size_of(sides.ours, sides.theirs), least)


def _by_welch(ours: Numbers, theirs: Numbers, estimate: Estimate, rules: Rules) -> Comparison:
    greater, less = unpaired_permutation_test(ours, theirs)
    least = least_unpaired_p(ours.size, theirs.size)
    supports = least * rules.support <= rules.level
    contradicts = least * rules.contradiction <= rules.level
    note = (
        f"the permutation test beside Welch's t cannot decide with so few seeds (least two-sided p "
        f"{least:.3g}), so t alone decides: skewed values could mislead it"
    )
    by_t = estimate.p_greater(), estimate.p_less()
    return Comparison(
        min(ours.size, theirs.size),
        "Welch t, corrected for re-splits" if rules.resplit > 0 else "Welch t",
        p_greater=max(by_t[0], greater) if supports else by_t[0],
        p_less=max(by_t[1], less) if contradicts else by_t[1],
        wins=int((ours > np.median(theirs)).sum()),
        estimate=estimate.value,
        spread=estimate,
        contrast=(estimate.value, math.hypot(ours.std(ddof=1), theirs.std(ddof=1))),
        notes=() if supports else (note,),
    )
