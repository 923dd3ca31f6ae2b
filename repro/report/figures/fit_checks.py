"""Whether a form fits, and what it determines: what is left, and a parameter's likelihood."""

from __future__ import annotations

import numpy as np

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.curves import AnyProblem, FallingProblem, deviances, levels_off, profile_interval
from repro.report.figures.along import places
from repro.report.figures.content import Panel, Point, Series
from repro.report.figures.fitted import form_key, form_label, problem_of, table_of, too_few
from repro.report.figures.means import drawn, mean
from repro.report.figures.spec import FigureSpec
from repro.statistics.curve_parameter import curve_parameter
from repro.statistics.ordinal import Numbers

#: How far a likelihood is drawn, in parts of the way from the estimate to the interval's end.
_BEYOND = 1.25
#: Values of the parameter at which a likelihood is drawn.
_POINTS = 81


def residuals(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Series]:
    """Return for each of ``forms`` what its curves leave: each seed's values less its own curve."""
    found = places(figure, dataset, method, data)
    resplit = dataset_entry(data.spec, dataset).resplit
    _, note = drawn(found, resplit, figure.log)
    if note or not found:
        return [Series(method, "", (), note)] if note else []
    xs, table = table_of(found)
    made = []
    for form in figure.forms or []:
        why = too_few(form, xs)
        left = None if why else _left(problem_of(figure, form, xs), xs, table)
        points = () if left is None else tuple(_points(xs, left, resplit))
        made.append(Series(form_key(form), form_label(form), points, why))
    return made


def likelihood(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Panel:
    """Return the deviance of the curve through the means against one of its parameters.

    The point is the estimate, of deviance 0, with its 95 % interval by bootstrap over the seeds.
    """
    entry = dataset_entry(data.spec, dataset)
    found = places(figure, dataset, method, data)
    _, note = drawn(found, entry.resplit)
    curve: tuple[Point, ...] = ()
    points: tuple[Point, ...] = ()
    threshold = None
    if found and not note:
        xs, table = table_of(found)
        note = too_few(figure.form, xs)
        if not note:
            problem, means = problem_of(figure, figure.form, xs), table.mean(axis=0)
            curve, threshold, note = _deviances(problem, figure.parameter, means)
            points = (_estimate(problem, figure.parameter, table, entry.resplit),) if curve else ()
    label = data.spec.methods[method].label
    series = Series(method, label, points, note, curve)
    shown = (series,) if found else ()
    return Panel(entry.label, shown, truth=figure.truth, threshold=threshold)


def _left(problem: AnyProblem, xs: Numbers, table: Numbers) -> Numbers:
    """Return each seed's values less those of its own curve, (seeds, places)."""
    return np.array([seed - problem.fit(seed).predict(xs) for seed in table])


def _points(xs: Numbers, left: Numbers, resplit: float) -> list[Point]:
    found: list[Point] = []
    for x, column in zip(xs.tolist(), left.T, strict=True):
        y, interval = mean(column.tolist(), resplit)
        found.append(Point(x, y, y_interval=interval, joined=bool(found)))
    return found


def _deviances(
    problem: AnyProblem, parameter: str, means: Numbers
) -> tuple[tuple[Point, ...], float | None, str]:
    """Return the deviance's curve and what it may be at most, with 95 %; else why there is none.

    An open end is drawn as far as the other; of a constant held above 0, down to 0.
    """
    fit = problem.fit(means)
    if parameter == "constant" and not levels_off(problem, fit):
        return (), None, "? no constant: the curve does not level off"
    estimate = fit.parameters[parameter]
    ends = profile_interval(problem, parameter, means, estimate)
    if ends is None:
        return (), None, "? no profile: no scatter is left about the curve"
    if not np.isfinite(ends).any():
        return (), None, "? no profile: the points leave the parameter open"
    reach = max(abs(end - estimate) for end in ends if np.isfinite(end))
    low, high = (
        estimate + _BEYOND * (end - estimate if np.isfinite(end) else sign * reach)
        for end, sign in zip(ends, (-1, 1), strict=True)
    )
    if isinstance(problem, FallingProblem):
        low = max(low, 0.0) if np.isfinite(ends[0]) else 0.0
    values = np.unique([*np.linspace(low, high, _POINTS), estimate])
    found = deviances(problem, parameter, means, values)
    assert found is not None  # the interval above is where it crosses its bound
    return tuple(map(Point, values.tolist(), found[0].tolist())), found[1], ""


def _estimate(problem: AnyProblem, parameter: str, table: Numbers, resplit: float) -> Point:
    if len(table) < 2:
        return Point(problem.fit(table[0]).parameters[parameter], 0.0)
    estimate = curve_parameter(problem, parameter, table, resplit).estimate
    return Point(estimate.value, 0.0, x_interval=estimate.interval(0.025, 0.025))
