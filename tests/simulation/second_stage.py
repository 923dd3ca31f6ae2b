"""The second stage: what it errs on its own seeds, and what looking again and again errs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from report_fixtures import made_up_plan

from repro.cells.settling import LARGEST_PRINTED_ERROR
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
from repro.statistics.settling import settling_seeds
from simulation.conditions import RESPLIT, Numbers, Random, lognormal, normal, together
from simulation.rates import Rate, repeat, verdict

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
both stages, so what it hid in the first it hides again: a number that errs by more than a third of
what ours does takes no part. Its rate counts the cells that were open; beside it stands what would
be erred if all of them took part.

**Known limit.** Skewed differences deceive the second stage as they do the first."""

REPETITIONS = 6000
_CAP = 20
_FIRST = 5
_FALSE = "false verdict of the second stage"
_CELL = "false `reproduced` of the second stage"
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
    for ratio in (0.2, 0.5, 1.0):
        yield _cell(ratio)
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


def _cell(ratio: float) -> Rate:
    """Return the rate of a false `reproduced`; the paper's sd is ``ratio`` times ours."""
    margin = 1.2

    def once(random: Random) -> dict[str, bool]:
        paper = _printed(ratio * normal(random, _FIRST))
        first = _ours(random, _FIRST, margin, paper)
        if _word(first, paper, margin) not in ("consistent", "inconclusive"):
            return {}
        seeds = settling_seeds(first, paper, margin, cap=_CAP)
        if seeds is None:
            return {}
        new = _ours(random, seeds, margin, paper)
        false = _word(new, paper, margin) == "reproduced"
        error = paper.estimate.standard_error if paper.estimate else math.inf
        allowed = error <= LARGEST_PRINTED_ERROR * first.estimate.standard_error
        return {"open": True, _CELL: allowed and false, f"naive {_CELL}": false}

    tally = repeat(20_000, once, "cell", ratio)
    under = f"a cell at the margin, the paper's sd {ratio:g} times ours"
    size = f"{_FIRST}, then up to {_CAP}"
    naive = "whatever the printed error"
    return tally.rate(_CELL, under, size, ALPHA, of="open", naive=naive)


def _printed(values: Numbers) -> PrintedStatistic:
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    mean = Estimate(float(values.mean()), error, values.size - 1.0)
    return PrintedStatistic(mean.value, "mean", values.size, mean)


def _ours(random: Random, n: int, gap: float, paper: PrintedStatistic) -> OurStatistic:
    found = our_statistic((normal(random, n) - gap).tolist(), paper, "higher")
    assert found is not None
    return found


def _word(ours: OurStatistic, paper: PrintedStatistic, margin: float) -> str:
    return compare_with_printed(ours, paper, margin=margin, width=4 * margin, better="higher").place


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
