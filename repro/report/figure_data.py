"""The numbers behind each figure: tidy series of means and intervals, apart from any drawing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.aggregate import Aggregate, dataset_entry
from repro.files import read_json_lines
from repro.plan import Plan
from repro.report import wording
from repro.report.figure_spec import FigureSpec
from repro.spec import TableSpec
from repro.statistics import summarize
from repro.store import TrialRecord


@dataclass(frozen=True)
class Point:
    """A mean at ``x`` with half-widths of the 95 % intervals in both directions (0: none)."""

    x: float
    y: float
    y_half: float = 0.0
    x_half: float = 0.0


@dataclass(frozen=True)
class Series:
    """One method's points on one data set, in the order in which they are joined.

    ``note``  what is not drawn or not complete, with the state's symbol
    """

    method: str
    label: str
    points: tuple[Point, ...]
    note: str = ""


@dataclass(frozen=True)
class Panel:
    """One data set's series."""

    title: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class FigureData:
    """A figure's content.

    ``methods``   (key, label) of those that some panel shows, in the spec's order
    ``left_out``  what is not drawn, and why, in words
    """

    spec: FigureSpec
    methods: tuple[tuple[str, str], ...]
    x_label: str
    y_label: str
    panels: tuple[Panel, ...]
    left_out: tuple[str, ...] = ()


def figure_data(figure: FigureSpec, plan: Plan, data: Aggregate) -> FigureData:
    """Return the series of ``figure``.

    A point is the mean over the finished, fresh trials of one setting. Where any of them diverged
    there is no point, because a mean over the survivors would flatter; a note says so.
    """
    methods = [m for m in plan.methods if figure.methods is None or m in figure.methods]
    panels, left_out = [], []
    for dataset in plan.datasets:
        if figure.datasets is not None and dataset not in figure.datasets:
            continue
        entry = dataset_entry(plan.spec, dataset)
        if not {figure.metric, figure.x, figure.y}.isdisjoint(entry.not_compared):
            reason = entry.note.rstrip(".") or "not comparable there"
            left_out.append(f"{entry.label} is left out: {reason}")
            continue
        found = [_series(figure, dataset, method, data) for method in methods]
        kept = tuple(series for series in found if series.points or series.note)
        if any(series.points for series in kept):
            panels.append(Panel(entry.label, kept))
        elif kept:
            left_out.append(f"{entry.label} is left out: no mean can be given there yet")
    x_label, y_label = _labels(figure, plan.spec)
    shown = {series.method for panel in panels for series in panel.series}
    names = tuple((m, plan.spec.methods[m].label) for m in methods if m in shown)
    return FigureData(figure, names, x_label, y_label, tuple(panels), tuple(left_out))


