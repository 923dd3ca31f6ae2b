"""Claims with a bound: a margin, a ratio, the share of a gap, equivalence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from repro.statistics import (
    Comparison,
    Margin,
    Ratio,
    Rules,
    Sides,
    compare_beyond,
    compare_equivalent,
    compare_ratio,
)
from repro.statistics.estimate import estimate_mean
from simulation.conditions import (
    RESPLIT,
    Draw,
    Numbers,
    Random,
    lognormal,
    normal,
    shared_split,
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

TITLE = "Margins, ratios, shares of a gap, equivalence"
TEXT = """\
The true value lies exactly on the bound that the claim names. The two sides share half of their
noise, as seeds do. Ratios are tested as linear contrasts; where the denominator may be 0 nothing is
decided, and the rates are lower for it. Naively, a point estimate beyond the bound supports, and
"not significantly different" is taken for "equivalent".

**Known limit.** Skewed differences deceive here as they do in "better than one rival"."""

REPETITIONS = 2500
N = 5
_POINT = "the point estimate"
_NOT_DIFFERENT = "not significantly different"

#: One simulated comparison, and what one would say naively: (supported, contradicted).
Outcome = tuple[Comparison, bool, bool]


def rates() -> Iterator[Rate]:
    for name, draw in (("normal", normal), ("lognormal, alike", lognormal)):
        yield from _rows(f"margin of 1 sd, {name}", _margin(draw))
        yield from _rows(f"margin of 20 % of the rival's value, {name}", _share(draw))
        yield from _rows(f"margin of 10 % as a log ratio, {name}", _log_ratio(draw))
        yield from _rows(f"ratio of at least 1.2, {name}", _ratio(draw, 0.2))
        yield from _rows(f"equivalent within 2 sd, {name}", _equivalent(draw), _NOT_DIFFERENT)
    yield from _rows("ratio of at least 1.2, denominator 3 sd off 0", _ratio(normal, 1 / 3))
    yield from _rows("half of a gap of 4 sd closed", _gap(4.0))
    yield from _rows("half of a gap of 1.5 sd closed", _gap(1.5))
    split = "equivalent within 2 sd, re-splits that share 20 % of the variance"
    yield from _rows(split, _differing(shared_split, RESPLIT), _NOT_DIFFERENT)
    diverged = "equivalent within 2 sd, 10 % of all runs diverge"
    yield from _rows(diverged, _equivalent_diverged, _NOT_DIFFERENT)
    skewed = "equivalent within 2 sd, lognormal differences"
    yield from _rows(skewed, _differing(lognormal), _NOT_DIFFERENT, (None, 0.18))


def _rows(
    name: str,
    draw: Callable[[Random], Outcome],
    naive: str = _POINT,
    limits: tuple[float | None, float | None] = (None, None),
) -> Iterator[Rate]:
    def once(random: Random) -> dict[str, bool]:
        found, supported, contradicted = draw(random)
        return false_verdict(verdict(found)) | {
            f"naive {SUPPORTED}": supported,
            f"naive {CONTRADICTED}": contradicted,
        }

    tally = repeat(REPETITIONS, once, "bounded", name)
    for what, limit in zip((SUPPORTED, CONTRADICTED), limits, strict=True):
        shown = "" if naive == _NOT_DIFFERENT and what == CONTRADICTED else naive
        yield tally.rate(what, name, N, ONE_TAIL, naive=shown, limit=limit)


def _two(random: Random, draw: Draw) -> tuple[Numbers, Numbers]:
    """Return two sides of variance 1 that share half of it."""
    shared = normal(random, N)
    ours, theirs = draw(random, N), draw(random, N)
    return math.sqrt(0.5) * (shared + ours), math.sqrt(0.5) * (shared + theirs)


def _beyond(sides: Sides, margin: Margin, lead: float) -> Outcome:
    """Return the outcome where the method is better on average if ``lead`` is positive."""
    return compare_beyond(sides, margin, Rules()), lead > 0, lead < 0


def _margin(draw: Draw) -> Callable[[Random], Outcome]:
    def once(random: Random) -> Outcome:
        ours, theirs = _two(random, draw)
        sides = Sides(ours - 1.0, theirs, "lower")
        return _beyond(sides, Margin(amount=1.0), float((theirs - ours).mean()))

    return once


def _share(draw: Draw) -> Callable[[Random], Outcome]:
    def once(random: Random) -> Outcome:
        ours, theirs = _two(random, draw)
        sides = Sides(8 + ours, 10 + theirs, "lower")
        return _beyond(sides, Margin(share=0.2), float((0.8 * theirs - ours).mean()))

    return once


def _log_ratio(draw: Draw) -> Callable[[Random], Outcome]:
    def once(random: Random) -> Outcome:
        ours, theirs = _two(random, draw)
        sides = Sides(0.9 * np.exp(0.2 * ours), np.exp(0.2 * theirs), "lower")
        margin = Margin(amount=-math.log(0.9), scale="log_ratio")
        return _beyond(sides, margin, float((theirs - ours).mean()))

    return once


def _ratio(draw: Draw, spread: float) -> Callable[[Random], Outcome]:
    def once(random: Random) -> Outcome:
        ours, theirs = _two(random, draw)
        return _of_means(1.2 + spread * ours, 1 + spread * theirs, 1.2, signed=False)

    return once


def _gap(size: float) -> Callable[[Random], Outcome]:
    """Return the case of a method that closes half of the gap between a rival and a reference."""

    def once(random: Random) -> Outcome:
        ours, theirs, reference = (normal(random, N) for _ in range(3))
        closed, gap = ours - theirs + size / 2, reference - theirs + size
        return _of_means(closed, gap, 0.5, signed=True)

    return once


def _of_means(over: Numbers, under: Numbers, bound: float, *, signed: bool) -> Outcome:
    ratio = Ratio(over, under, (bound, None), "the denominator may be 0", signed=signed)
    point = float(over.mean() / under.mean())
    return compare_ratio(ratio, Rules(), ONE_TAIL), point > bound, point < bound


def _equivalent(draw: Draw) -> Callable[[Random], Outcome]:
    def once(random: Random) -> Outcome:
        return _equivalence(draw(random, N) - 2.0, draw(random, N))

    return once


def _differing(draw: Draw, resplit: float = 0.0) -> Callable[[Random], Outcome]:
    """Return the case where it is the differences that ``draw`` gives."""

    def once(random: Random) -> Outcome:
        theirs = normal(random, N)
        return _equivalence(theirs + draw(random, N) - 2.0, theirs, resplit)

    return once


def _equivalent_diverged(random: Random) -> Outcome:
    ours, theirs = (some_diverged(normal(random, N), random) for _ in range(2))
    return _equivalence(ours - 2.0, theirs)


def _equivalence(ours: Numbers, theirs: Numbers, resplit: float = 0.0) -> Outcome:
    found = compare_equivalent(Sides(ours, theirs, "lower"), Margin(amount=2.0), Rules(resplit))
    difference = estimate_mean((ours - theirs).tolist(), resplit)
    if difference is None:
        return found, False, False
    different = min(difference.p_greater(), difference.p_less()) <= ONE_TAIL
    return found, not different, False
