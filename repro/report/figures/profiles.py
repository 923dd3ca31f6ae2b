"""The panel of ``profile``: the share of a method's runs that are better than a threshold."""

from __future__ import annotations

from collections.abc import Sequence

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.cells.pooled_runs import pool_runs
from repro.cells.profiles import ProfilePoint, profile
from repro.planning.plan import Plan
from repro.report import wording
from repro.report.figures.content import Panel, Point, Series
from repro.report.figures.spec import FigureSpec
from repro.spec import Overall


def content(
    figure: FigureSpec, methods: Sequence[str], plan: Plan, data: Aggregate
) -> tuple[list[Panel], list[str]]:
    """Return the one panel, and in words what is not in it.

    A method of which a run is outstanding has no curve: its shares would move. Diverged runs are in
    the curves, as better than nothing.
    """
    entry = next(entry for entry in plan.spec.overall if entry.id == figure.overall)
    reasons = {method: _reason(entry, method, plan, data) for method in methods}
    whole = [method for method, reason in reasons.items() if not reason]
    curves = profile(
        plan,
        data,
        entry.metric,
        methods=whole,
        datasets=entry.datasets,
        relative_to=entry.relative_to,
    )
    label = {method: plan.spec.methods[method].label for method in methods}
    left_out = [f"{label[m]} is left out: {reason}" for m, reason in reasons.items() if reason]
    series = tuple(_series(method, label[method], points) for method, points in curves.items())
    return ([Panel("", series)] if series else []), [*left_out, *_notes(entry, whole, plan, data)]


def _series(method: str, label: str, points: Sequence[ProfilePoint]) -> Series:
    marks = (Point(p.threshold, p.share, y_interval=(p.low, p.high)) for p in points)
    return Series(method, label, tuple(marks))


def _reason(entry: Overall, method: str, plan: Plan, data: Aggregate) -> str:
    """Return why a method has no curve; nothing where it has one."""
    for dataset in plan.datasets if entry.datasets is None else entry.datasets:
        for name in filter(None, (method, entry.relative_to)):
            cell = data.cell(dataset, name, entry.metric)
            if cell is not None and cell.state in ("incomplete", "failed", "stale"):
                place = dataset_entry(plan.spec, dataset).label
                whose = "" if name == method else f"{plan.spec.methods[name].label}, "
                return f"{whose}{wording.state_label(cell)} on {place}"
    pooled = pool_runs(
        plan, data, entry.metric, method, datasets=entry.datasets, reference=entry.relative_to
    )
    return pooled.problem or (pooled.log_problem if entry.relative_to else "")


def _notes(entry: Overall, methods: Sequence[str], plan: Plan, data: Aggregate) -> list[str]:
    """Return what the curves of all methods leave out, each once."""
    pooled = (
        pool_runs(plan, data, entry.metric, m, datasets=entry.datasets, reference=entry.relative_to)
        for m in methods
    )
    return list(dict.fromkeys(note for one in pooled for note in one.notes))
