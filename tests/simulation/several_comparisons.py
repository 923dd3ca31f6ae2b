"""Claims made of several comparisons: in each, on the mean of the data sets, on at least k."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from repro.statistics import (
    Comparison,
    Margin,
    Rules,
    Sides,
    at_least,
    compare_beyond,
    compare_mean,
    each,
)
from repro.statistics.estimate import estimate_mean
from simulation.conditions import RESPLIT, Draw, Numbers, Random, lognormal, normal, shared_split
from simulation.rates import (
    CONTRADICTED,
    ONE_TAIL,
    SUPPORTED,
    Rate,
    false_verdict,
    repeat,
    verdict,
)

TITLE = "Better in each, on the mean, on at least k"
TEXT = """\
Each claim stands where it is just not true and errs most easily: "in each" where the method is far
better in all comparisons but one, in which there is no difference; "at least k" where k − 1 data
sets hold clearly. For false contradictions there is no difference anywhere."""

REPETITIONS = 2000
_FAR = 20.0


def rates() -> Iterator[Rate]:
    for name, draw in (("normal", normal), ("lognormal metrics, alike", lognormal)):
        yield _each_but_one(name, draw)
        yield _worse_in_any(name, draw)
    yield from _mean("normal, sds 1, 2 and 6", normal, (1.0, 2.0, 6.0))
    yield from _mean("lognormal metrics, alike, sds 1, 2 and 6", lognormal, (1.0, 2.0, 6.0))
    yield from _mean("re-splits that share 20 %, equal sds", shared_split, (1.0,) * 3, RESPLIT)
    for k, clear, level in ((1, 0, 0.05), (3, 2, ONE_TAIL)):
        yield _at_least(k, clear, level)
    yield _at_least_contradicted()


def _rivals(random: Random, draw: Draw, leads: Sequence[float], n: int = 5) -> list[Sides]:
    """Return one side per rival or data set; the method's runs are the same in all of them."""
    ours = draw(random, n)
    return [Sides(ours, draw(random, n) + lead, "lower") for lead in leads]


def _compared(sides: Sequence[Sides], rules: Rules) -> list[Comparison]:
    return [compare_beyond(one, Margin(), rules) for one in sides]


def _each_but_one(name: str, draw: Draw) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        sides = _rivals(random, draw, (0.0, _FAR, _FAR, _FAR))
        word = verdict(each(_compared(sides, Rules(contradiction=4))))
        mean = np.mean([one.theirs - one.ours for one in sides], axis=0)
        return false_verdict(word) | {f"naive {SUPPORTED}": _positive(mean)}

    tally = repeat(REPETITIONS, once, "each but one", name)
    under = f"each of 4 rivals, one as good, {name}"
    return tally.rate(SUPPORTED, under, 5, ONE_TAIL, naive="t of the average over rivals")


def _worse_in_any(name: str, draw: Draw) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        found = _compared(_rivals(random, draw, (0.0,) * 4), Rules(contradiction=4))
        naive = any(one.p_less <= ONE_TAIL for one in found)
        return false_verdict(verdict(each(found))) | {f"naive {CONTRADICTED}": naive}

    tally = repeat(REPETITIONS, once, "worse in any", name)
    under = f"each of 4 rivals, all as good, {name}"
    return tally.rate(CONTRADICTED, under, 5, ONE_TAIL, naive="any rival significantly better")


def _mean(name: str, draw: Draw, sds: Sequence[float], resplit: float = 0.0) -> Iterator[Rate]:
    def once(random: Random) -> dict[str, bool]:
        sides = [Sides(sd * draw(random, 5), sd * draw(random, 5), "lower") for sd in sds]
        found = compare_mean(sides, Margin(), Rules(), [resplit] * len(sds))
        pooled = np.concatenate([one.theirs - one.ours for one in sides])
        return false_verdict(verdict(found)) | {
            f"naive {SUPPORTED}": _positive(pooled),
            f"naive {CONTRADICTED}": _positive(-pooled),
        }

    tally = repeat(REPETITIONS, once, "mean", name)
    for what in (SUPPORTED, CONTRADICTED):
        under = f"mean of 3 data sets, {name}"
        yield tally.rate(what, under, 5, ONE_TAIL, naive="t of all runs pooled")


def _at_least(k: int, clear: int, level: float) -> Rate:
    rules = Rules(support=5 - k + 1, contradiction=k)

    def once(random: Random) -> dict[str, bool]:
        found = _five(random, clear, rules)
        count = sum(one.p_greater <= level for one in found)
        word = verdict(at_least([each([one]) for one in found], k))
        return false_verdict(word) | {f"naive {SUPPORTED}": count >= k}

    tally = repeat(REPETITIONS, once, "at least", k, clear)
    under = f"at least {k} of 5 data sets, {clear} hold clearly, normal"
    naive = f"count those with one-sided p ≤ {100 * level:g} %"
    return tally.rate(SUPPORTED, under, 5, ONE_TAIL, naive=naive)


def _at_least_contradicted() -> Rate:
    def once(random: Random) -> dict[str, bool]:
        found = _five(random, 0, Rules(contradiction=5))
        word = verdict(at_least([each([one]) for one in found], 5))
        return false_verdict(word) | {
            f"naive {CONTRADICTED}": any(one.p_less <= ONE_TAIL for one in found)
        }

    tally = repeat(REPETITIONS, once, "at least, contradicted")
    naive = "any data set significantly worse"
    under = "at least 5 of 5 data sets, no difference anywhere, normal"
    return tally.rate(CONTRADICTED, under, 5, ONE_TAIL, naive=naive)


def _five(random: Random, clear: int, rules: Rules) -> list[Comparison]:
    sides = [
        Sides(normal(random, 5), normal(random, 5) + (_FAR if index < clear else 0.0), "lower")
        for index in range(5)
    ]
    return _compared(sides, rules)


def _positive(gains: Numbers) -> bool:
    estimate = estimate_mean(gains.tolist())
    return estimate is not None and estimate.p_greater() <= ONE_TAIL
