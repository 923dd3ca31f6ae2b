"""Tests that suppose no normal distribution: signs, permutations, ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from repro.claims import ALPHA
from repro.statistics import Margin, Rules, Sides, compare_beyond, friedman
from repro.statistics.estimate import estimate_mean
from simulation.conditions import (
    Draw,
    Random,
    heavy_tailed,
    lognormal,
    lognormal_of_median_0,
    minus_lognormal,
    normal,
    some_diverged,
)
from simulation.rates import (
    CONTRADICTED,
    ONE_TAIL,
    SUPPORTED,
    Rate,
    false_verdict,
    repeat,
    verdict,
)

TITLE = "Sign, permutation, Wilcoxon and Friedman tests"
TEXT = """\
The tests that a claim may ask for in place of t, where there is no difference; and Friedman's test
of four methods over ten data sets, with Holm over the six pairs. The pairs have rows of their own:
where all four are alike, and where one is far ahead, so that Friedman's test always passes and a
false pair is one of the other three. A method that varies more than the others is first or last
more often than they are, though it is as good on average.

**Known limit.** Permutation and Wilcoxon tests suppose that differences are symmetric. The sign
test is about the median alone, and keeps its level for skewed differences whose median is 0."""

REPETITIONS = 2500
Test = Literal["permutation", "sign", "wilcoxon"]
TESTS: tuple[Test, ...] = ("permutation", "sign", "wilcoxon")
_OF_MEAN_0 = "lognormal differences of mean 0"
_OF_MEDIAN_0 = "lognormal differences of median 0"
_LIMITS: dict[tuple[Test, str], float] = {
    ("permutation", _OF_MEAN_0): 0.18,
    ("wilcoxon", _OF_MEDIAN_0): 0.06,
}
_ALIKE, _PAIR = "false “the methods differ”", "any false pair"
_COVERS = "interval covers the median"


def rates() -> Iterator[Rate]:
    for test in TESTS:
        yield from _level(test, "normal", normal, 6)
        yield from _level(test, "normal", normal, 10)
        yield from _level(test, "Student's t₂ differences", heavy_tailed, 10)
    yield from _level("permutation", _OF_MEAN_0, minus_lognormal, 10)
    for test in ("sign", "wilcoxon"):
        yield from _level(test, _OF_MEDIAN_0, lognormal_of_median_0, 10)
    yield from _level("sign", "10 % of all runs diverge", normal, 10, diverging=True)
    yield _median_interval()
    for name, draw in (("normal", normal), ("lognormal", lognormal)):
        yield from _friedman(name, draw)
    yield from _friedman("10 % of all runs diverge", normal, diverging=True)
    yield _pairs("one of 4 methods far ahead", lead=20.0)
    yield _pairs("one of 4 methods with 10 times the sd", spread=10.0)


def _level(test: Test, name: str, draw: Draw, n: int, *, diverging: bool = False) -> Iterator[Rate]:
    def once(random: Random) -> dict[str, bool]:
        ours = normal(random, n)
        theirs = normal(random, n) if diverging else ours + draw(random, n)
        if diverging:
            ours, theirs = some_diverged(ours, random), some_diverged(theirs, random)
        found = compare_beyond(Sides(ours, theirs, "lower"), Margin(), Rules(test=test))
        gains = theirs - ours
        by_t = estimate_mean(gains[np.isfinite(gains)].tolist())
        return false_verdict(verdict(found)) | {
            f"naive {SUPPORTED}": by_t is not None and by_t.p_greater() <= ONE_TAIL,
            f"naive {CONTRADICTED}": by_t is not None and by_t.p_less() <= ONE_TAIL,
        }

    tally = repeat(REPETITIONS, once, "level", test, name, n)
    for what in (SUPPORTED, CONTRADICTED):
        limit = _LIMITS.get((test, name)) if what == SUPPORTED else None
        naive = "t of the seeds left" if diverging else "t"
        yield tally.rate(what, f"{test}, {name}", n, ONE_TAIL, naive=naive, limit=limit)


def _median_interval() -> Rate:
    def once(random: Random) -> dict[str, bool]:
        gains = lognormal_of_median_0(random, 10)
        sides = Sides(np.zeros(10), gains, "lower")
        interval = compare_beyond(sides, Margin(), Rules(test="sign")).interval(0.025, 0.025)
        by_t = estimate_mean(gains.tolist())
        assert interval is not None
        assert by_t is not None
        low, high = by_t.interval(0.025, 0.025)
        return {
            _COVERS: interval[0] <= 0 <= interval[1],
            f"naive {_COVERS}": low <= 0 <= high,
        }

    tally = repeat(REPETITIONS, once, "median interval")
    return tally.rate(_COVERS, "lognormal differences", 10, 0.95, coverage=True, naive="t")


def _friedman(name: str, draw: Draw, *, diverging: bool = False) -> Iterator[Rate]:
    def once(random: Random) -> dict[str, bool]:
        scores = {method: draw(random, 10) for method in "abcd"}
        if diverging:
            scores = {method: some_diverged(one, random) for method, one in scores.items()}
        found = friedman(scores)
        apart = [scores[one] - scores[other] for one, other in found.pairs]
        by_t = [estimate_mean(gains[np.isfinite(gains)].tolist()) for gains in apart]
        naive = any(t and 2 * min(t.p_greater(), t.p_less()) <= ALPHA for t in by_t)
        return {
            _ALIKE: found.p <= ALPHA,
            _PAIR: min(found.pairs.values()) <= ALPHA,
            f"naive {_PAIR}": naive,
        }

    tally = repeat(REPETITIONS, once, "friedman", name)
    under = f"4 methods over 10 data sets, {name}"
    yield tally.rate(_ALIKE, f"Friedman, {under}", 10, ALPHA)
    yield tally.rate(_PAIR, f"pairs by Holm, {under}", 10, ALPHA, naive="t of each pair at 5 %")


def _pairs(name: str, lead: float = 0.0, spread: float = 1.0) -> Rate:
    """Return the rate of a false pair where method d leads, or varies more than the others."""

    def once(random: Random) -> dict[str, bool]:
        scores = {method: normal(random, 10) for method in "abcd"}
        scores["d"] = spread * scores["d"] - lead
        found = friedman(scores)
        false = [pair for pair in found.pairs if not lead or "d" not in pair]
        by_t = [estimate_mean((scores[one] - scores[other]).tolist()) for one, other in false]
        return {
            _PAIR: min(found.pairs[pair] for pair in false) <= ALPHA,
            f"naive {_PAIR}": any(t and 2 * min(t.p_greater(), t.p_less()) <= ALPHA for t in by_t),
        }

    tally = repeat(REPETITIONS, once, "pairs", name)
    under = f"pairs by Holm, {name}, over 10 data sets"
    return tally.rate(_PAIR, under, 10, ALPHA, naive="t of each pair at 5 %")
