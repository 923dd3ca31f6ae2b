"""Many methods over many data sets by ranks: Friedman's test, then pairs with Holm's correction."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr

from repro.statistics.comparison import Numbers
from repro.statistics.multiplicity import holm
from repro.statistics.nonparametric import ranks


@dataclass(frozen=True)
class Friedman:
    """What ranks say of "all methods are alike".

    ``p``           of Friedman's test; 1 where all are tied or there is too little to rank
    ``mean_ranks``  per method, 1 for the best
    ``pairs``       two-sided p of every pair after Holm's correction over the pairs
    """

    p: float
    mean_ranks: dict[str, float]
    pairs: dict[tuple[str, str], float]


def friedman(scores: Mapping[str, Numbers], *, better: str = "lower") -> Friedman:
    """Return the test over ``scores``: per method one number per block, the same blocks for all.

    A block is a data set, or a seed of one. A number that is not finite is the worst of its block.
    Ties are corrected for in the test and share their ranks (Demšar, 2006, "Statistical comparisons
    of classifiers over multiple data sets").
    """
    methods = list(scores)
    table = np.stack([np.asarray(scores[method], dtype=float) for method in methods], axis=-1)
    table = -table if better == "higher" else table
    placed = ranks(np.where(np.isfinite(table), table, np.inf))
    means = placed.mean(axis=0)
    p = _p(placed)
    pairs = list(itertools.combinations(range(len(methods)), 2))
    apart = [_two_sided(abs(means[i] - means[j]), len(methods), len(placed)) for i, j in pairs]
    named = [(methods[i], methods[j]) for i, j in pairs]
    by_method = dict(zip(methods, map(float, means), strict=True))
    return Friedman(p, by_method, dict(zip(named, holm(apart), strict=True)))


def least_friedman_p(methods: int, blocks: int) -> float:
    """Return the smallest p that the test can reach: all blocks rank all methods alike."""
    if blocks < 2 or methods < 3:
        return 1.0
    return float(chdtrc(methods - 1, blocks * (methods - 1)))


def least_pair_p(methods: int, blocks: int) -> float:
    """Return the smallest p that a pair can reach after Holm: always first against always last."""
    pairs = math.comb(methods, 2)
    return min(1.0, pairs * _two_sided(methods - 1.0, methods, blocks))


def _two_sided(distance: float, methods: int, blocks: int) -> float:
    """Return the p of two mean ranks that are ``distance`` apart, from the normal approximation."""
    return 2 * float(ndtr(-distance / math.sqrt(methods * (methods + 1) / (6 * blocks))))


def _p(placed: Numbers) -> float:
    """Return the p of ranks of shape (blocks, methods), from the chi-squared approximation."""
    blocks, methods = placed.shape
    if blocks < 2 or methods < 3:
        return 1.0
    between = blocks * float(((placed.mean(axis=0) - (methods + 1) / 2) ** 2).sum())
    total = float(((placed - (methods + 1) / 2) ** 2).sum()) / (blocks * (methods - 1))
    return 1.0 if total == 0 else float(chdtrc(methods - 1, between / total))
