"""How many new seeds would settle where our number stands against a printed one."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from repro.statistics.against_printed import TAIL, OurStatistic, PrintedStatistic
from repro.statistics.estimate import Estimate
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
    seeds do not suffice: the estimate lies too near the margin; and where no number would, because
    the paper does not print how its number varies, or it is a best.
    """
    printed = paper.estimate
    if not ours.varies or printed is None:
        return None
    return least_n(lambda n: settling_power(ours, printed, margin, n) >= power, 2, cap)


def settling_power(ours: OurStatistic, paper: Estimate, margin: float, n: int) -> float:
    """Return the chance that ``n`` new seeds alone settle the comparison with the printed value."""
    distance = abs(ours.value - paper.value)
    error = math.sqrt(ours.variance(n))
    reach = _reaches(ours, paper, n)
    if distance > margin:
        return float(ndtr((distance - margin - reach) / error).mean())
    # Both ends within the margin, wherever the interval leaves room for that.
    inside = ndtr((margin - reach - distance) / error) - ndtr((reach - margin - distance) / error)
    return float(np.maximum(inside, 0).mean())


def _reaches(ours: OurStatistic, paper: Estimate, n: int) -> Numbers:
    """Return half the interval's length for equally likely sample variances of ``n`` runs."""
    degrees = n - 1.0
    shares = chdtri(degrees, _TAILS) / degrees
    mine, theirs = shares * ours.variance(n), paper.standard_error**2
    total = mine + theirs
    own, printed = mine / total, theirs / total
    welch = 1 / (own**2 / degrees + printed**2 / paper.degrees_of_freedom)
    return np.asarray(-stdtrit(welch, TAIL) * np.sqrt(total))
