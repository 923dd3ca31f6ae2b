"""Claims on curves: steps, trends, crossings, fitted parameters, matched cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from repro.statistics import (
    Comparison,
    Curves,
    Margin,
    Numbers,
    Rules,
    Sides,
    compare_beyond,
    compare_curve_parameter,
    compare_curve_parameters,
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
agree at one budget, or at all.

Budgets spaced in the overlap are chosen by the costs of the very seeds that are then judged. Their
rows are made to be hard: costs err by 15 % of their range, and wholly together with the values, so
that a setting which turned out better also turned out dearer. Where the rival's costs err alike,
the two methods can be exchanged in every seed, and the budgets stay where they are. Where the
rival's costs are fixed they cannot, and nothing but this measurement says what the rule errs.
Beside it stand budgets that are fixed beforehand, near where the rule puts them on average."""

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
    yield from _alike()
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


def _alike() -> Iterator[Rate]:
    """Yield the rates where two groups' exponents differ by the margin and vary unlike."""
    x = np.log(_PLACES)

    def curves(random: Random, slope: float, spread: float) -> Curves:
        own = slope + spread * random.normal(size=(5, 1))
        noise = 0.02 * random.normal(size=(5, x.size))
        return Curves("one", _PLACES, 2 * np.exp(own * x) + noise)

    def once(random: Random) -> dict[str, bool]:
        groups = curves(random, -0.5, 0.03), curves(random, -0.6, 0.09)
        found = compare_curve_parameters("power_law", "exponent", groups, 0.1)
        return false_verdict(verdict(found))

    tally = repeat(800, once, "alike")
    for what in (SUPPORTED, CONTRADICTED):
        under = "exponents of two groups of power laws differ by the margin, unlike variances"
        yield tally.rate(what, under, 5, ONE_TAIL)


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
        if not lead:
            under = "frontier, curves agree everywhere"
            naive = "best of the sweep on the test seeds"
            yield tally.rate(SUPPORTED, under, 5, ONE_TAIL, naive=naive)
    for name, alike in (("of both", True), ("of the method alone", False)):
        yield from _by_rule(name, alike=alike)


def _by_rule(name: str, *, alike: bool) -> Iterator[Rate]:
    """Yield the rates where budgets are spaced within the overlap that the seeds themselves show.

    ``alike``  whether the rival's costs err as the method's do; else they are fixed

    The exchange argument (exchanging two methods in any seed leaves the costs, and so the budgets,
    where they are) holds for exchangeable methods only: for costs and values that are drawn alike.
    And the more seeds there are, the smaller the overlap is: its ends are extremes over all seeds.

    In the rows on support the method leads far at all budgets but the highest, which errs most: the
    seed whose dearest setting is the cheapest ends the overlap.
    """

    def once(random: Random) -> dict[str, bool]:
        ours, theirs = _tied_sweep(random, _TIED), _tied_sweep(random, _TIED if alike else 0.0)
        outcomes = _outcomes(ours, theirs, _in_overlap(ours, theirs))
        fixed = _outcomes(ours, theirs, _FIXED_BUDGETS)
        return outcomes | {f"naive {what}": met for what, met in fixed.items()}

    tally = repeat(REPETITIONS, once, "frontier by rule", name)
    for what, where in ((SUPPORTED, "the highest of 3 budgets"), (CONTRADICTED, "3 budgets")):
        under = (
            f"frontier, budgets spaced in the overlap, costs {name} err, curves agree at {where}"
        )
        yield tally.rate(what, under, 5, ONE_TAIL, naive="budgets fixed beforehand")


#: Costs and values of a sweep, each of shape (seeds, settings).
_Sweep = tuple[Numbers, Numbers]

#: How far a cost errs for each unit of the value's noise: 15 % of the range of costs, −1 to 2.
_TIED = 0.15 * 3.0
_FIXED_BUDGETS = (-0.05, 0.5, 1.05)


def _sweep(random: Random, slope: float) -> _Sweep:
    """Return a sweep of 8 settings around costs −1 to 2; its value rises from cost 0.5 on."""
    noise = random.normal(size=(5, 8))
    costs = np.linspace(-1.0, 2.0, 8) + 0.02 * random.normal(size=(5, 8))
    return costs, slope * np.maximum(costs - 0.5, 0.0) + noise


def _tied_sweep(random: Random, tied: float) -> _Sweep:
    """Return a sweep without any slope whose costs err by ``tied`` times the values' noise."""
    values = random.normal(size=(5, 8))
    return np.linspace(-1.0, 2.0, 8) + tied * values, values


def _in_overlap(ours: _Sweep, theirs: _Sweep) -> Sequence[float]:
    low = max(costs.min(axis=1).max() for costs, _ in (ours, theirs))
    high = min(costs.max(axis=1).min() for costs, _ in (ours, theirs))
    return list(np.linspace(low, high, 5)[1:-1]) if low < high else []


def _outcomes(ours: _Sweep, theirs: _Sweep, budgets: Sequence[float]) -> dict[str, bool]:
    """Return the false verdicts at budgets that every curve reaches; none where there are none."""
    reads = [(_read(ours, budget), _read(theirs, budget)) for budget in budgets]
    if not reads or not all(np.isfinite(one).all() for pair in reads for one in pair):
        return {}
    rules = Rules(contradiction=len(reads))
    found = [compare_beyond(Sides(*pair, "higher"), Margin(), rules) for pair in reads]
    # Support needs all budgets; at all but the last it is certain.
    return {
        SUPPORTED: verdict(found[-1]) == "supported",
        CONTRADICTED: verdict(each(found)) == "contradicted",
    }


def _read(sweep: _Sweep, budget: float) -> Numbers:
    """Return each seed's value at ``budget``; NaN where its curve does not reach that far."""
    read = [interpolate(zip(*seed, strict=True), budget) for seed in zip(*sweep, strict=True)]
    return np.array([math.nan if value is None else value for value in read])


def _at(ours: _Sweep, theirs: _Sweep, budget: float) -> Comparison:
    sides = Sides(_read(ours, budget), _read(theirs, budget), "higher")
    return compare_beyond(sides, Margin(), Rules(contradiction=2))


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
