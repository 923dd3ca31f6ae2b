"""The typed form of ``figures/<paper>.yaml``: which plots, of which metric against what."""

from __future__ import annotations

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
    """Return the figures of a paper; none where it declares none. A mistake: ``UserError``."""
    path = figures_path(spec.paper)
    if not path.is_file():
        return []
    figures: list[FigureSpec] = read_typed(path, FigureFile).figures
    for figure in figures:
        _check(figure, spec, path)
    return figures


def _check(figure: FigureSpec, spec: TableSpec, path: Path) -> None:
    place = f"{path}: figures.{figure.id}"
    for key in _REQUIRED[figure.kind]:
        if not getattr(figure, key):
            raise UserError(f"{place}.{key}: required for kind {figure.kind!r}, but missing")
    _known(f"{place}.methods", figure.methods or [], spec.methods, "method")
    _known(f"{place}.datasets", figure.datasets or [], spec.datasets, "data set")
    for key in ("x", "y", "base") + (() if figure.kind == "curves" else ("metric",)):
        names = [name for name in [getattr(figure, key)] if name]
        _known(f"{place}.{key}", names, [*spec.metrics, *spec.metric_names()], "metric")
    if figure.kind == "levels" and not spec.metric(figure.metric).levels:
        raise UserError(f"{place}.metric: {figure.metric!r} has no levels in the table spec")


def _known(place: str, names: Iterable[str], valid: Iterable[str], what: str) -> None:
    valid = list(valid)
    for name in names:
        if name not in valid:
            raise UserError(f"{place}: unknown {what} {name!r}{did_you_mean(name, valid)}")
