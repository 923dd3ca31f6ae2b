"""Method against rival, paired by seed: estimate, interval and one p-value per direction.

The t test decides. A sign test stands beside it, because skewed differences deceive t: where the
sign test can reach the level at all, the larger p counts. With 5 seeds it cannot (its least
two-sided p is 2 / 2⁵ = 0.0625), and the comparison says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, stdtr

from repro.statistics.summary import t_quantile, variance_factor

Better = Literal["lower", "higher", "neither"]
Numbers = NDArray[np.float64]

#: Differences below this share of the values are rounding, not results.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """What paired seeds say of "the method is better than the rival".

    ``estimate``     mean advantage: positive where the method is better; ``None`` where a run
                     diverged or there is one seed alone
    ``p_greater``    one-sided p of "better"; ``p_less`` of "worse". 1 where nothing can be said
    ``wins``         seeds on which the method was better
    ``correlation``  between the two over the seeds: what pairing gains; ``None`` if undefined
    ``notes``        what limits the comparison, in plain words
    """

    n: int
    test: str
    p_greater: float
    p_less: float
    wins: int = 0
    estimate: float | None = None
    standard_error: float | None = None
    correlation: float | None = None
    notes: tuple[str, ...] = ()

    def interval(self, lower_tail: float, upper_tail: float) -> tuple[float, float] | None:
        """Return the t interval of the advantage that leaves out the two tail probabilities."""
        if self.estimate is None or self.standard_error is None:
            return None
        below = t_quantile(1 - lower_tail, self.n - 1) * self.standard_error
        above = t_quantile(1 - upper_tail, self.n - 1) * self.standard_error
        return self.estimate - below, self.estimate + above


def compare(
    method: Sequence[float],
    rival: Sequence[float],
    *,
    better: Better,
    resplit: float = 0.0,
    level: float = 0.05,
    pairs: int = 1,
) -> Comparison:
    """Compare two sequences that hold the same seeds in the same order.

    ``resplit``  see :func:`repro.statistics.summary.variance_factor`
    ``level``    two-sided level that a claim must reach: Holm's strictest, 0.05 / family size
    ``pairs``    comparisons in the claim: the contradiction is Bonferroni-corrected over them

    A non-finite value is a diverged run: it is worse than every finite one, and the sign test
    alone judges. A method that diverged is never "better".
    """
    ours, theirs = np.asarray(method, float), np.asarray(rival, float)
    if ours.size < 2:
        return _untested(ours.size, "one seed cannot be tested")
    gains = advantages(ours, theirs, better)
    reach = _reachable(ours.size, level, pairs)
    if not np.isfinite(gains).all():
        return _by_signs(gains, bool(np.isfinite(ours).all()), reach)
    size = float(np.maximum(np.abs(ours), np.abs(theirs)).max())
    return _by_t(gains, size, resplit, reach, _correlation(ours, theirs))


def advantages(ours: Numbers, theirs: Numbers, better: Better) -> Numbers:
    """Return how much better each of ``ours`` is; ±infinity where one side alone diverged."""
    with np.errstate(over="ignore", invalid="ignore"):
        gains: Numbers = ours - theirs if better == "higher" else theirs - ours
    alive, rival_alive = np.isfinite(ours), np.isfinite(theirs)
    gains = np.where(alive & ~rival_alive, np.inf, gains)
    gains = np.where(~alive & rival_alive, -np.inf, gains)
    return np.where(~alive & ~rival_alive, np.nan, gains)


def sign_test(gains: Numbers) -> tuple[float, float]:
    """Return the one-sided p of "mostly positive" and of "mostly negative"; a tie helps neither."""
    n = gains.size
    return _at_least(int((gains > 0).sum()), n), _at_least(int((gains < 0).sum()), n)


def least_sign_p(n: int) -> float:
    """Return the smallest two-sided p that a sign test over ``n`` seeds can give."""
    return min(1.0, 2.0 * 0.5**n)


@dataclass(frozen=True)
class _Reach:
    """Whether a sign test can reach the level, for each direction."""

    support: bool
    contradiction: bool


def _reachable(n: int, level: float, pairs: int) -> _Reach:
    least = least_sign_p(n)
    return _Reach(least <= level, least * pairs <= level)


def _at_least(successes: int, n: int) -> float:
    return 1.0 if successes == 0 else float(bdtrc(successes - 1, n, 0.5))


def _untested(n: int, note: str, wins: int = 0) -> Comparison:
    return Comparison(n, "none", 1.0, 1.0, wins=wins, notes=(note,))


def _by_signs(gains: Numbers, alive: bool, reach: _Reach) -> Comparison:
    greater, less = sign_test(gains)
    n = gains.size
    notes = ["runs diverged: judged by the sign test, a diverged run being the worst value"]
    if not reach.support:
        notes.append(f"its least p with {n} seeds, {least_sign_p(n):.3g}, is not small enough")
    return Comparison(
        n,
        "sign",
        p_greater=greater if alive and reach.support else 1.0,
        p_less=less if reach.contradiction else 1.0,
        wins=int((gains > 0).sum()),
        notes=tuple(notes),
    )


def _by_t(
    gains: Numbers, size: float, resplit: float, reach: _Reach, correlation: float | None
) -> Comparison:
    n, wins = gains.size, int((gains > 0).sum())
    with np.errstate(over="ignore", invalid="ignore"):
        estimate, sd = float(gains.mean()), float(gains.std(ddof=1))
    if np.abs(gains).max() <= _ROUNDING * size:
        return _untested(n, "both give identical values")
    if not math.isfinite(estimate) or not math.isfinite(sd):
        return _untested(n, "values too large to be compared", wins)
    if sd <= _ROUNDING * size:
        return _untested(n, "the difference does not vary over the seeds: nothing to test", wins)
    error = sd * math.sqrt(variance_factor(n, resplit))
    greater, less = (float(stdtr(float(n - 1), sign * estimate / error)) for sign in (-1, 1))
    signs = sign_test(gains)
    return Comparison(
        n,
        "paired t, corrected for re-splits" if resplit > 0 else "paired t",
        p_greater=max(greater, signs[0]) if reach.support else greater,
        p_less=max(less, signs[1]) if reach.contradiction else less,
        wins=wins,
        estimate=estimate,
        standard_error=error,
        correlation=correlation,
        notes=() if reach.support else (_unreachable(n),),
    )


def _unreachable(n: int) -> str:
    return (
        f"the sign test beside t cannot decide with {n} seeds (least two-sided p "
        f"{least_sign_p(n):.3g}), so t alone decides: skewed differences could mislead it"
    )


def _correlation(ours: Numbers, theirs: Numbers) -> float | None:
    with np.errstate(all="ignore"):
        if ours.size < 3 or ours.std() == 0 or theirs.std() == 0:
            return None
        value = float(np.corrcoef(ours, theirs)[0, 1])
    return value if math.isfinite(value) else None
