"""The second stage: what it errs on its own seeds, and what looking again and again errs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from report_fixtures import made_up_plan

from repro.claims import ALPHA, on_one_table
from repro.statistics import Margin, Rules, Sides, compare_beyond
from repro.statistics.against_printed import (
    OurStatistic,
    PrintedStatistic,
    compare_with_printed,
    our_statistic,
)
from repro.statistics.estimate import Estimate, estimate_mean
from repro.statistics.power import POWER, further_seeds, smallest_detectable
from repro.statistics.settling import prospect, settling_seeds
from simulation.conditions import RESPLIT, Numbers, Random, lognormal, normal, together
from simulation.rates import Rate, Tally, repeat, verdict

TITLE = "More seeds: the second stage, and the power that it is planned for"
TEXT = """\
There is no difference. Where five seeds leave a claim undecided, and at most 20 further ones would
settle it if the difference that was seen were true, the second stage runs; its rate counts the
second stages that ran. Beside it stands what the first seeds and the new ones would err together.

"Found" counts a true difference of the size that `plan` prints as the smallest detectable one: it
is promised to be found in 80 % of cases.

Re-splits of one table keep what they share: it made the first seeds look promising, and the new
ones have it too. So a claim on them is left out of every second stage. Its row shows what one would
err all the same.

A cell is planned for as well, where the first seeds leave it open and at most 20 further ones would
settle it; here its true difference is the margin. The printed number's own error is the same in
both stages, so what it hid in the first it hides again. So a cell takes part only if the upper end
of a 95 % interval of that error is at most a third of our own error over all of the stage's seeds.
A rate counts the cells that took part, in a stage as large as they allow. Of numbers that err by
much, all are counted that the first seeds leave open and 20 new ones would settle, and beside that
stands what would be erred if all of them took part.

**Known limit.** Skewed differences deceive the second stage as they do the first."""

REPETITIONS = 6000
_CAP = 20
_FIRST = 5
_FALSE = "false verdict of the second stage"
_REPRODUCED = "false `reproduced` of the second stage"
_FALLS_SHORT = "false `falls short` of the second stage"
#: Runs of the paper's, and their sd as a multiple of ours.
_PAPERS = ((5, 0.05), (5, 0.1), (20, 0.2), (100, 0.5))
_LARGE_ERRORS = ((5, 0.5), (5, 1.0))
_SIZE = f"{_FIRST}, then up to {_CAP}"
_MARGIN = 1.2
_LOOKS = (5, 10, 20, 40)
_LOOKING = "any false verdict"
_FOUND = "found"


@dataclass(frozen=True)
class World:
    """``shared`` is whether all seeds, the new ones too, share a fifth of their variance."""

    name: str
    skewed: bool = False
    shared: bool = False
    limit: float | None = None
    repetitions: int = REPETITIONS

    @property
    def resplit(self) -> float:
        return RESPLIT if self.shared else 0.0

    @property
    def planned(self) -> bool:
        """Whether the claim that the method is better may enter a second stage in this world."""
        claim = {"id": "it", "text": "It holds.", "source": "abstract", "kind": "better"}
        claim |= {"method": "bottleneck", "than": "vib", "metric": "rmse", "over": "gaussian"}
        with TemporaryDirectory() as folder:
            plan = made_up_plan(
                Path(folder),
                scales={"small": {"datasets": ["gaussian"], "seeds": _FIRST}},
                claims=[claim],
                datasets={"gaussian": {"label": "Gaussian noise", "resplit": self.resplit}},
            )
        return not on_one_table(plan.spec.claims[0], plan)

    def stages(self, random: Random) -> tuple[Numbers, Numbers]:
        """Return the gains of the first seeds, and of as many further ones as there may be."""
        draw = lognormal if self.skewed else normal
        gains = draw(random, _FIRST + _CAP)
        gains = together(float(random.normal()), gains) if self.shared else gains
        return gains[:_FIRST], gains[_FIRST:]


WORLDS = (
    World("normal"),
    World("lognormal differences of mean 0", skewed=True, limit=0.12),
    World(
        "re-splits that share 20 %, of the new seeds too",
        shared=True,
        repetitions=20_000,
    ),
)


def rates() -> Iterator[Rate]:
    for world in WORLDS:
        yield _second(world)
    for runs, ratio in _PAPERS:
        yield from _cells(runs, ratio)
    for runs, ratio in _LARGE_ERRORS:
        yield _refused(runs, ratio)
    yield _looking_again()
    for n in (5, 8, 10, 20):
        yield _power(n)


def _verdict(gains: Numbers, resplit: float = 0.0) -> str:
    sides = Sides(np.zeros(gains.size), gains, "lower")
    return verdict(compare_beyond(sides, Margin(), Rules(resplit=resplit)))


def _second(world: World) -> Rate:
    planned = world.planned

    def once(random: Random) -> dict[str, bool]:
        first, further = world.stages(random)
        if _verdict(first, world.resplit) != "undecided":
            return {}
        effect, sd = float(first.mean()), float(first.std(ddof=1))
        seeds = further_seeds(effect, sd, ALPHA, resplit=world.resplit, cap=_CAP)
        if seeds is None:
            return {}
        new = further[:seeds]
        both = np.concatenate([first, new])
        false = _verdict(new, world.resplit) != "undecided"
        return {
            "promising": True,
            _FALSE: planned and false,
            f"naive {_FALSE}": _verdict(both, world.resplit) != "undecided" if planned else false,
        }

    tally = repeat(world.repetitions, once, "second stage", world.name)
    n = f"{_FIRST}, then up to {_CAP}"
    naive = "first and new seeds together" if planned else "planned all the same"
    under = world.name if planned else f"{world.name}: none is planned"
    return tally.rate(_FALSE, under, n, ALPHA, naive=naive, limit=world.limit, of="promising")


def _cells(runs: int, ratio: float) -> Iterator[Rate]:
    """Return the rates of cells that took part; the paper's sd is ``ratio`` times ours."""
    tally = _cell_tally(runs, ratio)
    for what in (_REPRODUCED, _FALLS_SHORT):
        yield tally.rate(what, _under(runs, ratio), _SIZE, ALPHA, of="took part")


