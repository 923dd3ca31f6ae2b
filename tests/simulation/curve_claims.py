"""Claims on curves: steps, trends, crossings, fitted parameters, matched cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from repro.statistics import (
    Comparison,
    Margin,
    Numbers,
    Rules,
    Sides,
    compare_beyond,
    compare_curve_parameter,
    each,
    interpolate,
    judge,
    size_of,
)
from simulation.conditions import Draw, Random, lognormal, normal
from simulation.rates import (
    CONTRADICTED,
    ONE_TAIL,
    SUPPORTED,
    Rate,
    false_verdict,
    repeat,
    verdict,
)

TITLE = "Curves: steps, trends, crossings, fits, matched cost"
TEXT = """\
A rise that is flat in one step, or everywhere; a crossing that starts from no difference; a fitted
parameter that lies on its bound, where each seed has a curve of its own; two sweeps whose curves
agree at one budget, or at all."""

REPETITIONS = 6000
_FAR = 20.0
_PLACES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


def rates() -> Iterator[Rate]:
    for name, draw in (("normal", normal), ("lognormal, alike", lognormal)):
        yield _flat_step(name, draw)
        yield _flat(name, draw)
    yield from _trend()
    yield _crossing()
    yield _no_crossing()
    yield from _fit("logarithmic", "slope", 3, 800)
    yield from _fit("logarithmic", "slope", 5, 400)
    yield from _fit("power_law", "exponent", 3, 400)
    yield from _frontier()


def _changes(curves: Numbers, rules: Rules) -> str:
    """Return the verdict on curves (seeds, points) that are said to rise from point to point."""
    steps = np.diff(curves, axis=1).T
    size = size_of(curves.ravel())
    return verdict(each([judge(step, rules, size=size) for step in steps]))


def _curves(random: Random, draw: Draw, middle: Numbers, n: int = 5) -> Numbers:
    """Return a curve per seed (n, points) around ``middle``: an offset of its own, and noise."""
    noise = draw(random, n * middle.size).reshape(n, middle.size)
    return middle + random.normal(size=(n, 1)) + noise


def _flat_step(name: str, draw: Draw) -> Rate:
    middle = np.array([0.0, 0.0, 1.0, 2.0]) * _FAR

    def once(random: Random) -> dict[str, bool]:
        curves = _curves(random, draw, middle)
        naive = bool((np.diff(curves.mean(axis=0)) > 0).all())
        return false_verdict(_changes(curves, Rules(contradiction=3))) | {
            f"naive {SUPPORTED}": naive
        }

    tally = repeat(REPETITIONS, once, "flat step", name)
    under = f"rises at each of 3 steps, the first is flat, {name}"
    return tally.rate(SUPPORTED, under, 5, ONE_TAIL, naive="the means rise")


def _flat(name: str, draw: Draw) -> Rate:
    def once(random: Random) -> dict[str, bool]:
        curves = _curves(random, draw, np.zeros(4))
        falls = [judge(-step, Rules(), size=1.0).p_greater for step in np.diff(curves, axis=1).T]
        return false_verdict(_changes(curves, Rules(contradiction=3))) | {
            f"naive {CONTRADICTED}": min(falls) <= ONE_TAIL
        }

    tally = repeat(REPETITIONS, once, "flat", name)
    under = f"rises at each of 3 steps, all are flat, {name}"
    return tally.rate(CONTRADICTED, under, 5, ONE_TAIL, naive="any step falls significantly")


def _trend() -> Iterator[Rate]:
    scores = np.array([-1.5, -0.5, 0.5, 1.5])

    def once(random: Random) -> dict[str, bool]:
        # Each seed has a slope of its own, as a sweep over one split or initialisation has.
        curves = _curves(random, normal, np.zeros(4)) + random.normal(size=(5, 1)) * scores
        found = judge(curves @ scores, Rules(), size=size_of(curves.ravel()))
        positive, negative = _pooled_slope(scores, curves)
        return false_verdict(verdict(found)) | {
            f"naive {SUPPORTED}": positive,
            f"naive {CONTRADICTED}": negative,
        }

    tally = repeat(REPETITIONS, once, "trend")
    for what in (SUPPORTED, CONTRADICTED):
        under = "trend over 4 points, flat, a slope of its own per seed"
        yield tally.rate(what, under, 5, ONE_TAIL, naive="regression over all points")


def _crossing() -> Rate:
    def once(random: Random) -> dict[str, bool]:
        start, end = normal(random, 5), normal(random, 5) + _FAR
        parts = [judge(one, Rules(contradiction=2), size=_FAR) for one in (-start, end)]
        naive = bool(start.mean() < 0 < end.mean())
        return false_verdict(verdict(each(parts))) | {f"naive {SUPPORTED}": naive}

    tally = repeat(REPETITIONS, once, "crossing")
    under = "crossing, no difference at the start, normal"
    return tally.rate(SUPPORTED, under, 5, ONE_TAIL, naive="the means change order")


def _no_crossing() -> Rate:
    def once(random: Random) -> dict[str, bool]:
        parts = [judge(normal(random, 5), Rules(contradiction=2), size=1.0) for _ in range(2)]
        naive = any(part.p_less <= ONE_TAIL for part in parts)
        return false_verdict(verdict(each(parts))) | {f"naive {CONTRADICTED}": naive}

    tally = repeat(REPETITIONS, once, "no crossing")
    under = "crossing, no difference at either end, normal"
    return tally.rate(CONTRADICTED, under, 5, ONE_TAIL, naive="either end significant")


def _fit(form: str, parameter: str, n: int, repetitions: int) -> Iterator[Rate]:
    """Yield the rates where the claim's bound is the true parameter, −0.5, of the mean curve."""
    x = np.log(_PLACES)

    def once(random: Random) -> dict[str, bool]:
        own = -0.5 + 0.1 * random.normal(size=(n, 1))
        middle = 5 + own * x if form == "logarithmic" else 2 * np.exp(own * x)
        curves = middle + 0.02 * random.normal(size=(n, x.size))
        bounds = (None, -0.5)
        found = compare_curve_parameter(form, parameter, _PLACES, curves, bounds, Rules())
        supported, contradicted = _pooled_fit(form, x, curves)
        return false_verdict(verdict(found)) | {
            f"naive {SUPPORTED}": supported,
            f"naive {CONTRADICTED}": contradicted,
        }

    tally = repeat(repetitions, once, "fit", form, n)
    for what in (SUPPORTED, CONTRADICTED):
        under = f"{parameter} of a {form.replace('_', ' ')} at most −0.5, 5 points"
        yield tally.rate(what, under, n, ONE_TAIL, naive="regression over all points")


