"""Many tests at once: one p per claim, Holm over a family, intervals that hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from repro.statistics.comparison import Comparison


@dataclass(frozen=True)
class EachTest:
    """The two directional hypotheses of "better in each comparison".

    ``p_support``     intersection-union: the largest one-sided p. To support, all must hold
    ``p_contradict``  one comparison that is significantly worse contradicts, and it may be any of
                      them: the least opposite p times their number (Bonferroni)
    """

    p_support: float
    p_contradict: float

    @property
    def p(self) -> float:
        """The claim's two-sided p."""
        return min(1.0, 2.0 * min(self.p_support, self.p_contradict))

    @property
    def direction(self) -> Literal["supported", "contradicted"]:
        """What a significant claim is."""
        return "supported" if self.p_support <= self.p_contradict else "contradicted"


def each(comparisons: Sequence[Comparison]) -> EachTest:
    """Return the test of "better in each of ``comparisons``"; of none: nothing can be said."""
    if not comparisons:
        return EachTest(1.0, 1.0)
    support = max(comparison.p_greater for comparison in comparisons)
    least = min(comparison.p_less for comparison in comparisons)
    return EachTest(support, min(1.0, len(comparisons) * least))


def partial_conjunction(p_values: Sequence[float], k: int) -> float:
    """Return the p of "at least ``k`` of these hold": (n − k + 1) times the k-th smallest.

    Valid however the tests depend on each other (Benjamini and Heller, 2008, "Screening for partial
    conjunction hypotheses"). To count the significant ones would err far more often. 1 where there
    are fewer than ``k``.
    """
    n = len(p_values)
    if k > n:
        return 1.0
    return min(1.0, (n - k + 1) * sorted(p_values)[k - 1])


def at_least(tests: Sequence[EachTest], k: int, named: int | None = None) -> EachTest:
    """Return the test of "at least ``k`` of ``named`` hold", all of them tested by default.

    Its opposite is that more than named − k are contradicted. What could not be tested may hold or
    not: it helps neither.
    """
    opposite = (len(tests) if named is None else named) - k + 1
    return EachTest(
        partial_conjunction([test.p_support for test in tests], k),
        partial_conjunction([test.p_contradict for test in tests], opposite),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given.

    A verdict at an adjusted p of at most 0.05 keeps the chance of any false verdict in the whole
    family at 5 % (Holm, 1979, "A simple sequentially rejective multiple test procedure").
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def simultaneous_tail(comparisons: int, family: int, level: float = 0.05) -> float:
    """Return the probability that each end of a comparison's interval may leave out.

    All intervals of a family hold at once with probability at least 1 - ``level``: ``level`` is
    divided by the ``family``'s number of claims, by the claim's number of ``comparisons`` and by
    the two ends (Bonferroni, so however the comparisons depend on each other).
    """
    return level / (2 * family * comparisons)
