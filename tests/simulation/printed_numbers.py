"""Our runs against a printed number: false `reproduced`, false `falls short`, and the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from repro.cells.verdicts import judge
from repro.spec import Metric, Reported
from repro.statistics.against_printed import (
    TAIL,
    PrintedStatistic,
    compare_with_printed,
    our_statistic,
    place,
)
from repro.statistics.estimate import Estimate
from simulation.conditions import RESPLIT, Draw, Numbers, Random, lognormal, normal, shared_split
from simulation.rates import Rate, repeat

TITLE = "Cells against printed numbers"
TEXT = """\
Higher is better. "At the margin": the true difference is the margin δ, on the worse side.
"Equal": there is none. SE is the true standard error of the difference. Of a printed number that
comes without a spread, nothing more than `consistent` is said, however little our own runs vary.
"δ = (t.99 − t.95) SE" takes the quantiles of Welch's degrees of freedom. Where the margin is itself
printed noise (one printed sd), its own error adds to the rate.

**Known limit.** Welch's degrees of freedom are an approximation: with three runs against ten it
errs in 5.6 % in place of 5 %."""

REPETITIONS = 4000
N = 5
_REPRODUCED, _SHORT = "false `reproduced`", "false `falls short`"
_WORDS = {"reproduced": _REPRODUCED, "falls short": _SHORT}
_MEANS = "compare means"


@dataclass(frozen=True)
class World:
    """``ratio`` is the paper's standard deviation over ours; ``runs`` are ours and the paper's."""

    name: str
    ratio: float = 1.0
    runs: tuple[int, int] = (N, N)
    draw: Draw = normal
    resplit: float = 0.0
    repetitions: int = REPETITIONS
    limit: float | None = None

    @property
    def size(self) -> str:
        return " and ".join(map(str, self.runs))

    @property
    def error(self) -> float:
        """The true standard error of the difference of means."""
        ours, theirs = self.runs
        return math.sqrt(1 / ours + self.resplit_variance + self.ratio**2 / theirs)

    @property
    def resplit_variance(self) -> float:
        # Of variance 1, a fifth shared by all runs: 0.8 / n + 0.2.
        return 0.2 * (1 - 1 / self.runs[0]) if self.resplit else 0.0

    def sample(self, random: Random, gap: float) -> tuple[Numbers, Numbers]:
        """Return our runs, worse by ``gap``, and the paper's."""
        paper = lognormal if self.draw is lognormal else normal
        ours = self.draw(random, self.runs[0]) - gap
        return ours, self.ratio * paper(random, self.runs[1])


WORLDS = (
    World("normal"),
    World("normal, the paper's sd three times ours", 3.0),
    World("normal, our sd three times the paper's", 1 / 3),
    World("normal", runs=(3, 10), repetitions=12_000, limit=0.06),
    World("lognormal", draw=lognormal),
    World("re-splits that share 20 %", draw=shared_split, resplit=RESPLIT),
)


def rates() -> Iterator[Rate]:
    for world in WORLDS:
        yield from _at_margin(world)
        yield from _equal(world)
    for ratio in (1.0, 3.0, 10.0):
        yield from _unknown_spread(ratio)
    yield from _best()
    yield from _rounded()
    yield _margin_of_printed_sd()


def _printed(values: Numbers) -> PrintedStatistic:
    n = values.size
    error = float(values.std(ddof=1)) / math.sqrt(n)
    return PrintedStatistic(float(values.mean()), "mean", n, Estimate(values.mean(), error, n - 1))


def _word(
    ours: Numbers, paper: PrintedStatistic, margin: float, resplit: float = 0.0
) -> dict[str, bool]:
    mine = our_statistic(ours.tolist(), paper, "higher", resplit)
    assert mine is not None
    found = compare_with_printed(mine, paper, margin=margin, width=4 * margin, better="higher")
    return {_WORDS.get(found.place, found.place): True}


def _at_margin(world: World) -> Iterator[Rate]:
    margin = 4 * world.error

    def once(random: Random) -> dict[str, bool]:
        ours, theirs = world.sample(random, margin)
        return _word(ours, _printed(theirs), margin, world.resplit) | {
            f"naive {_REPRODUCED}": ours.mean() > theirs.mean() - margin,
            f"naive {_SHORT}": ours.mean() < theirs.mean() - margin,
        }

    tally = repeat(world.repetitions, once, "at margin", world.name, world.size)
    for what in (_REPRODUCED, _SHORT):
        under = f"at the margin, {world.name}"
        yield tally.rate(what, under, world.size, TAIL, naive=_MEANS, limit=world.limit)


