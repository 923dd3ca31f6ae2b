"""Series of ``fit``: means along an axis, the curve fitted to them, and the curve's band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.curves import FORMS, AnyProblem, FallingProblem, Problem
from repro.report.figures.along import places
from repro.report.figures.bands import banded, grid
from repro.report.figures.checks import FALLING
from repro.report.figures.content import Point, Series
from repro.report.figures.means import Place, drawn
from repro.report.figures.spec import FigureSpec
from repro.statistics.ordinal import Numbers


def fitted(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Series:
    """Return means with the fitted curve, which is left out where a mean is missing.

    A fit without the settings that diverged would be one to the survivors.
    """
    found = places(figure, dataset, method, data)
    resplit = dataset_entry(data.spec, dataset).resplit
    points, note = drawn(found, resplit, figure.log)
    curve: tuple[Point, ...] = ()
    if points:
        curve, why = ((), "? no curve") if note else _curve(figure, found, resplit)
        note = "; ".join(filter(None, (note, why)))
    return Series(method, data.spec.methods[method].label, tuple(points), note, curve)


def form_key(form: str) -> str:
    """Return the key of a form's line: a method may be called as a form is."""
    return f"form {form}"


def form_label(form: str) -> str:
    """Return a form's key as words."""
    return form.replace("_", " ").capitalize()


def _curve(
    figure: FigureSpec, found: Sequence[Place], resplit: float
) -> tuple[tuple[Point, ...], str]:
    """Return the curve through the means with its band, and a note where either is missing."""
    xs, table = table_of(found)
    why = too_few(figure.form, xs)
    if why:
        return (), why
    problem, at = problem_of(figure, figure.form, xs), grid(xs, "x" in figure.log)
    return banded(table, lambda means: problem.fit(means).predict(at), at, resplit)


def problem_of(figure: FigureSpec, form: str, xs: Numbers) -> AnyProblem:
    """Return what fits ``form`` at ``xs``, held to fall where the figure says so."""
    held = figure.falling and form == FALLING
    return FallingProblem.of(xs) if held else Problem.of(form, xs)


def table_of(found: Sequence[Place]) -> tuple[Numbers, Numbers]:
    """Return the places (places,) and the seeds' values there (seeds, places).

    A place with more seeds than the others lends those that all have.
    """
    values = [place.y for place in found if isinstance(place.y, list)]
    seeds = min(len(entry) for entry in values)
    xs = np.array([place.x for place in found], dtype=float)
    return xs, np.array([entry[:seeds] for entry in values]).T


def too_few(form: str, xs: Numbers) -> str:
    """Return why there are too few different places for a form; nothing where there are not."""
    needed = len(FORMS[form].parameters)
    if np.unique(xs).size >= needed:
        return ""
    return f"? no curve: {len(xs)} points are fewer than {needed} parameters"
