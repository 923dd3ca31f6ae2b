"""Before the runs: what n seeds can show, how many would be needed, which tests cannot decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from scipy.special import nctdtr, stdtrit

from repro.statistics.summary import variance_factor

SignTest = Literal["sign", "permutation", "wilcoxon"]

#: The chance of finding what is there that a number of seeds is chosen for.
POWER = 0.8

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


def smallest_detectable(n: int, level: float, power: float = POWER, resplit: float = 0.0) -> float:
    """Return the least effect that a paired t test over ``n`` seeds finds with chance ``power``.

    In standard deviations of the paired difference. ``level`` is two-sided; infinite for fewer than
    two seeds. Each further claim of a family makes it larger. Raises ``ValueError`` unless
    ``level`` and ``power`` lie strictly between 0 and 1.
    """
    if not (0 < level < 1 and 0 < power < 1):
        raise ValueError(f"level {level:g} and power {power:g} must lie between 0 and 1")
    if n < 2:
        return math.inf
    high = 1.0
    while t_power(high, n, level, resplit) < power:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if t_power(middle, n, level, resplit) >= power else (middle, high)
    return high


def further_seeds(
    effect: float,
    sd: float,
    level: float,
    power: float = POWER,
    resplit: float = 0.0,
    cap: int = 10_000,
) -> int | None:
    """Return how many new seeds, taken alone, find ``effect`` with chance ``power``.

    ``effect`` and ``sd``, the standard deviation of the paired difference, are of one unit.
    ``None`` where ``cap`` seeds do not suffice (re-splits of one table have a floor), where there
    is no effect, or no variation that a number could be computed from.
    """
    if not (math.isfinite(effect) and math.isfinite(sd)) or effect == 0 or sd <= 0:
        return None
    return least_n(lambda n: t_power(effect / sd, n, level, resplit) >= power, 2, cap)


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
