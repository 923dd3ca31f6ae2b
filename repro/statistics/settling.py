"""Whether new seeds would settle where our number stands against a printed one, and how many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from repro.statistics.against_printed import TAIL, OurStatistic, PrintedStatistic
from repro.statistics.estimate import Estimate
from repro.statistics.ordinal import Numbers
from repro.statistics.power import POWER, least_n

#: Tail probabilities at which the distribution of a sample variance is read.
_TAILS = (np.arange(64) + 0.5) / 64

#: The largest share that the printed number's standard error may have of our own over the new
#: seeds. The printed error is the same in both stages: what it hid in the first it hides again.
#: Equal errors make a second stage err in 20 % of cases.
LARGEST_PRINTED_ERROR = 1 / 3

#: A spread over five runs is often far too small: the share is kept by the upper end of a one-sided
#: interval of the printed error that holds in so many cases.
_CONFIDENCE = 0.95

Outlook = Literal["settles", "hopeless", "one_table", "same_number", "no_spread"]


@dataclass(frozen=True)
class Prospect:
    """What new seeds, taken alone, can do for a comparison that is open.

    ``outlook``  ``settles``: ``seeds`` of them, and up to ``most``, settle it; ``hopeless``: more
                 would be needed than are allowed; ``one_table``: they would only split one finite
                 table again; ``same_number``: the printed number itself errs by too much;
                 ``no_spread``: nothing says by how much it errs
    ``most``     with more seeds than these the printed number's error would weigh too much
    """

    outlook: Outlook
    seeds: int = 0
    most: int = 0


def prospect(ours: OurStatistic, paper: PrintedStatistic, margin: float, cap: int) -> Prospect:
    """Return what at most ``cap`` new seeds can do for a comparison that is open."""
    printed = paper.estimate
    if printed is None:
        return Prospect("no_spread")
    if ours.fixed > 0:
        return Prospect("one_table")
    most = _most_seeds(ours, printed, cap)
    needed = settling_seeds(ours, paper, margin, cap=most)
    if needed is not None:
        return Prospect("settles", needed, most)
    return Prospect("same_number" if most < cap else "hopeless")


def _most_seeds(ours: OurStatistic, paper: Estimate, cap: int) -> int:
    """Return up to how many seeds, at most ``cap``, the printed error is small beside our own."""
    degrees = paper.degrees_of_freedom
    largest = paper.standard_error * math.sqrt(degrees / float(chdtri(degrees, _CONFIDENCE)))

    def small_beside_ours(n: int) -> bool:
        return largest <= LARGEST_PRINTED_ERROR * math.sqrt(ours.variance(n))

    return next((n for n in range(cap, 0, -1) if small_beside_ours(n)), 0)


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