def _series(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Series:
    points, note = _MAKERS[figure.kind](figure, dataset, method, data)
    return Series(method, data.spec.methods[method].label, tuple(points), note)


def _frontier(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Drawn:
    curve = [g for g in data.curve(dataset, method) if figure.sweep in g.setting.swept]
    curve.sort(key=lambda group: group.setting.swept[figure.sweep])
    places = [
        _Place(len(g.records), *(list(g.values(name).values()) for name in (figure.x, figure.y)))
        for g in curve
    ]
    return _draw(places, dataset, data)


def _levels(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Drawn:
    named = [(0.0, figure.base)] if figure.base else []
    levels = data.spec.metric(figure.metric).levels
    named += [(float(level), f"{figure.metric}@{level}") for level in levels]
    places = []
    for level, metric in named:
        cell = data.cell(dataset, method, metric)
        if cell is not None and cell.state != "not comparable":
            places.append(_Place(cell.planned, level, list(cell.values.values())))
    return _draw(places, dataset, data)


def _points(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Drawn:
    cell = data.cell(dataset, method, figure.metric)
    if cell is None:
        return [], ""
    place = _Place(cell.planned, list(cell.values.values()), 0.0)
    return _draw([place], dataset, data)[0], wording.marked_state(cell)


def _curves(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Drawn:
    groups = [group for group in data.curve(dataset, method) if group.setting.in_table]
    records = [record for group in groups for record in group.records]
    finished = [record for record in records if record.state == "done"]
    logs = list(filter(None, (_logged(record, figure.metric) for record in finished)))
    if not logs and len(finished) == len(records):
        return [], ""  # the method does not log this metric
    steps = sorted({step for log in logs for step in log})
    # A run that diverged may stop logging: the others alone would be survivors as well.
    places = [_Place(len(logs), s, [log.get(s, math.nan) for log in logs]) for s in steps]
    points, note = _draw(places, dataset, data, lost="steps diverged or ended early")
    missing = f"{wording.SYMBOLS['incomplete']} {len(logs)} of {len(records)} seeds"
    return points, "; ".join(filter(None, [note, missing if len(logs) < len(records) else ""]))


def _logged(record: TrialRecord, metric: str) -> dict[float, float]:
    """Return step → value as a trial logged ``metric``."""
    lines = _lines_of(record.folder.curves)
    return {float(line["step"]): float(line[metric]) for line in lines if metric in line}


def _lines_of(path: Path) -> list[dict[str, Any]]:
    """Return a log's lines, parsed as one array, which takes half the time of one by one."""
    try:
        lines: list[dict[str, Any]] = json.loads(f"[{','.join(path.read_text().splitlines())}]")
    except (FileNotFoundError, json.JSONDecodeError):
        return read_json_lines(path)  # a last line was cut short
    return lines


Drawn = tuple[list[Point], str]
Maker = Callable[[FigureSpec, str, str, Aggregate], Drawn]

_MAKERS: dict[str, Maker] = {
    "frontier": _frontier,
    "levels": _levels,
    "curves": _curves,
    "points": _points,
}


@dataclass(frozen=True)
class _Place:
    """What a point is made of: per direction the seeds' values or a fixed number."""

    planned: int
    x: list[float] | float
    y: list[float] | float

    @property
    def measured(self) -> list[list[float]]:
        """The directions that have values."""
        return [values for values in (self.x, self.y) if isinstance(values, list)]

    @property
    def diverged(self) -> bool:
        """Whether any value is not finite, or too large for a mean and its interval."""
        squares = (sum(value * value for value in values) for values in self.measured)
        return not all(map(math.isfinite, squares))

    @property
    def incomplete(self) -> bool:
        """Whether a planned seed has no value."""
        return any(len(values) < self.planned for values in self.measured)


def _draw(
    places: Sequence[_Place], dataset: str, data: Aggregate, lost: str = "points diverged"
) -> Drawn:
    """Return a point for each place where no run diverged, and a note on the others."""
    resplit = dataset_entry(data.spec, dataset).resplit
    whole = [place for place in places if not place.diverged]
    points = [_point(place, resplit) for place in whole if all(place.measured)]
    counts = (
        ("diverged", len(places) - len(whole), lost),
        ("incomplete", sum(place.incomplete for place in whole), "points incomplete"),
    )
    notes = [
        f"{wording.SYMBOLS[state]} {count} of {len(places)} {text}"
        for state, count, text in counts
        if count
    ]
    return points, "; ".join(notes)


def _point(place: _Place, resplit: float) -> Point:
    (x, x_half), (y, y_half) = (_mean(values, resplit) for values in (place.x, place.y))
    return Point(x, y, y_half, x_half)


def _mean(values: list[float] | float, resplit: float) -> tuple[float, float]:
    """Return mean and half-width of the interval; of a fixed number, itself and 0."""
    if isinstance(values, float):
        return values, 0.0
    summary = summarize(values, resplit)
    return summary.mean, summary.half_width or 0.0


def _labels(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    if figure.kind == "frontier":
        return figure.x_label or _name(figure.x, spec), figure.y_label or _name(figure.y, spec)
    name = figure.metric if figure.kind == "curves" else _name(figure.metric, spec)
    if figure.kind == "points":
        return figure.x_label or name, ""
    default = "Step" if figure.kind == "curves" else "Level"
    return figure.x_label or default, figure.y_label or _worded(name)


def _worded(name: str) -> str:
    return name if " " in name else name.replace("_", " ").capitalize() if "_" in name else name


def _name(metric: str, spec: TableSpec) -> str:
    entry = spec.metric(metric)
    return f"{entry.label} [{entry.unit}]" if entry.unit else entry.label
