"""Tests that suppose no normal distribution: signs, permutations, ranks; p-values, exact where few.

Each returns the one-sided p of "mostly positive" and of "mostly negative". Zeros help neither.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

Numbers = NDArray[np.float64]

#: Up to so many ways every one is tried, beyond it so many are drawn at random.
_WAYS = 2**16
_SEED = 0


def sign_test(gains: Numbers) -> tuple[float, float]:
    """Return the sign test's p-values; ±infinity counts with its sign, NaN helps neither."""
    n = gains.size
    return _at_least(int((gains > 0).sum()), n), _at_least(int((gains < 0).sum()), n)


def permutation_test(gains: Numbers) -> tuple[float, float]:
    """Return the p-values of the mean when every sign is as likely as its opposite.

    Exact up to 16 values: all 2ⁿ ways to sign them; beyond, 65,536 ways drawn with a fixed seed
    beside the one that was met.
    """
    size = np.abs(gains)
    sums = _signs(gains.size) @ size
    return _shares(sums, float(gains.sum()), float(size.sum()), exact=2**gains.size <= _WAYS)


def signed_rank_test(gains: Numbers) -> tuple[float, float]:
    """Return the p-values of Wilcoxon's signed-rank test; tied sizes share their mean rank."""
    return permutation_test(np.sign(gains) * ranks(np.abs(gains)) * (gains != 0))


def unpaired_permutation_test(ours: Numbers, theirs: Numbers) -> tuple[float, float]:
    """Return the p-values of "the mean of ``ours`` is greater" and "less", over all divisions.

    Exact up to 65,536 ways to divide the values into groups of these sizes; beyond, as many drawn.
    """
    pooled = np.concatenate([ours, theirs])
    sums = _divisions(pooled.size, ours.size) @ pooled
    exact = math.comb(pooled.size, ours.size) <= _WAYS
    return _shares(sums, float(ours.sum()), float(np.abs(pooled).sum()), exact=exact)


def least_unpaired_p(ours: int, theirs: int) -> float:
    """Return the smallest two-sided p that an unpaired permutation test can give."""
    return min(1.0, 2.0 / min(math.comb(ours + theirs, ours), _WAYS))


def ranks(values: Numbers) -> Numbers:
    """Return ranks from 1 along the last axis; equal values share the mean of theirs."""
    ordered = np.sort(values, axis=-1)
    below = (values[..., :, None] > ordered[..., None, :]).sum(axis=-1)
    equal = (values[..., :, None] == ordered[..., None, :]).sum(axis=-1)
    return np.asarray(below + (equal + 1) / 2, dtype=float)


@dataclass(frozen=True)
class MedianSpread:
    """The interval of a median between two of the values, in order: nothing is supposed."""

    values: tuple[float, ...]

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float] | None:
        """Return the interval; ``None`` where so few values cannot leave out so little."""
        ordered = sorted(self.values)
        below, above = self._cut(lower_tail), self._cut(upper_tail)
        if below is None or above is None:
            return None
        return ordered[below], ordered[len(ordered) - 1 - above]

    def _cut(self, tail: float) -> int | None:
        """Return how many values at one end the median lies beyond with at most ``tail``."""
        n = len(self.values)
        cut = None
        for index in range((n + 1) // 2):
            # The median is below the value of this index if at least n - index lie above it.
            if _at_least(n - index, n) > tail:
                break
            cut = index
        return cut


def _shares(sums: Numbers, met: float, size: float, *, exact: bool) -> tuple[float, float]:
    """Return the shares of ``sums`` that are as large, and as small, as the one that was met."""
    # Drawn ways need not hold the met one, and without it a p of 0 could come out.
    known = sums if exact else np.append(sums, met)
    # A sum that differs from the met one by rounding alone is as extreme.
    slack = 1e-12 * size
    return float((known >= met - slack).mean()), float((known <= met + slack).mean())


def _at_least(successes: int, n: int) -> float:
    return 1.0 if successes == 0 else float(bdtrc(successes - 1, n, 0.5))


def _signs(n: int) -> Numbers:
    """Return ways to sign ``n`` values, one per row: all of them, or random ones."""
    if 2**n <= _WAYS:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        bits = np.random.default_rng(_SEED).integers(0, 2, (_WAYS, n))
    return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)


@lru_cache(maxsize=4)
def _divisions(total: int, size: int) -> Numbers:
    """Return ways to choose ``size`` of ``total`` values, one per row, as zeros and ones.

    Every comparison of a table has the same sizes. The result is shared, so it cannot be written.
    """
    if math.comb(total, size) <= _WAYS:
        chosen = np.array(list(itertools.combinations(range(total), size)))
    else:
        keys = np.random.default_rng(_SEED).random((_WAYS, total))
        chosen = np.argsort(keys, axis=1)[:, :size]
    ways = np.zeros((len(chosen), total))
    np.put_along_axis(ways, chosen, 1.0, axis=1)
    ways.flags.writeable = False
    return ways
