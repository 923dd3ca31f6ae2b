"""Families of claims: how often any verdict of twenty claims of mixed kinds is false."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from repro.claims import ALPHA
from repro.statistics import (
    Comparison,
    EachTest,
    Margin,
    Numbers,
    Ratio,
    Rules,
    Sides,
    at_least,
    compare_beyond,
    compare_curve_parameter,
    compare_equivalent,
    compare_mean,
    compare_ratio,
    each,
    holm,
    judge,
    simultaneous_tail,
)
from simulation.conditions import RESPLIT, Draw, Random, lognormal, normal, shared_split
from simulation.rates import Rate, repeat

TITLE = "Holm over twenty claims of mixed kinds"
TEXT = """\
Each of the twenty claims is just not true: six say better than one rival, three better than each
of three, two on the mean of three data sets, two on at least two of three, and one each names a
margin, a ratio, the share of a gap, equivalence, a rise, a crossing and a fitted parameter
(3 seeds). Any verdict, in either direction, is false."""

REPETITIONS = 1000
N = 5
FAMILY = 20
_FAR = 20.0
_ANY = "any false verdict among 20 claims"


class Runs:
    """The runs of methods on data sets: the method's may be the same ones for every claim."""

    def __init__(self, random: Random, draw: Draw, *, shared: bool, resplit: float) -> None:
        self.random, self.draw, self.shared = random, draw, shared
        self.rules = Rules(resplit=resplit, level=ALPHA / FAMILY)
        self._known: dict[int, Numbers] = {}

    def method(self, dataset: int = 0) -> Numbers:
        if not self.shared:
            return self.rival()
        if dataset not in self._known:
            self._known[dataset] = self.rival()
        return self._known[dataset]

    def rival(self) -> Numbers:
        return self.draw(self.random, N)

    def better(self, dataset: int = 0, lead: float = 0.0) -> Comparison:
        sides = Sides(self.method(dataset), self.rival() + lead, "lower")
        return compare_beyond(sides, Margin(), self.rules)


Claim = Callable[[Runs], EachTest]


def _better(runs: Runs) -> EachTest:
    return each([runs.better()])


def _each(runs: Runs) -> EachTest:
    return each([runs.better(lead=lead) for lead in (0.0, _FAR, _FAR)])


def _mean(runs: Runs) -> EachTest:
    sides = [Sides(runs.method(index), runs.rival(), "lower") for index in range(3)]
    return each([compare_mean(sides, Margin(), runs.rules, [runs.rules.resplit] * 3)])


def _at_least(runs: Runs) -> EachTest:
    leads = enumerate((0.0, 0.0, _FAR))
    return at_least([each([runs.better(index, lead)]) for index, lead in leads], 2)


def _margin(runs: Runs) -> EachTest:
    sides = Sides(runs.method(), runs.rival() + 1.0, "lower")
    return each([compare_beyond(sides, Margin(amount=1.0), runs.rules)])


def _ratio(runs: Runs) -> EachTest:
    return _within(runs, 1.2 + 0.2 * runs.method(), 1 + 0.2 * runs.rival(), 1.2)


def _gap_closed(runs: Runs) -> EachTest:
    ours, theirs, reference = runs.method(), runs.rival(), runs.rival()
    return _within(runs, ours - theirs + 2.0, reference - theirs + 4.0, 0.5)


def _within(runs: Runs, over: Numbers, under: Numbers, bound: float) -> EachTest:
    tail = simultaneous_tail(1, FAMILY)
    return each([compare_ratio(Ratio(over, under, (bound, None), ""), runs.rules, tail)])


def _equivalent(runs: Runs) -> EachTest:
    sides = Sides(runs.method() - 2.0, runs.rival(), "lower")
    return each([compare_equivalent(sides, Margin(amount=2.0), runs.rules)])


def _rises(runs: Runs) -> EachTest:
    curve = [runs.method(), runs.rival(), runs.rival() + _FAR]
    return each([judge(step, runs.rules, size=_FAR) for step in np.diff(curve, axis=0)])


def _crosses(runs: Runs) -> EachTest:
    start, end = runs.method() - runs.rival(), runs.rival() + _FAR
    return each([judge(one, runs.rules, size=_FAR) for one in (start, end)])


def _fit(runs: Runs) -> EachTest:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    slopes = -0.5 + 0.1 * runs.method()[:3, None]
    curves = 5 + slopes * np.log(x) + 0.02 * runs.random.normal(size=(3, x.size))
    bounds = (None, -0.5)
    return each([compare_curve_parameter("logarithmic", "slope", x, curves, bounds, runs.rules)])


CLAIMS: tuple[Claim, ...] = (
    *[_better] * 6,
    *[_each] * 3,
    *[_mean] * 2,
    *[_at_least] * 2,
    *[_margin, _ratio, _gap_closed, _equivalent, _rises, _crosses, _fit],
)


def rates() -> Iterator[Rate]:
    yield _family("normal, every claim has runs of its own", normal, shared=False)
    yield _family("normal, the method's runs are in every claim", normal)
    yield _family("lognormal metrics, alike, the method's runs are in every claim", lognormal)
    split = "re-splits that share 20 %, the method's runs are in every claim"
    yield _family(split, shared_split, resplit=RESPLIT)


def _family(name: str, draw: Draw, *, shared: bool = True, resplit: float = 0.0) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        runs = Runs(random, draw, shared=shared, resplit=resplit)
        p_values = [claim(runs).p for claim in CLAIMS]
        naive = min(p_values) <= ALPHA
        return {_ANY: min(holm(p_values)) <= ALPHA, f"naive {_ANY}": naive}

    tally = repeat(REPETITIONS, once, "family", name)
    return tally.rate(_ANY, name, N, ALPHA, naive="each claim at 5 %")
