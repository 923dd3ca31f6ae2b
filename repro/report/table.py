"""The tables as data, apart from any format: rows by role, one entry per cell, the best marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.aggregate import Aggregate, Cell, dataset_entry
from repro.plan import Plan
from repro.report import wording
from repro.spec import Metric, TableSpec


@dataclass(frozen=True)
class Column:
    """What a column holds: one metric on one data set."""

    dataset: str
    metric: str
    label: str


@dataclass(frozen=True)
class Entry:
    """One place of a table, in words.

    ``value`` and ``spread``  mean and half-width of its interval; empty where none may be shown
    ``state``      the cell's state in words; empty for a complete cell
    ``reported``   the paper's number as printed
    """

    cell: Cell | None
    value: str = ""
    spread: str = ""
    state: str = ""
    symbol: str = ""
    best: bool = False
    reported: str = ""

    @property
    def text(self) -> str:
        """The entry on one line."""
        if self.cell is None and not self.reported:
            return "—"
        spread = f" ± {self.spread}" if self.spread else ""
        star = f" {wording.BEST}" if self.best else ""
        state = f"{self.symbol} {self.state}".strip()
        return f"{self.value}{spread}{star} {state}".strip() or "—"


@dataclass(frozen=True)
class Row:
    """One method's entries."""

    method: str
    label: str
    role: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Table:
    """Methods × columns. ``groups`` are (title, rows) by role, empty ones left out."""

    title: str
    metric: Metric
    columns: tuple[Column, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of the groups."""
        return [row for _, rows in self.groups for row in rows]

    @property
    def states(self) -> list[str]:
        """The states, other than complete, that a reader meets in this table."""
        cells = [entry.cell for row in self.rows for entry in row.entries if entry.cell]
        found = {cell.state for cell in cells} - {"complete"}
        return [state for state in wording.SYMBOLS if state in found]


def headline_tables(plan: Plan, data: Aggregate) -> list[Table]:
    """Return one table of methods × data sets for each metric that the spec puts in the table."""
    names = [name for name in plan.spec.metric_names() if plan.spec.metric(name).table]
    tables = [_by_dataset(plan, data, name) for name in names]
    return [table for table in tables if table.columns] or tables[:1]


def other_tables(plan: Plan, data: Aggregate) -> list[Table]:
    """Return the tables of all other metrics: by data set, or by level on each data set."""
    tables = []
    for name, metric in plan.spec.metrics.items():
        if metric.table:
            continue
        if metric.levels:
            tables += [_by_level(plan, data, name, dataset) for dataset in plan.datasets]
        else:
            tables.append(_by_dataset(plan, data, name))
    return [table for table in tables if table.columns]


def make_table(
    plan: Plan, data: Aggregate, title: str, metric: Metric, columns: Sequence[Column]
) -> Table:
    """Return the table of all planned methods over ``columns``; unmeasured columns left out."""
    measured = [c for c in columns if any(_cell(data, m, c) for m in plan.methods)]
    best = {column: _best(plan, data, column) for column in measured}
    groups = []
    for role, heading in wording.ROLES.items():
        rows = tuple(
            _row(plan.spec, data, method, measured, best)
            for method in plan.methods
            if plan.spec.methods[method].role == role
        )
        if rows:
            groups.append((heading, rows))
    return Table(title, metric, tuple(measured), tuple(groups))


def _by_dataset(plan: Plan, data: Aggregate, metric: str) -> Table:
    entry = plan.spec.metric(metric)
    columns = [Column(d, metric, dataset_entry(plan.spec, d).label) for d in plan.datasets]
    level = metric.partition("@")[2]
    title = wording.metric_title(entry) + (f", at {level}" if level else "")
    return make_table(plan, data, title, entry, columns)


def _by_level(plan: Plan, data: Aggregate, name: str, dataset: str) -> Table:
    entry = plan.spec.metrics[name]
    columns = [Column(dataset, f"{name}@{level}", level) for level in entry.levels]
    title = f"{wording.metric_title(entry)} — {dataset_entry(plan.spec, dataset).label}"
    return make_table(plan, data, title, entry, columns)


def _cell(data: Aggregate, method: str, column: Column) -> Cell | None:
    return data.cell(column.dataset, method, column.metric)


def _row(
    spec: TableSpec,
    data: Aggregate,
    method: str,
    columns: Sequence[Column],
    best: dict[Column, float | None],
) -> Row:
    entries = tuple(_entry(spec, data, method, column, best[column]) for column in columns)
    return Row(method, spec.methods[method].label, spec.methods[method].role, entries)


def _entry(
    spec: TableSpec, data: Aggregate, method: str, column: Column, best: float | None
) -> Entry:
    cell = _cell(data, method, column)
    reported = _reported(spec, method, column)
    if cell is None:
        return Entry(None, reported=reported)
    state, symbol = wording.state_label(cell), wording.SYMBOLS[cell.state]
    if cell.summary is None or cell.state == "not comparable":
        return Entry(cell, state=state, symbol=symbol, reported=reported)
    decimals = spec.metric(column.metric).decimals
    width = cell.summary.half_width
    return Entry(
        cell,
        value=wording.number(cell.summary.mean, decimals),
        spread="" if width is None else wording.number(width, decimals),
        state=state,
        symbol=symbol,
        best=_may_be_best(spec, cell) and cell.summary.mean == best,
        reported=reported,
    )


def _may_be_best(spec: TableSpec, cell: Cell) -> bool:
    """Say whether a cell competes: finished, and of a method rather than of a control."""
    finished = cell.state in ("complete", "single run")
    return finished and spec.methods[cell.method].role != "control"


def _best(plan: Plan, data: Aggregate, column: Column) -> float | None:
    better = plan.spec.metric(column.metric).better
    cells = [_cell(data, method, column) for method in plan.methods]
    means = [c.summary.mean for c in cells if c and c.summary and _may_be_best(plan.spec, c)]
    if not means or better == "neither":
        return None
    return min(means) if better == "lower" else max(means)


def _reported(spec: TableSpec, method: str, column: Column) -> str:
    for printed in spec.reported:
        if (printed.dataset, printed.method, printed.metric) == (
            column.dataset,
            method,
            column.metric,
        ):
            return printed.value + (f" ± {printed.spread}" if printed.spread else "")
    return ""
