"""How often a cell's interval covers the true mean, and the next run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from repro.statistics import summarize
from repro.statistics.summary import prediction_interval
from simulation.conditions import RESPLIT, Draw, Numbers, Random, lognormal, normal, shared_split
from simulation.rates import Rate, repeat

TITLE = "Intervals of a cell"
TEXT = """\
The 95 % t interval of a cell's mean, and what a percentile bootstrap of the same values covers.
A t interval of a few skewed values covers too little, and no rule in this project mends that: read
it with the seeds' own values beside it."""

REPETITIONS = 5000
_RESAMPLES = 500
_COVERS = "interval covers the mean"
_NEXT = "prediction interval covers one further run"


def rates() -> Iterator[Rate]:
    for n in (3, 5, 10):
        yield _coverage("normal", normal, n)
    for n, limit in ((3, 0.83), (5, 0.81), (10, 0.83)):
        yield _coverage("lognormal", lognormal, n, limit=limit)
    for n in (3, 5, 10):
        yield _split(n)
    yield _next_run()


def _coverage(name: str, draw: Draw, n: int, limit: float | None = None) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        values = draw(random, n)
        own, naive = summarize(values.tolist()).interval, _percentile(values, random)
        return {_COVERS: _holds(own), f"naive {_COVERS}": _holds(naive)}

    tally = repeat(REPETITIONS, once, "coverage", name, n)
    return tally.rate(
        _COVERS, name, n, 0.95, coverage=True, limit=limit, naive="percentile bootstrap"
    )


def _split(n: int) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        values = shared_split(random, n).tolist()
        own, naive = summarize(values, RESPLIT).interval, summarize(values).interval
        return {_COVERS: _holds(own), f"naive {_COVERS}": _holds(naive)}

    under = "normal, re-splits that share 20 % of the variance"
    tally = repeat(REPETITIONS, once, "split coverage", n)
    return tally.rate(_COVERS, under, n, 0.95, coverage=True, naive="t without the correction")


def _next_run() -> Rate:
    def once(random: Random) -> dict[str, bool]:
        values, further = normal(random, 5).tolist(), float(random.normal())
        own, naive = prediction_interval(values), summarize(values).interval
        return {_NEXT: _holds(own, further), f"naive {_NEXT}": _holds(naive, further)}

    tally = repeat(REPETITIONS, once, "next run")
    return tally.rate(_NEXT, "normal", 5, 0.95, coverage=True, naive="interval of the mean")


def _percentile(values: Numbers, random: Random) -> tuple[float, float]:
    picks = random.integers(values.size, size=(_RESAMPLES, values.size))
    low, high = np.quantile(values[picks].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _holds(interval: tuple[float, float] | None, truth: float = 0.0) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]
