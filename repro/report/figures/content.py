"""What a figure shows, as plain numbers and words: made by ``data``, drawn by ``drawing``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repro.report.figures.spec import FigureSpec

Interval = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """One mark, with the ends of its intervals where it has any.

    ``joined``  whether a line may come to it from the point before: not across one that is missing
    ``filled``  whether its mark is solid; what a hollow one means, the figure's ``reading`` says
    ``weight``  how many of what the mark stands for fall on this place: its area
    """

    x: float
    y: float
    x_interval: Interval | None = None
    y_interval: Interval | None = None
    joined: bool = True
    filled: bool = True
    weight: int = 1


@dataclass(frozen=True)
class Remark:
    """Words at the category ``at`` (a row, a group of bars): why no mark stands there."""

    at: int
    text: str


@dataclass(frozen=True)
class Series:
    """One method's points in one panel, in the order in which they are joined.

    ``method``   or the key of what else a line stands for: a level, a form, a law
    ``curve``    points of a fitted curve, with its band as their ``y_interval``
    ``note``     what is not drawn, with the state's symbol; several are joined by ``; ``
    ``remarks``  the same for a single category
    """

    method: str
    label: str
    points: tuple[Point, ...]
    note: str = ""
    curve: tuple[Point, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Picture:
    """An image at a row and a column of its panel; ``reason``: why there is none."""

    row: int
    column: int
    path: Path | None
    reason: str = ""


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    ``categories``  names of rows (``points``, ``advantage``, ``tuning``, ``images``: from the top)
                    or of groups (``bars``); a point's ``y``, or a bar's ``x``, counts them from 0
    ``columns``     names of the columns of ``pictures``
    ``bounds``      values of ``x`` between which a claim says that its estimates lie
    ``truth``       the value of ``x`` that is known to be true
    ``threshold``   the value of ``y`` that a line marks
    """

    title: str
    series: tuple[Series, ...] = ()
    categories: tuple[str, ...] = ()
    x_label: str = ""
    pictures: tuple[Picture, ...] = ()
    columns: tuple[str, ...] = ()
    bounds: tuple[float | None, float | None] = (None, None)
    truth: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class FigureData:
    """A figure's content.

    ``methods``   (key, label) of those that some panel shows, in the spec's order; of series that
                  are no methods, in the order in which they come
    ``reading``   what marks, lines and intervals stand for, in words
    ``left_out``  what is not drawn, and why, in words
    """

    spec: FigureSpec
    methods: tuple[tuple[str, str], ...]
    x_label: str
    y_label: str
    panels: tuple[Panel, ...]
    reading: str = ""
    left_out: tuple[str, ...] = ()
