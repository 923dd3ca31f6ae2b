"""Series made of the table's cells: rows of points, groups of bars, and clouds of marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from repro.cells.aggregate import Aggregate, Cell, Group, dataset_entry
from repro.report import wording
from repro.report.figures.content import Panel, Point, Remark, Series
from repro.report.figures.means import Place, drawn, mean
from repro.report.figures.spec import FigureSpec


def row(figure: FigureSpec, dataset: str, method: str, at: int, data: Aggregate) -> Series:
    """Return a method's mean in the row ``at``, for ``points``."""
    cell = data.cell(dataset, method, figure.metric)
    label = data.spec.methods[method].label
    if cell is None:
        return Series(method, label, ())
    state = wording.marked_state(cell)
    remarks = (Remark(at, state),) if state else ()
    if not _whole(cell):
        return Series(method, label, (), remarks=remarks)
    value, interval = mean(list(cell.values.values()), dataset_entry(data.spec, dataset).resplit)
    if "x" in figure.log and value <= 0:
        return Series(method, label, (), remarks=(Remark(at, "⊘ not above 0"),))
    return Series(method, label, (Point(value, at, x_interval=interval),), remarks=remarks)


def bars(
    figure: FigureSpec, datasets: Sequence[str], methods: Sequence[str], data: Aggregate
) -> Panel:
    """Return the one panel of ``bars``: a group per data set, a bar per method."""
    series = [_bars_of(figure, datasets, method, data) for method in methods]
    names = tuple(dataset_entry(data.spec, dataset).label for dataset in datasets)
    kept = tuple(one for one in series if one.points or one.remarks)
    return Panel("", kept, categories=names)


def _bars_of(figure: FigureSpec, datasets: Sequence[str], method: str, data: Aggregate) -> Series:
    points, remarks, notes = [], [], []
    for group, dataset in enumerate(datasets):
        found = row(figure, dataset, method, group, data)
        points += [Point(group, p.x, y_interval=p.x_interval) for p in found.points]
        if not found.points:
            remarks += list(found.remarks)
            notes += [
                f"{r.text} on {dataset_entry(data.spec, dataset).label}" for r in remarks[-1:]
            ]
    label = data.spec.methods[method].label
    note = "; ".join(dict.fromkeys(notes))
    return Series(method, label, tuple(points), note, remarks=tuple(remarks))


def cloud(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Series:
    """Return unjoined marks, for ``scatter``: one per seed, or one mean per setting."""
    groups = data.curve(dataset, method)
    if figure.per == "setting":
        found = [
            Place(len(g.records), *(_listed(g, m) for m in (figure.x, figure.y))) for g in groups
        ]
        points, note = drawn(found, dataset_entry(data.spec, dataset).resplit, figure.log)
    else:
        points, note = _seeds(figure, [group for group in groups if group.setting.in_table])
    unjoined = tuple(replace(point, joined=False) for point in points)
    return Series(method, data.spec.methods[method].label, unjoined, note)


def _seeds(figure: FigureSpec, groups: Sequence[Group]) -> tuple[list[Point], str]:
    """Return a mark for every finished run; there is no mean that the others could bend."""
    planned = sum(len(group.records) for group in groups)
    pairs = [pair for group in groups for pair in _pairs(group, figure.x, figure.y)]
    if not pairs and all(r.state == "done" for group in groups for r in group.records):
        return [], ""  # the method does not measure both
    finite = [pair for pair in pairs if all(map(math.isfinite, pair))]
    shown = [(x, y) for x, y in finite if not _off(figure.log, x, y)]
    counts = (
        (f"{wording.SYMBOLS['diverged']} {len(pairs) - len(finite)} of {planned} seeds diverged"),
        (f"{wording.SYMBOLS['incomplete']} {planned - len(pairs)} of {planned} seeds missing"),
        (f"⊘ {len(finite) - len(shown)} of {planned} seeds not above 0"),
    )
    lost = (len(pairs) - len(finite), planned - len(pairs), len(finite) - len(shown))
    note = "; ".join(text for text, count in zip(counts, lost, strict=True) if count)
    return [Point(x, y) for x, y in shown], note


def _pairs(group: Group, x: str, y: str) -> list[tuple[float, float]]:
    xs, ys = group.values(x), group.values(y)
    return [(xs[seed], ys[seed]) for seed in sorted(xs.keys() & ys.keys())]


def _off(log: str, x: float, y: float) -> bool:
    return ("x" in log and x <= 0) or ("y" in log and y <= 0)


def _listed(group: Group, metric: str) -> list[float]:
    return list(group.values(metric).values())


def _whole(cell: Cell) -> bool:
    """Say whether every planned run is there, fresh and finite, and the metric means something."""
    return cell.state in ("complete", "single run")