def _frontier() -> Iterator[Rate]:
    """Yield the rates of two budgets; the second favours the method unless all is equal."""
    for lead, what in ((_FAR, SUPPORTED), (0.0, CONTRADICTED)):

        def once(random: Random, lead: float = lead) -> dict[str, bool]:
            ours, theirs = (_sweep(random, slope) for slope in (lead, 0.0))
            parts = [_at(ours, theirs, budget) for budget in (0.0, 1.5)]
            naive = _best_of_sweep(ours, theirs)
            return false_verdict(verdict(each(parts))) | {f"naive {SUPPORTED}": naive}

        tally = repeat(REPETITIONS, once, "frontier", what)
        where = "one of 2 budgets" if lead else "both budgets"
        yield tally.rate(what, f"frontier, curves agree at {where}", 5, ONE_TAIL)
        yield _by_rule(lead, what)
        if not lead:
            under = "frontier, curves agree everywhere"
            naive = "best of the sweep on the test seeds"
            yield tally.rate(SUPPORTED, under, 5, ONE_TAIL, naive=naive)


def _by_rule(lead: float, what: str) -> Rate:
    """Return the rate where budgets are spaced within the overlap that the seeds themselves show.

    Cost and value have their noise in common, so that a rule that looks at costs could mislead.
    """

    def once(random: Random) -> dict[str, bool]:
        ours, theirs = (_sweep(random, slope, shared=0.02) for slope in (lead, 0.0))
        low = max(one[0].min(axis=1).max() for one in (ours, theirs))
        high = min(one[0].max(axis=1).min() for one in (ours, theirs))
        budgets = np.linspace(low, high, 4)[1:-1]
        return false_verdict(verdict(each([_at(ours, theirs, budget) for budget in budgets])))

    tally = repeat(REPETITIONS, once, "frontier by rule", what)
    where = "the lower of 2 budgets" if lead else "both budgets"
    under = f"frontier, budgets spaced in the overlap, curves agree at {where}"
    return tally.rate(what, under, 5, ONE_TAIL)


#: Costs and values of a sweep, each of shape (seeds, settings).
_Sweep = tuple[Numbers, Numbers]


def _sweep(random: Random, slope: float, shared: float = 0.0) -> _Sweep:
    """Return a sweep of 8 settings around costs −1 to 2; its value rises from cost 0.5 on.

    ``shared``  how much of the value's noise moves the cost too
    """
    noise = random.normal(size=(5, 8))
    costs = np.linspace(-1.0, 2.0, 8) + 0.02 * random.normal(size=(5, 8)) + shared * noise
    return costs, slope * np.maximum(costs - 0.5, 0.0) + noise


def _at(ours: _Sweep, theirs: _Sweep, budget: float) -> Comparison:
    sides = [
        np.array([interpolate(zip(*seed, strict=True), budget) for seed in zip(*one, strict=True)])
        for one in (ours, theirs)
    ]
    return compare_beyond(Sides(sides[0], sides[1], "higher"), Margin(), Rules(contradiction=2))


def _best_of_sweep(ours: _Sweep, theirs: _Sweep) -> bool:
    """Say whether the setting of ours that looks best beats the rival's middle setting."""
    best = ours[1][:, int(ours[1].mean(axis=0).argmax())]
    gains = best - theirs[1][:, 4]
    return judge(gains, Rules(), size=1.0).p_greater <= ONE_TAIL


def _pooled_slope(x: Numbers, curves: Numbers, bound: float = 0.0) -> tuple[bool, bool]:
    found = stats.linregress(np.tile(x, len(curves)), curves.ravel())
    t = (found.slope - bound) / found.stderr
    critical = float(stats.t.isf(ONE_TAIL, curves.size - 2))
    return bool(t >= critical), bool(t <= -critical)


def _pooled_fit(form: str, x: Numbers, curves: Numbers) -> tuple[bool, bool]:
    """Return whether the slope is below −0.5, and above it; a power law's on logarithms."""
    logs = np.log(np.maximum(curves, 1e-3)) if form == "power_law" else curves
    above, below = _pooled_slope(x, logs, -0.5)
    return below, above
