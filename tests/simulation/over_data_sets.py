"""Statistics over runs × data sets: how often their intervals cover."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from repro.statistics import ordinal
from repro.statistics.bootstrap import StratifiedStatistic, stratified_bootstrap
from repro.statistics.data_sets import (
    interquartile_mean,
    mean_over_data_sets,
    probability_of_improvement,
)
from simulation.conditions import Draw, Numbers, Random, generator, lognormal, normal
from simulation.rates import Once, Rate, repeat

TITLE = "Statistics over runs and data sets"
TEXT = """\
The mean over data sets has a t interval with Satterthwaite's degrees of freedom. Everything else
has a bootstrap that resamples runs within data sets, stretched by √(n / (n − 1)); the percentile
interval without the stretch stands beside it. Data sets differ in level and in spread.

**Known limit.** With 3 runs each, one to four points of the 95 % are missing: of the bootstrap,
and of Satterthwaite's approximation where one data set varies ten times as much as the others."""

_DATA_SETS = 10
_DRAWS = 2000
_COVERS = "interval covers"
_LEVELS = np.linspace(-1.5, 1.5, _DATA_SETS)
_SDS = np.linspace(0.5, 1.5, _DATA_SETS)


def rates() -> Iterator[Rate]:
    for runs in (3, 10):
        yield _mean("10 data sets of like sd, normal", normal, runs, _SDS)
    yield _mean("10 data sets, one of 10 times the sd, normal", normal, 3, _ONE_LARGE, 0.92)
    for runs in (3, 10):
        for name, draw, limit in (("normal", normal, 0.93), ("lognormal", lognormal, 0.91)):
            yield _interquartile_mean(name, draw, runs, limit if runs == 3 else None)
        yield _improvement(runs)


_ONE_LARGE = np.array([1.0] * (_DATA_SETS - 1) + [10.0])


def _mean(name: str, draw: Draw, runs: int, sds: Numbers, limit: float | None = None) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        groups = [(sd * draw(random, runs)).tolist() for sd in sds]
        estimate = mean_over_data_sets(groups, [0.0] * len(groups))
        assert estimate is not None
        low, high = estimate.interval(0.025, 0.025)
        naive = abs(estimate.value) <= 1.96 * estimate.standard_error
        return {_COVERS: low <= 0 <= high, f"naive {_COVERS}": naive}

    tally = repeat(3000, once, "mean over data sets", name, runs)
    naive = "1.96 standard errors"
    return tally.rate(
        _COVERS, f"mean, {name}", _size(runs), 0.95, coverage=True, limit=limit, naive=naive
    )


def _interquartile_mean(name: str, draw: Draw, runs: int, limit: float | None) -> Rate:
    truth = _true_interquartile_mean(draw)

    def once(random: Random) -> dict[str, bool]:
        strata = [
            level + sd * draw(random, runs)[:, None]
            for level, sd in zip(_LEVELS, _SDS, strict=True)
        ]
        return _covers(strata, interquartile_mean, runs, truth, random)

    under = f"interquartile mean, {name}"
    return _bootstrapped(under, runs, once, limit)


def _improvement(runs: int) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        strata = [sd * normal(random, 2 * runs).reshape(runs, 2) for sd in _SDS]
        return _covers(strata, probability_of_improvement("higher"), runs, 0.5, random)

    under = "probability of improvement, two methods alike, normal"
    return _bootstrapped(under, runs, once)


def _bootstrapped(under: str, runs: int, once: Once, limit: float | None = None) -> Rate:
    tally = repeat(6000 // runs, once, under, runs)
    naive = "plain percentile bootstrap"
    return tally.rate(_COVERS, under, _size(runs), 0.95, coverage=True, limit=limit, naive=naive)


def _covers(
    strata: list[Numbers], statistic: StratifiedStatistic, runs: int, truth: float, random: Random
) -> dict[str, bool]:
    seed = int(random.integers(2**31))
    found = stratified_bootstrap(strata, statistic, draws=_DRAWS, seed=seed)
    value, ends = float(found.value), np.array([found.low, found.high])
    low, high = value + (ends - value) / math.sqrt(runs / (runs - 1))
    return {
        _COVERS: bool(ends[0] <= truth <= ends[1]),
        f"naive {_COVERS}": bool(low <= truth <= high),
    }


@cache
def _true_interquartile_mean(draw: Draw) -> float:
    """Return that of all runs that the data sets could give."""
    random = generator("population")
    pairs = zip(_LEVELS, _SDS, strict=True)
    runs = np.concatenate([level + sd * draw(random, 200_000) for level, sd in pairs])
    return float(ordinal.interquartile_mean(runs))


def _size(runs: int) -> str:
    return f"{runs} × {_DATA_SETS}"
