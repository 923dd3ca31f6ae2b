"""Learning curves of every level of a metric: against steps, against compute, and their frontier.

A level that is the relative size of a model makes level × step its compute, up to a factor. Compute
is counted in whole runs of the least level: its own run ends at 1.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.curves import FORMS, Fit, OptimalSize, fit_below, lower_hull, optimal_size, undominated
from repro.curves.frontier import Indices
from repro.report.figures.along import LOST_STEPS, logged
from repro.report.figures.bands import LEAST_SEEDS, banded, grid
from repro.report.figures.content import Point, Series
from repro.report.figures.fitted import problem_of
from repro.report.figures.means import Place, drawn, mean
from repro.report.figures.spec import FigureSpec
from repro.report.figures.style import LAW
from repro.statistics.ordinal import Numbers

#: Levels on the frontier of the typical seed that an exponent needs: a line through two says how
#: far they lie apart, not that the best level is a power of compute.
LEAST_LEVELS = 3


@dataclass(frozen=True)
class _Ladder:
    """What trials logged of each level, the least first.

    ``rungs``  (name of the level, a place for each logged step); ``note``: why there are none
    """

    rungs: tuple[tuple[str, tuple[Place, ...]], ...]
    note: str = ""

    @property
    def table(self) -> Numbers:
        """Every value, (seeds, levels × steps); what is missing is NaN."""
        columns = [list(p.y) for _, own in self.rungs for p in own if isinstance(p.y, list)]
        return np.array(columns, dtype=float).T

    @property
    def levels(self) -> Numbers:
        """The level of each of the table's columns."""
        return np.array([float(level) for level, own in self.rungs for _ in own])

    @property
    def shares(self) -> Numbers:
        """How much of the whole run lies behind each of the table's columns."""
        steps = np.array([place.x for _, own in self.rungs for place in own], dtype=float)
        return np.asarray(steps / steps.max())

    @property
    def compute(self) -> Numbers:
        """Level × step of each of the table's columns; the least level's whole run has 1."""
        return np.asarray(self.levels / self.levels.min() * self.shares)

    def counted(self, figure: FigureSpec) -> Indices:
        """Return which of the table's columns are late enough in their run to count."""
        first = (figure.from_share or 0.0) - 1e-12
        return np.flatnonzero((self.shares >= first) & (self.shares > 0))


def ladder(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Series]:
    """Return a curve for each level; against compute, also the law through their frontier."""
    found = _ladder(figure, dataset, method, data)
    if not found.rungs:
        return _only(found.note)
    resplit = dataset_entry(data.spec, dataset).resplit
    made = list(_curves(figure, found, resplit))
    if figure.against == "compute":
        made.append(_frontier(figure, found, resplit))
    return made


def optimum(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Series]:
    """Return the vertices of each seed's frontier, a series per level, and the law of the seeds.

    A seed's law is the power law through the vertices of its frontier's convex hull. Over the seeds
    the logarithm of the best level has a mean and a t interval at each compute. Where the typical
    seed's frontier has two levels alone there is no law.
    """
    found = _ladder(figure, dataset, method, data)
    if not found.rungs:
        return _only(found.note)
    kept = found.counted(figure)
    compute, levels, table = found.compute[kept], found.levels[kept], found.table[:, kept]
    whole = [losses for losses in table if np.isfinite(losses).all()]
    hulls = [lower_hull(compute, losses) for losses in whole]
    made = [
        Series(_key(figure, level), level, tuple(_vertices(float(level), levels, compute, hulls)))
        for level, _ in found.rungs
    ]
    several = [np.unique(levels[hull]).size for hull in hulls]
    if len(whole) < len(table):
        note = f"▲ {len(table) - len(whole)} of {len(table)} seeds diverged; ? no law"
        return [*made, Series(LAW, "Power law", (), note)]
    if 1 in several:
        note = f"? no law: {several.count(1)} of {len(table)} seeds have one level alone"
        return [*made, Series(LAW, "Power law", (), note)]
    if statistics.median(several) < LEAST_LEVELS:
        note = "? no exponent: the typical seed's frontier has two levels alone"
        return [*made, Series(LAW, "Power law", (), note)]
    laws = [optimal_size(levels, compute, losses, rule="vertices") for losses in whole]
    at = grid(compute[np.concatenate(hulls)], log=True)
    return [*made, _law(laws, at, dataset_entry(data.spec, dataset).resplit)]