def _refused(runs: int, ratio: float) -> Rate:
    """Return the rate of cells whose printed number errs by much: hardly one takes part."""
    tally = _cell_tally(runs, ratio)
    share = tally.counts["took part"] / tally.counts["promising"]
    under = f"{_under(runs, ratio)}; {100 * share:.1f} % take part"
    naive = "all take part"
    return tally.rate(_REPRODUCED, under, _SIZE, ALPHA, of="promising", naive=naive)


def _under(runs: int, ratio: float) -> str:
    return f"a cell at the margin, the paper's sd over {runs} runs {ratio:g} times ours"


def _cell_tally(runs: int, ratio: float) -> Tally:
    def once(random: Random) -> dict[str, bool]:
        paper = _printed(ratio * normal(random, runs))
        first = _ours(random, _FIRST, paper)
        if _word(first, paper) not in ("consistent", "inconclusive"):
            return {}
        found = prospect(first, paper, _MARGIN, _CAP)
        settles = found.outlook == "settles"
        seeds = found.most if settles else settling_seeds(first, paper, _MARGIN, cap=_CAP)
        if seeds is None:
            return {}
        word = _word(_ours(random, seeds, paper), paper)
        return {
            "promising": True,
            "took part": settles,
            _REPRODUCED: settles and word == "reproduced",
            _FALLS_SHORT: settles and word == "falls short",
            f"naive {_REPRODUCED}": word == "reproduced",
        }

    return repeat(20_000, once, "cell", runs, ratio)


def _printed(values: Numbers) -> PrintedStatistic:
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    mean = Estimate(float(values.mean()), error, values.size - 1.0)
    return PrintedStatistic(mean.value, "mean", values.size, mean)


def _ours(random: Random, n: int, paper: PrintedStatistic) -> OurStatistic:
    found = our_statistic((normal(random, n) - _MARGIN).tolist(), paper, "higher")
    assert found is not None
    return found


def _word(ours: OurStatistic, paper: PrintedStatistic) -> str:
    width = 4 * _MARGIN
    return compare_with_printed(ours, paper, margin=_MARGIN, width=width, better="higher").place


def _looking_again() -> Rate:
    """Return the rate of one look at the first seeds, beside four looks at more and more."""

    def once(random: Random) -> dict[str, bool]:
        gains = normal(random, _LOOKS[-1])
        looks = [_significant(gains[:n]) for n in _LOOKS]
        own = _verdict(gains[: _LOOKS[0]]) != "undecided"
        return {_LOOKING: own, f"naive {_LOOKING}": any(looks)}

    tally = repeat(REPETITIONS, once, "looking again")
    naive = "t after 5, 10, 20 and 40 seeds"
    return tally.rate(_LOOKING, "normal, the first stage alone", _FIRST, ALPHA, naive=naive)


def _significant(gains: Numbers) -> bool:
    estimate = estimate_mean(gains.tolist())
    assert estimate is not None
    return 2 * min(estimate.p_greater(), estimate.p_less()) <= ALPHA


def _power(n: int) -> Rate:
    effect = smallest_detectable(n, ALPHA)

    def once(random: Random) -> dict[str, bool]:
        return {_FOUND: _verdict(normal(random, n) + effect) == "supported"}

    tally = repeat(REPETITIONS // 2, once, "power", n)
    under = f"a true difference of the smallest detectable size, {effect:.2f} sd"
    return tally.rate(_FOUND, under, n, POWER, coverage=True)
