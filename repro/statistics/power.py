"""Before the runs: what n seeds can show, how many would be needed, which tests cannot decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import bdtrc, bdtrik, nctdtr, ndtr, ndtri, stdtrit

from repro.statistics.summary import variance_factor

SignTest = Literal["sign", "permutation", "wilcoxon"]
#: The test that a claim asks for; "" for t, and the sign test beside it where that can decide.
AskedTest = Literal["", "sign", "permutation", "wilcoxon", "welch"]

#: The chance of finding what is there that a number of seeds is chosen for.
POWER = 0.8

#: Equally likely values of a standard normal number.
_NORMAL = ndtri((np.arange(64) + 0.5) / 64)

_NAMES = {
    "sign": "a sign test",
    "permutation": "a permutation test",
    "wilcoxon": "Wilcoxon's signed-rank test",
}


def t_power(effect: float, n: int, level: float, resplit: float = 0.0) -> float:
    """Return the chance that a paired t test over ``n`` seeds finds ``effect``, on its own side.

    ``effect``  true mean difference, in standard deviations of the paired difference
    ``level``   two-sided
    """
    if n < 2:
        return 0.0
    critical = -float(stdtrit(n - 1.0, level / 2))
    centre = abs(effect) / math.sqrt(variance_factor(n, resplit))
    # The mass below is all of it where the noncentral distribution is too far off to be summed.
    below = float(nctdtr(n - 1.0, centre, critical))
    return 1 - below if math.isfinite(below) else float(centre > critical)


def sign_power(effect: float, n: int, level: float, resplit: float = 0.0) -> float:
    """Return the chance that a sign test over ``n`` seeds finds ``effect``, on its own side.

    The parameters are those of :func:`t_power`. What re-splits of one table share moves all seeds
    together, and the chance is the mean over it.
    """
    shared = math.sqrt(resplit) * _NORMAL if resplit > 0 else np.zeros(1)
    wins = ndtr(abs(effect) + shared)
    return float(bdtrc(_least_wins(n, level) - 1, n, wins).mean())


def detection_power(
    effect: float, n: int, level: float, resplit: float = 0.0, test: AskedTest = ""
) -> float:
    """Return the chance that all tests that count over ``n`` seeds find ``effect``.

    Where the sign test stands beside t, both must. Seeds that help one help the other, so that both
    find an effect at least as often as if they were independent: the product of the two chances is
    on the safe side. (Simulated with normal differences, 6 to 60 seeds, levels of 5 % to 0.4 %.
    Where the product is 80 %, 80 to 84 % are found, and where the smaller of the two chances is,
    79 to 80 %. The sum of the two less 1, which is safe whatever the seeds are, is below both.)

    ``test``  Permutation and signed-rank tests find what t finds at the level that they can attain
              over a twentieth fewer seeds, at least one (simulated with up to 14 seeds)
    """
    by_t = t_power(effect, n, level, resplit)
    if test == "welch":
        return by_t
    least = least_attainable_p("sign", n)
    if least > level:
        return by_t if test == "" else 0.0
    if test in ("permutation", "wilcoxon"):
        return t_power(effect, n - math.ceil(n / 20), _attainable(level, least), resplit)
    by_signs = sign_power(effect, n, level, resplit)
    # Over re-splits a sign test that was asked for has corrected t beside it.
    return by_signs if test == "sign" and resplit == 0 else by_t * by_signs


def smallest_detectable(
    n: int, level: float, power: float = POWER, resplit: float = 0.0, test: AskedTest = ""
) -> float:
    """Return the least effect that paired seeds find with chance ``power``.

    In standard deviations of the paired difference. ``level`` is two-sided; infinite for fewer than
    two seeds, and for too few for ``test``. Each further claim of a family makes it larger. Raises
    ``ValueError`` unless ``level`` and ``power`` lie strictly between 0 and 1.
    """
    if not (0 < level < 1 and 0 < power < 1):
        raise ValueError(f"level {level:g} and power {power:g} must lie between 0 and 1")
    if n < 2 or (test in _NAMES and least_attainable_p("sign", n) > level):
        return math.inf
    high = 1.0
    while detection_power(high, n, level, resplit, test) < power:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        found = detection_power(middle, n, level, resplit, test) >= power
        low, high = (low, middle) if found else (middle, high)
    return high


def further_seeds(
    effect: float,
    sd: float,
    level: float,
    power: float = POWER,
    resplit: float = 0.0,
    cap: int = 10_000,
    test: AskedTest = "",
) -> int | None:
    """Return how many new seeds, at the least, find ``effect`` alone with chance ``power``.

    ``effect`` and ``sd``, the standard deviation of the paired difference, are of one unit.
    ``None`` where ``cap`` seeds do not suffice (re-splits of one table have a floor), where there
    is no effect, or no variation that a number could be computed from.

    One seed more may find it less often: the sign test allows for losses in whole seeds.
    """
    if not (math.isfinite(effect) and math.isfinite(sd)) or effect == 0 or sd <= 0:
        return None
    size = effect / sd
    # No test finds more than t does, and what t finds grows with every seed.
    start = least_n(lambda n: t_power(size, n, level, resplit) >= power, 2, cap)
    if start is None:
        return None
    within = range(start, cap + 1)
    return next(
        (n for n in within if detection_power(size, n, level, resplit, test) >= power), None
    )


def least_n(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the least n from ``low`` to ``high`` that is enough; ``None`` if ``high`` is not.

    What is enough stays enough for every larger n.
    """
    if high < low or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def least_attainable_p(test: SignTest, n: int) -> float:
    """Return the smallest two-sided p that ``test`` can give over ``n`` paired seeds.

    All three judge by which of the 2ⁿ ways to sign the differences was met. The most extreme two
    are all positive and all negative.
    """
    if test not in _NAMES:
        raise ValueError(f"unknown test {test!r}")
    return min(1.0, 2.0 * 0.5**n)


def refusal(test: SignTest, n: int, level: float) -> str:
    """Say why ``test`` over ``n`` seeds can never reach ``level``; empty if it can."""
    least = least_attainable_p(test, n)
    if least <= level:
        return ""
    needed = math.ceil(1 - math.log2(level))
    return (
        f"{_NAMES[test]} over {n} seeds cannot decide: its least two-sided p is {least:.3g}, and "
        f"Holm's correction over the family asks for {level:.3g}; {needed} seeds could reach it"
    )


def _least_wins(n: int, level: float) -> int:
    """Return how many of ``n`` seeds must point one way for a sign test; n + 1 if all do not do."""
    wins = max(0, math.floor(bdtrik(1 - level / 2, n, 0.5)))
    while wins <= n and (wins == 0 or bdtrc(wins - 1, n, 0.5) > level / 2):
        wins += 1
    return wins


def _attainable(level: float, least: float) -> float:
    """Return the largest multiple of the ``least`` p that does not exceed ``level``."""
    # Over many seeds the steps are too small to count.
    step = max(least, 1e-9)
    return math.floor(level / step) * step
