"""The tables of a report, filled from the aggregate: which there are, and what stands in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from repro.cells.aggregate import Aggregate, Cell, dataset_entry
from repro.planning.plan import Plan
from repro.report import wording
from repro.report.table import Column, Entry, Row, Table
from repro.spec import TableSpec

if TYPE_CHECKING:
    from repro.cells.verdicts import CellVerdict

    #: (data set, method, metric) → what our cell says of the paper's number.
    Verdicts = Mapping[tuple[str, str, str], CellVerdict]


@dataclass(frozen=True)
class Judged:
    """Cells against the paper's numbers: the first stage's verdicts, and a second stage's."""

    first: Verdicts = field(default_factory=dict)
    second: Verdicts = field(default_factory=dict)


def headline_tables(plan: Plan, data: Aggregate, verdicts: Judged) -> list[Table]:
    """Return one table of methods × data sets for each metric that the spec puts in the table."""
    names = [name for name in plan.spec.metric_names() if plan.spec.metric(name).table]
    tables = [_by_dataset(plan, data, name, verdicts) for name in names]
    return [table for table in tables if table.columns] or tables[:1]


def other_tables(plan: Plan, data: Aggregate, verdicts: Judged) -> list[Table]:
    """Return the tables of all other metrics: by data set, or by level on each data set.

    Some may say nothing: :attr:`Table.says_anything`.
    """
    tables = []
    for name, metric in plan.spec.metrics.items():
        if metric.table:
            continue
        if metric.levels:
            tables += _by_level(plan, data, name, verdicts)
        else:
            tables.append(_by_dataset(plan, data, name, verdicts))
    return tables


def make_table(
    plan: Plan,
    data: Aggregate,
    title: str,
    columns: Sequence[Column],
    verdicts: Judged,
) -> Table:
    """Return the table of all planned methods over ``columns``; unmeasured columns left out.

    So are methods that measure none of them, where others do.
    """
    measured = [c for c in columns if any(data.cell(c.dataset, m, c.metric) for m in plan.methods)]
    maker = _EntryMaker(plan, data, verdicts)
    groups = []
    for role, heading in wording.ROLES.items():
        every = (
            _row(maker, method, measured)
            for method in plan.methods
            if plan.spec.methods[method].role == role
        )
        rows = tuple(row for row in every if row.measured or not measured)
        if rows:
            groups.append((heading, rows))
    metric = plan.spec.metric(columns[0].metric)
    return Table(title, metric, tuple(measured), tuple(groups))


def _by_dataset(plan: Plan, data: Aggregate, metric: str, verdicts: Judged) -> Table:
    columns = [
        Column(d, metric, dataset_entry(plan.spec, d).label, _compared(plan, d, metric))
        for d in plan.datasets
    ]
    level = metric.partition("@")[2]
    title = wording.metric_title(plan.spec.metric(metric)) + (f", at {level}" if level else "")
    return make_table(plan, data, title, columns, verdicts)


def _by_level(plan: Plan, data: Aggregate, name: str, verdicts: Judged) -> list[Table]:
    """Return a table of methods × levels for each data set.

    Where a single method measures the metric, on several data sets: one of data sets × levels.
    """
    metrics = [f"{name}@{level}" for level in plan.spec.metrics[name].levels]
    measured = {
        method: datasets
        for method in plan.methods
        if (datasets := [d for d in plan.datasets if any(data.cell(d, method, m) for m in metrics)])
    }
    (method, datasets), *others = measured.items() or [("", [])]
    if not others and len(datasets) > 1:
        return [_of_one_method(plan, data, name, method, datasets, verdicts)]
    return [_of_one_dataset(plan, data, name, dataset, verdicts) for dataset in plan.datasets]


def _of_one_dataset(
    plan: Plan, data: Aggregate, name: str, dataset: str, verdicts: Judged
) -> Table:
    entry = plan.spec.metrics[name]
    columns = [
        Column(dataset, f"{name}@{level}", level, _compared(plan, dataset, f"{name}@{level}"))
        for level in entry.levels
    ]
    title = f"{wording.metric_title(entry)} — {dataset_entry(plan.spec, dataset).label}"
    return make_table(plan, data, title, columns, verdicts)


