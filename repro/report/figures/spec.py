"""The typed form of ``figures/<paper>.yaml``: which plots, of which metric against what.

Importing this module is cheap: it is checked before any trial runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional

from omegaconf import MISSING

from repro import paths
from repro.errors import UserError
from repro.report.figures.checks import check
from repro.spec import TableSpec
from repro.spec.load import read_typed


@dataclass
class FigureSpec:
    """One figure: a panel per data set, unless its kind says another thing.

    Every figure has ``id`` (it names the files), ``kind``, ``title`` and may have a ``caption``.
    A key that the kind does not use is refused. ``kind`` is one of:

    - ``frontier``: metric ``y`` against metric ``x``, one point per value of the swept parameter
      ``sweep``, joined in the order of its values
    - ``sweep``: ``metric`` against the values of the swept parameter ``sweep``
    - ``levels``: ``metric@level`` against the level; ``base`` is the metric at level 0
    - ``curves``: a ``metric`` that trials logged, against the step
    - ``points``: the mean of ``metric`` with its interval, a row per method
    - ``bars``: the same as bars from zero, in one panel with a group of bars per data set; for
      metrics of which zero means something
    - ``scatter``: metric ``y`` against metric ``x``, one mark ``per: seed`` (the default) or
      ``per: setting`` (the mean of each value of a sweep)
    - ``fit``: ``metric`` along ``sweep`` (without it, along its levels, ``base`` at 0) with the
      fitted curve ``form`` of ``repro.curves``, and the curve's band
    - ``residuals``: what the curves of ``forms`` leave of ``metric`` along the same axis, each seed
      less its own curve
    - ``likelihood``: the deviance of the curve ``form`` against its ``parameter``, the bound of the
      profile likelihood's interval, and the ``truth`` where it is known
    - ``ladder``: the curve of every level of ``metric``, logged as ``metric@level``, ``against``
      the ``step`` (the default) or ``compute``, level × step; against compute with the frontier of
      the seeds' means, and the curve ``form`` through it with its band. ``from_share``: of a run's
      steps, the share before which its points do not count for the frontier
    - ``optimum``: the level that is best for an amount of compute: the vertices of the convex hull
      of each seed's frontier, and their power law over the seeds where the typical one has three
      levels there
    - ``profile``: the entry ``overall`` of the table spec, a performance profile: the share of
      runs that are better than a threshold, in one panel
    - ``images``: image ``files`` that trials of the table wrote to their artefact folder, by
      name; a row per method, a column per file; of one ``seed`` (0 by default)
    - ``advantage``: what each comparison of ``claim`` found, with its simultaneous interval
    - ``tuning``: the score of every configuration that was tried in tuning, a row per method

    ``falling``                   whether a power law with constant is held to fall towards 0 or
                                  above, as losses do towards an entropy
    ``below``                     whether that law of ``ladder`` also lies below the frontier
    ``methods`` and ``datasets``  those drawn; all of the table by default. ``advantage`` has
                                  those of its claim, ``profile`` the data sets of its entry
    ``log``                       axes with a logarithmic scale: ``x``, ``y`` or ``xy``. A zero
                                  that is a swept value, a level or a step stands before a break
    ``x_label``, ``y_label``      in place of what the table spec calls the metric
    ``level_label``               what the levels of ``ladder`` and ``optimum`` are, for the legend
    """

    id: str = MISSING
    kind: Literal[
        "frontier",
        "sweep",
        "levels",
        "curves",
        "points",
        "bars",
        "scatter",
        "fit",
        "residuals",
        "likelihood",
        "ladder",
        "optimum",
        "profile",
        "images",
        "advantage",
        "tuning",
    ] = MISSING
    title: str = MISSING
    caption: str = ""
    x: str = ""
    y: str = ""
    sweep: str = ""
    metric: str = ""
    base: str = ""
    per: Literal["", "seed", "setting"] = ""
    form: str = ""
    forms: Optional[list[str]] = None  # noqa: UP045 - OmegaConf reads these annotations
    falling: bool = False
    below: bool = False
    parameter: str = ""
    truth: Optional[float] = None  # noqa: UP045
    against: Literal["", "step", "compute"] = ""
    from_share: Optional[float] = None  # noqa: UP045
    level_label: str = ""
    overall: str = ""
    claim: str = ""
    files: Optional[list[str]] = None  # noqa: UP045
    seed: Optional[int] = None  # noqa: UP045
    log: Literal["", "x", "y", "xy"] = ""
    x_label: str = ""
    y_label: str = ""
    methods: Optional[list[str]] = None  # noqa: UP045
    datasets: Optional[list[str]] = None  # noqa: UP045


@dataclass
class FigureFile:
    """All figures of one paper."""

    figures: list[FigureSpec] = field(default_factory=list)


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
        place = f"{path}: figures.{figure.id}"
        if figure.id in seen:
            raise UserError(f"{place}: this id is used twice")
        seen.add(figure.id)
        check(figure, spec, place)
    return figures