def _ladder(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> _Ladder:
    rungs, notes = [], []
    for level in sorted(data.spec.metric(figure.metric).levels, key=float):
        places, note = logged(f"{figure.metric}@{level}", dataset, method, data)
        if places:
            rungs.append((level, tuple(places)))
        notes.append(note)
    return _Ladder(tuple(rungs), "; ".join(dict.fromkeys(filter(None, notes))))


def _key(figure: FigureSpec, level: str) -> str:
    return f"{figure.metric}@{level}"


def _only(note: str) -> list[Series]:
    return [Series(LAW, "", (), note)] if note else []


def _curves(figure: FigureSpec, found: _Ladder, resplit: float) -> Iterator[Series]:
    last = max(place.x for _, own in found.rungs for place in own if isinstance(place.x, float))
    least = float(found.rungs[0][0])
    for level, own in found.rungs:
        scale = float(level) / least / last if figure.against == "compute" else 1.0
        moved = [Place(p.planned, scale * float(p.x), p.y) for p in own]  # type: ignore[arg-type]
        points, note = drawn(moved, resplit, figure.log, LOST_STEPS)
        yield Series(_key(figure, level), level, tuple(points), note)


def _frontier(figure: FigureSpec, found: _Ladder, resplit: float) -> Series:
    """Return the points that no cheaper one beats, of the seeds' means, and the law through them.

    Where a run diverged there is neither: the others alone would be survivors.
    """
    table, kept = found.table, found.counted(figure)
    if not np.isfinite(table).all():
        return Series(LAW, "Frontier", (), "? no frontier")
    means, compute = table.mean(axis=0)[kept], found.compute[kept]
    best = undominated(compute, means)
    points = [Point(float(compute[i]), float(means[i]), joined=False) for i in best]
    if not figure.form:
        return Series(LAW, "Frontier", tuple(points))
    at = grid(compute[best], "x" in figure.log)

    def through(columns: Numbers) -> Numbers:
        front = undominated(compute, columns[kept])
        try:
            law = _law_of_frontier(figure, compute[front], columns[kept][front])
        except ValueError:  # fewer points than parameters
            return np.full(at.size, math.nan)
        return law.predict(at)

    curve, note = banded(table, through, at, resplit)
    if any(math.isnan(point.y) for point in curve):
        needed = len(FORMS[figure.form].parameters)
        curve, note = (), f"? no law: {len(best)} points are fewer than {needed} parameters"
    return Series(LAW, "Frontier's law", tuple(points), note, curve)


def _law_of_frontier(figure: FigureSpec, compute: Numbers, losses: Numbers) -> Fit:
    if figure.below:
        return fit_below(compute, losses)
    return problem_of(figure, figure.form, compute).fit(losses)


def _vertices(
    level: float, levels: Numbers, compute: Numbers, hulls: Sequence[Indices]
) -> Iterator[Point]:
    """Yield a point for each compute with a vertex of a level; ``weight``: of how many seeds."""
    if not hulls:
        return
    corners = np.concatenate(hulls)
    own = compute[corners][levels[corners] == level]
    for c, count in zip(*np.unique(own, return_counts=True), strict=True):
        yield Point(float(c), level, joined=False, weight=int(count))


def _law(laws: Sequence[OptimalSize], at: Numbers, resplit: float) -> Series:
    """Return the mean of the seeds' laws, in logarithms, with its t interval and the exponent's."""
    curve = []
    banded_too = len(laws) >= LEAST_SEEDS
    for x, column in zip(at.tolist(), np.log([law.predict(at) for law in laws]).T, strict=True):
        y, interval = mean(column.tolist(), resplit)
        ends = interval if banded_too else None
        band = (math.exp(ends[0]), math.exp(ends[1])) if ends else None
        curve.append(Point(x, math.exp(y), y_interval=band))
    exponent, ends = mean([law.exponent for law in laws], resplit)
    text = f"exponent {exponent:.2f}"
    if banded_too and ends:
        text += f" ({ends[0]:.2f} to {ends[1]:.2f})"
    else:
        text += f"; ? no band: fewer than {LEAST_SEEDS} seeds"
    return Series(LAW, "Power law", (), text, tuple(curve))
