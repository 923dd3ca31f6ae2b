"""One elementary test: a contrast of paired seeds, its estimate, interval and p per direction.

A contrast is one number per seed that is positive where the claim holds. The t test decides. A sign
test stands beside it, because skewed differences deceive t: where the sign test can reach the level
at all, the larger p counts. With 5 seeds it cannot (its least two-sided p is 2 / 2⁵ = 0.0625), and
the comparison says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from repro.statistics.estimate import Estimate, estimate_mean
from repro.statistics.nonparametric import (
    MedianSpread,
    permutation_test,
    sign_test,
    signed_rank_test,
)
from repro.statistics.power import least_attainable_p, refusal
from repro.statistics.summary import variance_factor

Better = Literal["lower", "higher", "neither"]
PairedTest = Literal["", "permutation", "sign", "wilcoxon"]
Numbers = NDArray[np.float64]

#: Differences below this share of the values are rounding, not results.
ROUNDING = 1e-12

_ASKED = {
    "permutation": ("permutation", permutation_test),
    "sign": ("sign", sign_test),
    "wilcoxon": ("Wilcoxon signed-rank", signed_rank_test),
}


class Spread(Protocol):
    """How far an estimate may be off."""

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float] | None:
        """Return the interval that leaves out the two tail probabilities; ``None`` if unbounded."""


@dataclass(frozen=True)
class Comparison:
    """What paired seeds say of a claim such as "the method is better than the rival".

    ``estimate``     such as the mean advantage; ``None`` where a run diverged or one seed is alone
    ``p_greater``    one-sided p of the claim; ``p_less`` of its opposite. 1 where nothing can be
                     said
    ``wins``         seeds on which the claim held
    ``contrast``     mean and standard deviation over the seeds of what was tested against 0: what
                     the number of further seeds follows from
    ``correlation``  between the two over the seeds: what pairing gains; ``None`` if undefined
    ``likelihood``   of a curve's parameter: its 95 % interval by profile likelihood, from the
                     scatter of the means about their curve. It decides nothing
    ``notes``        what limits the comparison, in plain words
    """

    n: int
    test: str
    p_greater: float
    p_less: float
    wins: int = 0
    estimate: float | None = None
    spread: Spread | None = field(default=None, repr=False)
    contrast: tuple[float, float] | None = None
    correlation: float | None = None
    likelihood: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float] | None:
        """Return the estimate's interval that leaves out the two tail probabilities."""
        return None if self.spread is None else self.spread.interval(lower_tail, upper_tail)

    def silenced(self, note: str) -> Comparison:
        """Return the comparison with nothing to say, and ``note`` as the reason."""
        return replace(self, p_greater=1.0, p_less=1.0, notes=(note, *self.notes))


@dataclass(frozen=True)
class Rules:
    """How an elementary test is made, and what it must be able to reach.

    ``resplit``        see :func:`repro.statistics.summary.variance_factor`
    ``level``          two-sided level that a claim must reach: Holm's strictest, 0.05 / family
    ``support``        what the p of the claim is multiplied with, at least, when it decides
    ``contradiction``  the same for the opposite: Bonferroni over the claim's comparisons
    ``test``           one that decides in place of t and the sign test; "" for these
    """

    resplit: float = 0.0
    level: float = 0.05
    support: int = 1
    contradiction: int = 1
    test: PairedTest = ""

    def reaches(self, n: int) -> tuple[bool, bool]:
        """Say whether a test by signs over ``n`` seeds can decide for, and against, the claim."""
        least = least_attainable_p("sign", n)
        return least * self.support <= self.level, least * self.contradiction <= self.level


def compare(
    method: Sequence[float] | Numbers,
    rival: Sequence[float] | Numbers,
    *,
    better: Better,
    resplit: float = 0.0,
    level: float = 0.05,
    pairs: int = 1,
) -> Comparison:
    """Test whether the method is better; both hold the same seeds in the same order.

    ``level``, ``resplit`` and ``pairs`` are those of :class:`Rules`, ``pairs`` its contradiction.

    A non-finite value is a diverged run: it is worse than every finite one, and the sign test
    alone judges. A method that diverged is never "better".
    """
    ours, theirs = np.asarray(method, float), np.asarray(rival, float)
    found = judge(
        advantages(ours, theirs, better),
        Rules(resplit, level, contradiction=pairs),
        size=size_of(ours, theirs),
        alive=bool(np.isfinite(ours).all()),
    )
    return replace(found, correlation=correlation(ours, theirs))


def advantages(ours: Numbers, theirs: Numbers, better: Better) -> Numbers:
    """Return how much better each of ``ours`` is; ±infinity where one side alone diverged."""
    with np.errstate(over="ignore", invalid="ignore"):
        gains: Numbers = ours - theirs if better == "higher" else theirs - ours
    alive, rival_alive = np.isfinite(ours), np.isfinite(theirs)
    gains = np.where(alive & ~rival_alive, np.inf, gains)
    gains = np.where(~alive & rival_alive, -np.inf, gains)
    return np.where(~alive & ~rival_alive, np.nan, gains)