def _of_one_method(
    plan: Plan,
    data: Aggregate,
    name: str,
    method: str,
    datasets: Sequence[str],
    verdicts: Judged,
) -> Table:
    maker, entry = _EntryMaker(plan, data, verdicts), plan.spec.metrics[name]
    columns = tuple(
        Column("", metric, level, any(_compared(plan, dataset, metric) for dataset in datasets))
        for level in entry.levels
        for metric in [f"{name}@{level}"]
        if any(data.cell(dataset, method, metric) for dataset in datasets)
    )
    role = plan.spec.methods[method].role
    rows = tuple(
        Row(
            method,
            dataset_entry(plan.spec, dataset).label,
            role,
            tuple(maker.entry(method, dataset, column.metric) for column in columns),
            dataset,
        )
        for dataset in datasets
    )
    groups = ((plan.spec.methods[method].label, rows),)
    return Table(wording.metric_title(entry), entry, columns, groups, of_one=True)


def _compared(plan: Plan, dataset: str, metric: str) -> bool:
    """Say whether the paper prints a number of this column, and the scale is the paper's."""
    printed = {(entry.dataset, entry.metric) for entry in plan.spec.reported}
    return plan.scale_name == "paper" and (dataset, metric) in printed


def _row(maker: _EntryMaker, method: str, columns: Sequence[Column]) -> Row:
    entry = maker.plan.spec.methods[method]
    entries = tuple(maker.entry(method, column.dataset, column.metric) for column in columns)
    return Row(method, entry.label, entry.role, entries)


class _EntryMaker:
    """Makes the entries of a table: one cell, its words, and the paper's number."""

    def __init__(self, plan: Plan, data: Aggregate, verdicts: Judged) -> None:
        self.plan = plan
        self._data = data
        self._verdicts = verdicts
        self._printed = {(r.dataset, r.method, r.metric): r for r in plan.spec.reported}
        self._best: dict[tuple[str, str], float | None] = {}

    def entry(self, method: str, dataset: str, metric: str) -> Entry:
        key = (dataset, method, metric)
        cell, printed = self._data.cell(*key), self._printed.get(key)
        if cell is None:
            return Entry(None, printed=printed)
        entry = Entry(
            cell,
            state=wording.state_label(cell),
            symbol=wording.SYMBOLS[cell.state],
            printed=printed,
            verdict=self._verdicts.first.get(key),
            second=self._verdicts.second.get(key),
        )
        return self._with_number(entry, cell)

    def _with_number(self, entry: Entry, cell: Cell) -> Entry:
        spec = self.plan.spec
        if cell.summary is None or cell.state == "not comparable":
            return entry
        decimals = spec.metric(cell.metric).decimals
        width = cell.summary.half_width
        return replace(
            entry,
            value=wording.number(cell.summary.mean, decimals),
            spread="" if width is None else wording.number(width, decimals),
            best=_may_be_best(spec, cell) and cell.summary.mean == self._best_of(cell),
        )

    def _best_of(self, cell: Cell) -> float | None:
        place = (cell.dataset, cell.metric)
        if place not in self._best:
            self._best[place] = _best(self.plan, self._data, *place)
        return self._best[place]


def _may_be_best(spec: TableSpec, cell: Cell) -> bool:
    """Say whether a cell competes: finished, and of a method rather than of a control."""
    finished = cell.state in ("complete", "single run")
    return finished and spec.methods[cell.method].role != "control"


def _best(plan: Plan, data: Aggregate, dataset: str, metric: str) -> float | None:
    """Return the best mean of several methods; who is alone is not the best of anything."""
    better = plan.spec.metric(metric).better
    cells = [data.cell(dataset, method, metric) for method in plan.methods]
    rivals = [c for c in cells if c and plan.spec.methods[c.method].role != "control"]
    # While a rival is unfinished, the best of the others may not be the best.
    finished = all(_may_be_best(plan.spec, cell) for cell in rivals)
    if better == "neither" or len(rivals) < 2 or not finished:
        return None
    means = [cell.summary.mean for cell in rivals if cell.summary]
    if not means:
        return None
    return min(means) if better == "lower" else max(means)
