"""The made-up worlds that rules are tried in: where noise comes from, and what is known to hold."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Random = np.random.Generator
Draw = Callable[[Random, int], Numbers]

SEED = 20_240_917
#: Mean and standard deviation of e^z for a standard normal z.
LOGNORMAL_MEAN = math.exp(0.5)
LOGNORMAL_SD = math.sqrt((math.e - 1) * math.e)
#: The share of the variance that re-splits of one table have in common, and n_test / n_train, by
#: which that share is what Nadeau and Bengio's correction supposes: r / (1 + r) = 0.2.
SHARED = 0.2
RESPLIT = 0.25


def generator(*key: str | float) -> Random:
    """Return the generator of one condition: it depends on no other, nor on their order."""
    return np.random.default_rng([SEED, zlib.crc32(repr(key).encode())])


def normal(random: Random, n: int) -> Numbers:
    return random.normal(size=n)


def lognormal(random: Random, n: int) -> Numbers:
    """Return skewed values of mean 0 and standard deviation 1: most below 0, a few far above."""
    return (random.lognormal(size=n) - LOGNORMAL_MEAN) / LOGNORMAL_SD


def minus_lognormal(random: Random, n: int) -> Numbers:
    """Return values of mean 0: most above 0, a few far below."""
    return -lognormal(random, n)


def lognormal_of_median_0(random: Random, n: int) -> Numbers:
    return (random.lognormal(size=n) - 1) / LOGNORMAL_SD


def heavy_tailed(random: Random, n: int) -> Numbers:
    """Return Student's t of two degrees of freedom: symmetric, of infinite variance."""
    return random.standard_t(2, size=n)


def shared_split(random: Random, n: int) -> Numbers:
    """Return values of mean 0 and variance 1 that share a fifth of it, as re-splits of a table."""
    return together(random.normal(), random.normal(size=n))


def together(common: float, own: Numbers) -> Numbers:
    return math.sqrt(SHARED) * common + math.sqrt(1 - SHARED) * own


def some_diverged(values: Numbers, random: Random, share: float = 0.1) -> Numbers:
    """Return ``values`` of which each is lost with chance ``share``, whatever it is."""
    return np.where(random.random(values.shape) < share, math.nan, values)