def size_of(*sides: Numbers) -> float:
    """Return the largest finite size among the values: what rounding is measured by."""
    sizes = np.abs(np.concatenate(sides))
    finite = sizes[np.isfinite(sizes)]
    return float(finite.max()) if finite.size else 0.0


def judge(
    contrast: Numbers,
    rules: Rules,
    *,
    size: float,
    alive: bool = True,
    estimate: Estimate | None = None,
) -> Comparison:
    """Test whether a contrast over seeds is positive.

    ``contrast``  one number per seed; not finite where a run diverged
    ``size``      that of the values behind it
    ``alive``     whether every run that the claim praises is finite: else it is never supported
    ``estimate``  of the contrast's mean, where it is not the plain mean over these seeds
    """
    n = contrast.size
    if n < 2:
        return untested(n, "one seed cannot be tested")
    if not np.isfinite(contrast).all() or not alive:
        return _by_signs(contrast, rules, alive=alive)
    wins = int((contrast > 0).sum())
    if np.abs(contrast).max() <= ROUNDING * size:
        return untested(n, "both give identical values")
    estimate = estimate or estimate_mean(contrast.tolist(), rules.resplit)
    if estimate is None or not math.isfinite(estimate.standard_error):
        return untested(n, "values too large to be compared", wins)
    if estimate.standard_error <= ROUNDING * size * math.sqrt(variance_factor(n, rules.resplit)):
        return untested(n, "what is tested does not vary over the seeds: nothing to test", wins)
    if rules.test:
        return _by_asked(contrast, rules, estimate)
    return _by_t(contrast, rules, estimate)


def untested(n: int, note: str, wins: int = 0) -> Comparison:
    """Return what is said where nothing can be tested."""
    return Comparison(n, "none", 1.0, 1.0, wins=wins, notes=(note,))


def correlation(ours: Numbers, theirs: Numbers) -> float | None:
    """Return the correlation over the seeds; ``None`` where it is not defined."""
    with np.errstate(all="ignore"):
        if ours.size < 3 or ours.std() == 0 or theirs.std() == 0:
            return None
        value = float(np.corrcoef(ours, theirs)[0, 1])
    return value if math.isfinite(value) else None


def _by_signs(contrast: Numbers, rules: Rules, *, alive: bool) -> Comparison:
    greater, less = sign_test(contrast)
    n = contrast.size
    supports, contradicts = rules.reaches(n)
    notes = ["runs diverged: judged by the sign test, a diverged run being the worst value"]
    if not supports:
        least = least_attainable_p("sign", n)
        notes.append(f"its least p with {n} seeds, {least:.3g}, is not small enough")
    return Comparison(
        n,
        "sign",
        p_greater=greater if alive and supports else 1.0,
        p_less=less if contradicts else 1.0,
        wins=int((contrast > 0).sum()),
        notes=tuple(notes),
    )


def _by_t(contrast: Numbers, rules: Rules, estimate: Estimate) -> Comparison:
    n = contrast.size
    supports, contradicts = rules.reaches(n)
    signs = sign_test(contrast)
    greater, less = estimate.p_greater(), estimate.p_less()
    return Comparison(
        n,
        "paired t, corrected for re-splits" if rules.resplit > 0 else "paired t",
        p_greater=max(greater, signs[0]) if supports else greater,
        p_less=max(less, signs[1]) if contradicts else less,
        wins=int((contrast > 0).sum()),
        estimate=estimate.value,
        spread=estimate,
        contrast=(estimate.value, float(contrast.std(ddof=1))),
        notes=() if supports else (_unreachable(n),),
    )


def _by_asked(contrast: Numbers, rules: Rules, estimate: Estimate) -> Comparison:
    """Judge by the test that was asked for; over re-splits of one table, by corrected t as well."""
    assert rules.test
    name, test = _ASKED[rules.test]
    n, (supports, contradicts) = contrast.size, rules.reaches(contrast.size)
    greater, less = test(contrast)
    notes = () if supports else (refusal(rules.test, n, rules.level / rules.support),)
    if rules.resplit > 0:
        greater, less = max(greater, estimate.p_greater()), max(less, estimate.p_less())
        name += " and corrected t"
    by_mean = rules.test == "permutation"
    return Comparison(
        n,
        name,
        p_greater=greater if supports else 1.0,
        p_less=less if contradicts else 1.0,
        wins=int((contrast > 0).sum()),
        estimate=estimate.value if by_mean else float(np.median(contrast)),
        spread=estimate if by_mean else MedianSpread(tuple(contrast.tolist())),
        contrast=(estimate.value, float(contrast.std(ddof=1))),
        notes=notes,
    )


def _unreachable(n: int) -> str:
    least = least_attainable_p("sign", n)
    return (
        f"the sign test beside t cannot decide with {n} seeds (least two-sided p {least:.3g}), so "
        f"t alone decides: skewed differences could mislead it"
    )
