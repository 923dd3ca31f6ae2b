"""From the seeds' values at one place of a figure to a point: a mean over whole cells only.

Where a run diverged there is no point, because a mean over the survivors would flatter; where one
is outstanding there is none either, because it would move. A note says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from repro.report import wording
from repro.report.figures.content import Interval, Point
from repro.statistics import summarize

#: What is drawn of a series, and the note on what is not.
Drawn = tuple[list[Point], str]

#: Beside the states that a cell can have, what a logarithmic axis cannot show.
_SYMBOLS = {**wording.SYMBOLS, "no place": "⊘"}


@dataclass(frozen=True)
class Place:
    """What a point is made of: per direction the seeds' values or a fixed number."""

    planned: int
    x: list[float] | float
    y: list[float] | float

    @property
    def lost(self) -> str:
        """Why there is no mean: ``diverged``, ``incomplete``, or nothing."""
        if self._diverged:
            return "diverged"
        if any(len(values) < self.planned for values in self._measured):
            return "incomplete"
        return ""

    @property
    def _measured(self) -> list[list[float]]:
        return [values for values in (self.x, self.y) if isinstance(values, list)]

    @property
    def _diverged(self) -> bool:
        """Whether any value is not finite, or too large for a mean and its interval."""
        squares = (sum(value * value for value in values) for values in self._measured)
        return not all(map(math.isfinite, squares))


def drawn(
    places: Sequence[Place],
    resplit: float,
    log: str = "",
    diverged: str = "points diverged",
) -> Drawn:
    """Return a point for each whole place, and a note on the others.

    ``resplit``   see :func:`repro.statistics.summary.variance_factor`
    ``log``       logarithmic axes: what has no place on them is not drawn
    ``diverged``  how the note calls places where a run diverged
    """
    points: list[Point] = []
    lost: list[str] = []
    joined = False
    for place in places:
        reason = place.lost or _off_axis(place, log)
        if reason:
            lost.append(reason)
        else:
            points.append(_point(place, resplit, joined))
        joined = not reason
    words = {
        "diverged": diverged,
        "incomplete": "points incomplete",
        "no place": "points not above 0",
    }
    notes = [
        f"{_SYMBOLS[state]} {lost.count(state)} of {len(places)} {text}"
        for state, text in words.items()
        if state in lost
    ]
    return points, "; ".join(notes)


def mean(values: list[float] | float, resplit: float) -> tuple[float, Interval | None]:
    """Return mean and 95 % t interval; of a fixed number, itself and none."""
    if not isinstance(values, list):
        return values, None
    summary = summarize(values, resplit)
    return summary.mean, summary.interval


def _point(place: Place, resplit: float, joined: bool) -> Point:
    (x, x_interval), (y, y_interval) = (mean(values, resplit) for values in (place.x, place.y))
    return Point(x, y, x_interval, y_interval, joined)


def _off_axis(place: Place, log: str) -> str:
    """Return ``no place`` where a log axis lacks one; a fixed 0 stands before the axis' break."""
    for axis, values in (("x", place.x), ("y", place.y)):
        fixed = not isinstance(values, list)
        value = mean(values, 0.0)[0]
        if axis in log and (value < 0 or (value == 0 and not fixed)):
            return "no place"
    return ""
