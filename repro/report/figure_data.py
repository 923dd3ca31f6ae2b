"""The numbers behind each figure: tidy series of means and intervals, apart from any drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from repro.aggregate import Aggregate, Group, dataset_entry
from repro.files import read_json_lines
from repro.plan import Plan
from repro.report import wording
from repro.report.figure_spec import FigureSpec
from repro.spec import TableSpec
from repro.statistics import summarize


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

    ``note``  the state of a cell that is not complete, to stand in its place
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
    """Return the series of ``figure``. Means are over finite values of finished trials."""
    makers: dict[str, Maker] = {
        "frontier": _frontier,
        "levels": _levels,
        "curves": _curves,
        "points": _points,
    }
    series_of = makers[figure.kind]
    methods = [m for m in plan.methods if figure.methods is None or m in figure.methods]
    panels, left_out = [], []
    for dataset in plan.datasets:
        if figure.datasets is not None and dataset not in figure.datasets:
            continue
        entry = dataset_entry(plan.spec, dataset)
        if figure.metric in entry.not_compared:
            reason = entry.note.rstrip(".") or "not comparable there"
            left_out.append(f"{entry.label} is left out: {reason}")
            continue
        found = [_series(figure, dataset, method, data, series_of) for method in methods]
        kept = tuple(series for series in found if series.points or series.note)
        if any(series.points for series in kept):
            panels.append(Panel(entry.label, kept))
    x_label, y_label = _labels(figure, plan.spec)
    shown = {series.method for panel in panels for series in panel.series}
    names = tuple((m, plan.spec.methods[m].label) for m in methods if m in shown)
    return FigureData(figure, names, x_label, y_label, tuple(panels), tuple(left_out))


Maker = Callable[[FigureSpec, str, str, Aggregate], list[Point]]


def _series(
    figure: FigureSpec, dataset: str, method: str, data: Aggregate, points_of: Maker
) -> Series:
    points = points_of(figure, dataset, method, data)
    finite = tuple(p for p in points if math.isfinite(p.x) and math.isfinite(p.y))
    label = data.spec.methods[method].label
    cell = data.cell(dataset, method, figure.metric) if figure.kind == "points" else None
    return Series(method, label, finite, wording.marked_state(cell) if cell else "")


def _frontier(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Point]:
    curve = [g for g in data.curve(dataset, method) if figure.sweep in g.setting.swept]
    curve.sort(key=lambda group: group.setting.swept[figure.sweep])
    points = []
    for group in curve:
        x, x_half = _mean(group.values(figure.x).values(), dataset, data)
        y, y_half = _mean(group.values(figure.y).values(), dataset, data)
        points.append(Point(x, y, y_half, x_half))
    return points


def _levels(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Point]:
    named = [(0.0, figure.base)] if figure.base else []
    levels = data.spec.metric(figure.metric).levels
    named += [(float(level), f"{figure.metric}@{level}") for level in levels]
    points = []
    for level, metric in named:
        cell = data.cell(dataset, method, metric)
        if cell is not None:
            points.append(Point(level, *_mean(cell.values.values(), dataset, data)))
    return points


def _points(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Point]:
    cell = data.cell(dataset, method, figure.metric)
    if cell is None or cell.diverged:
        return []
    mean, half_width = _mean(cell.values.values(), dataset, data)
    return [Point(mean, 0.0, x_half=half_width)]


def _curves(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Point]:
    by_step: dict[float, list[float]] = {}
    for group in data.curve(dataset, method):
        for step, value in _logged(group, figure.metric) if group.setting.in_table else []:
            by_step.setdefault(step, []).append(value)
    return [Point(step, *_mean(by_step[step], dataset, data)) for step in sorted(by_step)]


def _logged(group: Group, metric: str) -> list[tuple[float, float]]:
    finished = [record for record in group.records if record.state == "done"]
    lines = (line for record in finished for line in read_json_lines(record.folder.curves))
    return [(float(line["step"]), float(line[metric])) for line in lines if metric in line]


def _mean(values: Iterable[float], dataset: str, data: Aggregate) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return math.nan, 0.0
    summary = summarize(finite, dataset_entry(data.spec, dataset).resplit)
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
