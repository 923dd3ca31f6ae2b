"""A table as data, apart from any format: rows by role, one entry per cell, the best marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.cells.aggregate import Cell
from repro.report import wording
from repro.spec import Metric, Reported

if TYPE_CHECKING:
    from repro.cells.verdicts import CellVerdict


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
