"""The typed form of ``figures/<paper>.yaml``: which plots, of which metric against what.

Importing this module is cheap: it is checked before any trial runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional

from omegaconf import MISSING

from repro import paths
from repro.errors import UserError, did_you_mean
from repro.spec import TableSpec
from repro.spec.load import read_typed


@dataclass
class FigureSpec:
    """One figure, a panel per data set.

    ``kind``  ``frontier``: ``y`` against ``x`` over the values of the swept parameter ``sweep``;
              ``levels``: ``metric@level`` against the level, with ``base`` as level 0;
              ``curves``: a metric that trials logged, against the step;
              ``points``: one mean with its interval per method
    ``methods`` and ``datasets``  those drawn; all of the table by default
    """

    id: str = MISSING
    kind: Literal["frontier", "levels", "curves", "points"] = MISSING
    title: str = MISSING
    caption: str = ""
    x: str = ""
    y: str = ""
    sweep: str = ""
    metric: str = ""
    base: str = ""
    x_label: str = ""
    y_label: str = ""
    methods: Optional[list[str]] = None  # noqa: UP045 - OmegaConf reads these annotations
    datasets: Optional[list[str]] = None  # noqa: UP045


@dataclass
class FigureFile:
    """All figures of one paper."""

    figures: list[FigureSpec] = field(default_factory=list)


_REQUIRED = {
    "frontier": ("x", "y", "sweep"),
    "levels": ("metric",),
    "curves": ("metric",),
    "points": ("metric",),
}


def figures_path(paper: str) -> Path:
    """Return where the figures of ``paper`` are declared; the file need not exist."""
    return paths.FIGURES / f"{paper}.yaml"


def load_figures(spec: TableSpec) -> list[FigureSpec]:
    """Return the figures of a paper; none where it declares none.

    Every name in them must be one of the table spec. The first mistake: ``UserError``.
    """
    path = figures_path(spec.paper)
    if not path.is_file():
        return []
    figures: list[FigureSpec] = read_typed(path, FigureFile).figures
    seen: set[str] = set()
    for figure in figures:
        if figure.id in seen:
            raise UserError(f"{path}: figures.{figure.id}: this id is used twice")
        seen.add(figure.id)
        _check(figure, spec, path)
    return figures


def _check(figure: FigureSpec, spec: TableSpec, path: Path) -> None:
    place = f"{path}: figures.{figure.id}"
    if not re.fullmatch(r"[\w-]+", figure.id):
        raise UserError(f"{place}: an id names files: letters, digits, - and _ alone")
    for key in _REQUIRED[figure.kind]:
        if not getattr(figure, key):
            raise UserError(f"{place}.{key}: required for kind {figure.kind!r}, but missing")
    _known(f"{place}.methods", figure.methods or [], spec.methods, "method")
    _known(f"{place}.datasets", figure.datasets or [], spec.datasets, "data set")
    _check_metrics(place, figure, spec)
    if figure.kind == "levels":
        _check_levels(place, figure, spec)
    if figure.kind == "frontier":
        _check_sweep(place, figure, spec)


def _check_metrics(place: str, figure: FigureSpec, spec: TableSpec) -> None:
    """Check all metrics that cells hold; what ``curves`` draws is logged, and no spec knows it."""
    keys = ("x", "y", "base") + (("metric",) if figure.kind == "points" else ())
    for key in keys:
        names = [name for name in [getattr(figure, key)] if name]
        _known(f"{place}.{key}", names, spec.metric_names(), "metric")


def _check_levels(place: str, figure: FigureSpec, spec: TableSpec) -> None:
    _known(f"{place}.metric", [figure.metric], spec.metrics, "metric")
    levels = spec.metrics[figure.metric].levels
    if not levels:
        raise UserError(f"{place}.metric: {figure.metric!r} has no levels in the table spec")
    for level in levels:
        if not _is_number(level):
            raise UserError(f"{place}.metric: level {level!r} of {figure.metric!r} is no number")


def _check_sweep(place: str, figure: FigureSpec, spec: TableSpec) -> None:
    swept = {
        method: [name for name, value in entry.params.items() if isinstance(value, dict)]
        for method, entry in spec.methods.items()
    }
    known = {name for names in swept.values() for name in names}
    _known(f"{place}.sweep", [figure.sweep], known, "swept parameter")
    for method in figure.methods or []:
        if figure.sweep not in swept[method]:
            raise UserError(f"{place}.methods: {method!r} has no sweep of {figure.sweep!r}")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _known(place: str, names: Iterable[str], valid: Iterable[str], what: str) -> None:
    valid = list(valid)
    for name in names:
        if name not in valid:
            raise UserError(f"{place}: unknown {what} {name!r}{did_you_mean(name, valid)}")
