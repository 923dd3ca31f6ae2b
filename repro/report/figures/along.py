"""Series along an axis: a swept parameter, levels of evaluation, the steps of training."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from repro.cells.aggregate import Aggregate, Group, dataset_entry
from repro.files import read_json_lines
from repro.report import wording
from repro.report.figures.content import Series
from repro.report.figures.means import Place, drawn
from repro.report.figures.spec import FigureSpec
from repro.trials.store import TrialRecord

#: How a note calls steps at which a run has no finite value.
LOST_STEPS = "steps diverged or ended early"


def joined(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Series:
    """Return the means along a sweep or along levels, for ``frontier``, ``sweep``, ``levels``."""
    points, note = drawn(places(figure, dataset, method, data), _resplit(dataset, data), figure.log)
    return Series(method, data.spec.methods[method].label, tuple(points), note)


def curve(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> Series:
    """Return the mean of a logged metric at each step; none where the method does not log it."""
    found, note = logged(figure.metric, dataset, method, data)
    points, lost = drawn(found, _resplit(dataset, data), figure.log, LOST_STEPS)
    return Series(method, data.spec.methods[method].label, tuple(points), note or lost)


def places(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Place]:
    """Return what each point along the axis is made of, from left to right.

    ``frontier`` has measured values in both directions; the others have one fixed number each.
    """
    if not figure.sweep:
        return _levels(figure, dataset, method, data)
    groups = _along(figure.sweep, dataset, method, data)
    if len(groups) < 2:
        return []  # one value alone is no axis
    if figure.kind == "frontier":
        return [Place(len(g.records), _values(g, figure.x), _values(g, figure.y)) for g in groups]
    return [
        Place(len(g.records), float(g.setting.swept[figure.sweep]), _values(g, figure.metric))
        for g in groups
    ]


def _along(parameter: str, dataset: str, method: str, data: Aggregate) -> list[Group]:
    """Return the settings that differ in ``parameter`` alone, in the order of its values.

    Other swept parameters stay at the table's value, so that a line follows one axis.
    """
    curve = data.curve(dataset, method)
    groups = [g for g in curve if g.setting.in_sweep and parameter in g.setting.swept]
    table = next((g.setting.swept for g in curve if g.setting.in_table), {})
    others = {name: value for name, value in table.items() if name != parameter}
    groups = [g for g in groups if others.items() <= g.setting.swept.items()]
    return sorted(groups, key=lambda group: float(group.setting.swept[parameter]))


def _values(group: Group, metric: str) -> list[float]:
    return list(group.values(metric).values())


def _levels(figure: FigureSpec, dataset: str, method: str, data: Aggregate) -> list[Place]:
    named = [(0.0, figure.base)] if figure.base else []
    levels = data.spec.metric(figure.metric).levels
    named += [(float(level), f"{figure.metric}@{level}") for level in levels]
    found = []
    for level, metric in named:
        cell = data.cell(dataset, method, metric)
        if cell is not None and cell.state != "not comparable":
            found.append(Place(cell.planned, level, list(cell.values.values())))
    return found


def logged(metric: str, dataset: str, method: str, data: Aggregate) -> tuple[list[Place], str]:
    """Return the values that the table's trials logged of ``metric``, at each step.

    None, and a note where there should be any, if the method does not log it or a run is missing. A
    run that diverged may stop logging: what it lacks is NaN, because the others alone would be
    survivors.
    """
    groups = [group for group in data.curve(dataset, method) if group.setting.in_table]
    records = [record for group in groups for record in group.records]
    finished = [record for record in records if record.state == "done"]
    logs = list(filter(None, (_logged(record, metric) for record in finished)))
    if not logs and len(finished) == len(records):
        return [], ""  # the method does not log this metric
    if len(logs) < len(records):
        return [], f"{wording.SYMBOLS['incomplete']} {len(logs)} of {len(records)} seeds finished"
    steps = sorted({step for log in logs for step in log})
    return [Place(len(logs), s, [log.get(s, math.nan) for log in logs]) for s in steps], ""


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


def _resplit(dataset: str, data: Aggregate) -> float:
    return dataset_entry(data.spec, dataset).resplit