def _equal(world: World) -> Iterator[Rate]:
    shares = np.array([1 / world.runs[0], world.ratio**2 / world.runs[1]])
    degrees = shares.sum() ** 2 / (shares**2 / (np.array(world.runs) - 1)).sum()
    reach = float(np.diff(stats.t.ppf([0.95, 0.99], degrees))[0])
    cases = ((0.01, "0.01", TAIL, world.limit), (reach, "(t.99 − t.95)", 0.01, None))
    for times, name, bound, limit in cases:

        def once(random: Random, times: float = times) -> dict[str, bool]:
            ours, theirs = world.sample(random, 0.0)
            return _word(ours, _printed(theirs), times * world.error, world.resplit)

        tally = repeat(world.repetitions, once, "equal", world.name, world.size, name)
        under = f"equal, δ = {name} SE, {world.name}"
        yield tally.rate(_SHORT, under, world.size, bound, limit=limit)


def _unknown_spread(ratio: float) -> Iterator[Rate]:
    """Yield the rates where the paper prints a mean of 5 runs or one run, without a spread."""
    cases: tuple[tuple[Literal["mean", "single run"], int], ...] = (("mean", 5), ("single run", 1))
    for statistic, runs in cases:
        margin = 12 * math.sqrt(1 / N + 1 / runs)

        def once(
            random: Random,
            statistic: Literal["mean", "single run"] = statistic,
            runs: int = runs,
            margin: float = margin,
        ) -> dict[str, bool]:
            ours = normal(random, N) - margin
            paper = PrintedStatistic(ratio * normal(random, runs).mean(), statistic, runs)
            mine = our_statistic(ours.tolist(), paper, "higher")
            assert mine is not None
            borrowed = mine.minus_alike(paper.value).interval(TAIL, TAIL)
            naive = _WORDS.get(place(borrowed, margin, 4 * margin, "higher"), "")
            return _word(ours, paper, margin) | {f"naive {naive}": True}

        tally = repeat(REPETITIONS, once, "unknown spread", ratio, statistic)
        for what in (_REPRODUCED, _SHORT):
            under = (
                f"at the margin, {statistic} without spread, the paper's sd {ratio:g} times ours"
            )
            yield tally.rate(what, under, f"{N} and {runs}", TAIL, naive="our variance borrowed")


def _best() -> Iterator[Rate]:
    """Yield the rates of a paper's best of 5: it can be no more than `consistent`."""
    for name, draw in (("normal", normal), ("lognormal", lognormal)):

        def once(random: Random, draw: Draw = draw) -> dict[str, bool]:
            ours, theirs = draw(random, N), draw(random, N)
            paper = PrintedStatistic(float(theirs.max()), "best", N)
            as_mean = PrintedStatistic(paper.value, "mean", N)
            mine = our_statistic(ours.tolist(), as_mean, "higher")
            assert mine is not None
            naive = mine.minus_alike(paper.value).interval(TAIL, TAIL)
            return _word(ours, paper, 0.1) | {f"naive {_SHORT}": naive[1] < -0.1}

        tally = repeat(REPETITIONS, once, "best", name)
        under = f"equal, the paper's best of 5, δ = 0.1 sd, {name}"
        yield tally.rate(_SHORT, under, N, TAIL, naive="our mean against its best")


def _rounded() -> Iterator[Rate]:
    """Yield the rates where the last printed digit is coarser than the margin."""
    margin, digit = 0.3, 1.0
    cases: tuple[tuple[str, float, str], ...] = (
        ("true difference δ", margin, _SHORT),
        ("true difference δ + one printed unit", margin + digit, _REPRODUCED),
    )
    for name, gap, what in cases:

        def once(random: Random, gap: float = gap) -> dict[str, bool]:
            truth = random.uniform(0, 10)
            ours = truth - gap + 0.1 * normal(random, N)
            theirs = truth + 0.1 * normal(random, N)
            number = _as_printed(theirs, str(margin))
            found = judge(ours.tolist(), number, Metric(label="score", better="higher"))
            assert found.interval is not None
            naive = place(found.interval, margin, 4 * margin, "higher")
            return {_WORDS.get(found.verdict, ""): True, f"naive {_WORDS.get(naive, '')}": True}

        tally = repeat(REPETITIONS // 4, once, "rounded", name)
        under = f"printed without decimals, δ = 0.3, SE 0.06, {name}"
        yield tally.rate(what, under, N, TAIL, naive="margin without rounding")


def _as_printed(values: Numbers, margin: str) -> Reported:
    return Reported(
        dataset="d",
        method="m",
        metric="score",
        value=f"{values.mean():.0f}",
        n=values.size,
        spread=f"{values.std(ddof=1):.3f}",
        spread_kind="sd",
        margin=margin,
        source="simulated",
    )


def _margin_of_printed_sd() -> Rate:
    world = World("normal", runs=(20, 20))

    def once(random: Random) -> dict[str, bool]:
        ours, theirs = world.sample(random, 1.0)
        return _word(ours, _printed(theirs), float(theirs.std(ddof=1)))

    tally = repeat(REPETITIONS, once, "margin of one printed sd")
    under = "true difference 1 sd, δ is one printed sd, normal"
    return tally.rate(_REPRODUCED, under, "20 and 20", TAIL)
