"""The tables as data, apart from any format: rows by role, one entry per cell, the best marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from repro.cells.aggregate import Aggregate, Cell, dataset_entry
from repro.planning.plan import Plan
from repro.report import wording
from repro.spec import Metric, Reported, TableSpec

if TYPE_CHECKING:
    from repro.cells.verdicts import CellVerdict

    #: (data set, method, metric) → what our cell says of the paper's number.
    Verdicts = Mapping[tuple[str, str, str], CellVerdict]


@dataclass(frozen=True)
class Column:
    """What a column holds: one metric on one data set.

    ``dataset``  empty where each row has its own
    ``printed``  whether the paper prints a number of it that ours is compared with
    """

    dataset: str
    metric: str
    label: str
    printed: bool = False


@dataclass(frozen=True)
class Mark:
    """A shape and its words, for a state or a verdict. ``sentence`` says more of a verdict."""

    symbol: str
    words: str
    sentence: str = ""

    @property
    def text(self) -> str:
        """Shape and words."""
        return f"{self.symbol} {self.words}".strip()


@dataclass(frozen=True)
class Entry:
    """One place of a table, in words.

    ``value`` and ``spread``  mean and half-width of its interval; empty where none may be shown
    ``state``      the cell's state in words; empty for a complete cell
    ``printed``    what the paper prints here
    ``verdict``    our cell against the paper's number, at the paper's own scale
    ``second``     the same of a second stage, from its seeds alone
    """

    cell: Cell | None
    value: str = ""
    spread: str = ""
    state: str = ""
    symbol: str = ""
    best: bool = False
    printed: Reported | None = None
    verdict: CellVerdict | None = None
    second: CellVerdict | None = None

    @property
    def reported(self) -> str:
        """The paper's number as printed; empty where it prints none."""
        if self.printed is None:
            return ""
        spread = self.printed.spread
        return self.printed.value + (f" ± {spread}" if spread else "")

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The cell's state and its verdict, each where there is one, nothing said twice.

        A verdict that the state explains gives its sentence to the state's words.
        """
        state, verdict = Mark(self.symbol, self.state), self.verdict
        if verdict is None:
            return (state,) if self.state else ()
        if self.state and verdict.verdict in ("not comparable", "single run"):
            return (replace(state, sentence=verdict.sentence), *self.later)
        judged = (_judged(verdict), *self.later)
        return (state, *judged) if self.state else judged

    @property
    def later(self) -> tuple[Mark, ...]:
        """The second stage's verdict, where there is one."""
        return (_judged(self.second, ", second stage"),) if self.second else ()

    @property
    def number(self) -> str:
        """Mean and half-width on one line, the best of a column marked; empty without a mean."""
        spread = f" ± {self.spread}" if self.spread else ""
        star = f" {wording.BEST}" if self.best else ""
        return f"{self.value}{spread}{star}" if self.value else ""

    @property
    def text(self) -> str:
        """The entry on one line."""
        return " ".join(filter(None, [self.number, *(mark.text for mark in self.marks)])) or "—"


def _judged(verdict: CellVerdict, stage: str = "") -> Mark:
    words = f"{verdict.verdict}{stage}"
    return Mark(wording.SYMBOLS[verdict.verdict], words, verdict.sentence)


@dataclass(frozen=True)
class Row:
    """One method's entries; ``dataset``: all on this one, empty where each column has its own."""

    method: str
    label: str
    role: str
    entries: tuple[Entry, ...]
    dataset: str = ""

    @property
    def measured(self) -> bool:
        """Whether the method measures anything of this table, or the paper prints a number."""
        return any(entry.cell is not None or entry.printed for entry in self.entries)


@dataclass(frozen=True)
class Table:
    """Methods × columns. ``groups`` are (title, rows) by role, empty ones left out.

    Or data sets × columns, of one method: ``of_one``.
    """

    title: str
    metric: Metric
    columns: tuple[Column, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    of_one: bool = False

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of the groups."""
        return [row for _, rows in self.groups for row in rows]

    @property
    def entries(self) -> list[Entry]:
        """All entries, row by row."""
        return [entry for row in self.rows for entry in row.entries]

    @property
    def has_best(self) -> bool:
        """Whether an entry is marked as the best of its column."""
        return any(entry.best for entry in self.entries)

    @property
    def says_anything(self) -> bool:
        """Whether a cell has, or may come to have, a value that is compared; or the paper has."""
        return any(
            entry.printed or (entry.cell and entry.cell.state != "not comparable")
            for entry in self.entries
        )

    @property
    def states(self) -> list[str]:
        """The states, other than complete, and the verdicts that a reader meets in this table."""
        found = {entry.cell.state for entry in self.entries if entry.cell} - {"complete"}
        judged = [v for entry in self.entries for v in (entry.verdict, entry.second) if v]
        verdicts = {verdict.verdict for verdict in judged}
        return [word for word in wording.SYMBOLS if word in found | verdicts]


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
        (method, dataset): None
        for method in plan.methods
        for dataset in plan.datasets
        if any(data.cell(dataset, method, metric) for metric in metrics)
    }
    datasets = [dataset for _, dataset in measured]
    if len({method for method, _ in measured}) == 1 and len(datasets) > 1:
        (method,) = {method for method, _ in measured}
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
