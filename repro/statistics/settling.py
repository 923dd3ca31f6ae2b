"""How many new seeds would settle where our number stands against a printed one."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from repro.statistics.against_printed import TAIL, UNKNOWN_SPREAD, OurStatistic, PrintedStatistic
from repro.statistics.ordinal import Numbers
from repro.statistics.power import POWER, least_n

#: Tail probabilities at which the distribution of a sample variance is read.
_TAILS = (np.arange(64) + 0.5) / 64


def settling_seeds(
    ours: OurStatistic,
    paper: PrintedStatistic,
    margin: float,
    *,
    power: float = POWER,
    cap: int = 10_000,
) -> int | None:
    """Return how many new seeds, taken alone, settle the comparison with chance ``power``.

    Settled is reproduced, if our estimate lies within the margin, and beyond the margin, if it does
    not. The estimate and the spread of the first runs are taken as true. ``None`` where ``cap``
    seeds do not suffice: the estimate lies too near the margin, or what the paper leaves unknown
    is too much for any number, as of a best it always is.
    """
    if not ours.varies or paper.statistic == "best":
        return None
    return least_n(lambda n: settling_power(ours, paper, margin, n) >= power, 2, cap)


def settling_power(ours: OurStatistic, paper: PrintedStatistic, margin: float, n: int) -> float:
    """Return the chance that ``n`` new seeds alone settle the comparison."""
    distance = abs(ours.value - paper.value)
    error = math.sqrt(ours.variance(n))
    reach = _reaches(ours, paper, n)
    if distance > margin:
        return float(ndtr((distance - margin - reach) / error).mean())
    # Both ends within the margin, wherever the interval leaves room for that.
    inside = ndtr((margin - reach - distance) / error) - ndtr((reach - margin - distance) / error)
    return float(np.maximum(inside, 0).mean())


def _reaches(ours: OurStatistic, paper: PrintedStatistic, n: int) -> Numbers:
    """Return half the interval's length for equally likely sample variances of ``n`` runs."""
    degrees = n - 1.0
    shares = chdtri(degrees, _TAILS) / degrees
    known = paper.estimate
    if known is None:
        variance = ours.variance(n) + (UNKNOWN_SPREAD * ours.spread) ** 2 * ours.printed
        return np.asarray(-stdtrit(degrees, TAIL) * np.sqrt(shares * variance))
    mine, theirs = shares * ours.variance(n), known.standard_error**2
    total = mine + theirs
    own, printed = mine / total, theirs / total
    welch = 1 / (own**2 / degrees + printed**2 / known.degrees_of_freedom)
    return np.asarray(-stdtrit(welch, TAIL) * np.sqrt(total))
