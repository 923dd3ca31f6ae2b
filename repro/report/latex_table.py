r"""A table as LaTeX ``tabular`` environments: booktabs rules, numbers aligned by siunitx.

Each data set has up to three columns: the paper's number as printed, ours with its interval, and
the marks in words. A table that is wider than a page is cut into several, by data sets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repro.report import wording
from repro.report.latex_text import Tex, escape, prose
from repro.report.table import Entry, Mark, Row, Table

#: Widths in digits of the table's font that fit on a page of 17 cm, and between two columns.
_PAGE, _GAP = 104.0, 2.0
#: Width of a letter, in the table's font and in the smaller one of the marks, against a digit.
_LETTER, _SMALL_LETTER = 0.95, 0.8

#: What all columns share. siunitx sets a column's own options anew for each cell, which would take
#: half of the time that a report takes.
SETUP = Tex(
    r"\sisetup{uncertainty-mode=separate, table-align-uncertainty=false, "
    r"table-align-text-post=false}"
)

STAR = Tex(r"{$^\star$}")


@dataclass(frozen=True)
class _Part:
    """One column of a ``tabular``: what siunitx must know, its heading, a text for each row."""

    kind: str
    heading: str
    cells: tuple[Tex, ...]
    width: float


@dataclass(frozen=True)
class _Block:
    """The columns that belong to one heading, mostly a data set."""

    heading: str
    parts: tuple[_Part, ...]

    @property
    def width(self) -> float:
        """Width in digits."""
        inside = sum(part.width + _GAP for part in self.parts)
        return max(inside, len(self.heading) * _LETTER + _GAP)


def tabulars(table: Table) -> list[Tex]:
    """Return the table in as few ``tabular`` environments as fit a page, one below the other."""
    blocks = [_block(table, index) for index in range(len(table.columns))]
    labels = max((len(row.label) for row in table.rows), default=0) * _LETTER
    return [_tabular(table, group) for group in _fitting(blocks, _PAGE - labels)]


def is_number(text: str) -> bool:
    """Say whether siunitx can align ``text`` on its decimal point."""
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def number_column(values: Iterable[str], spreads: Iterable[str] = (), *, star: bool = False) -> str:
    """Return an ``S`` column wide enough for ``values``, each with one of ``spreads`` or none."""
    numbers = [value for value in values if is_number(value)]
    if not numbers:
        return "c"
    whole = max(len(value.lstrip("-").partition(".")[0]) for value in numbers)
    decimals = max(len(value.partition(".")[2]) for value in numbers)
    digits = max((_digits(spread) for spread in spreads if is_number(spread)), default=0)
    sign = "-" if any(value.startswith("-") for value in numbers) else ""
    number = f"{sign}{whole}" + (f".{decimals}" if decimals else "")
    room = r", table-space-text-post={$^\star$}" if star else ""
    return f"S[table-format={number}{f'({digits})' if digits else ''}{room}]"


def number_cell(value: str, spread: str = "") -> Tex:
    """Return a number for an ``S`` column; what is none stands as text in the column's middle."""
    if not is_number(value):
        return Tex(f"{{{prose(value)}}}")
    if not spread:
        return Tex(value)
    if not is_number(spread):
        return Tex(f"{{{prose(value)}}}")
    if len(spread.partition(".")[2]) > len(value.partition(".")[2]):
        # siunitx would add zeros to the value, and printed precision is data.
        return Tex(rf"{{\ensuremath{{{value} \pm {spread}}}}}")
    return Tex(rf"{value} \pm {spread}")


def mark_text(marks: Iterable[Mark]) -> Tex:
    """Return shapes and words, in a smaller font."""
    words = ", ".join(escape(mark.text) for mark in marks)
    return Tex(rf"\footnotesize {words}" if words else "")


def _digits(spread: str) -> int:
    """Return the digits that siunitx counts of an uncertainty."""
    return len(spread.replace(".", "").lstrip("0")) or 1


def _block(table: Table, index: int) -> _Block:
    column = table.columns[index]
    entries = [row.entries[index] for row in table.rows]
    parts = [_printed(entries)] if column.printed else []
    parts.append(_ours(entries, "Ours" if column.printed else ""))
    if any(entry.marks for entry in entries):
        parts.append(_marks(entries))
    return _Block(column.label, tuple(parts))


def _printed(entries: Sequence[Entry]) -> _Part:
    printed = [(e.printed.value, e.printed.spread) if e.printed else ("—", "") for e in entries]
    values, spreads = zip(*printed, strict=True)
    cells = tuple(number_cell(*pair) for pair in printed)
    return _Part(number_column(values, spreads), "Paper", cells, _width(values, spreads))


def _ours(entries: Sequence[Entry], heading: str) -> _Part:
    values = [entry.value for entry in entries]
    spreads = [entry.spread for entry in entries]
    star = any(entry.best for entry in entries)
    cells = tuple(_number(entry) for entry in entries)
    width = _width(values, spreads) + star
    return _Part(number_column(values, spreads, star=star), heading, cells, width)


def _number(entry: Entry) -> Tex:
    number = number_cell(entry.value or "—", entry.spread)
    return Tex(number + STAR) if entry.best else number


def _marks(entries: Sequence[Entry]) -> _Part:
    words = [", ".join(mark.text for mark in entry.marks) for entry in entries]
    width = max(map(len, words)) * _SMALL_LETTER
    return _Part("l", "", tuple(mark_text(entry.marks) for entry in entries), width)


def _width(values: Sequence[str], spreads: Sequence[str]) -> float:
    widest = max(map(len, values), default=0)
    spread = max(map(len, spreads), default=0)
    return widest + (spread + 2 if spread else 0)


def _fitting(blocks: Sequence[_Block], room: float) -> list[Sequence[_Block]]:
    """Return the blocks in groups of equal size, as few as keep each within ``room``."""
    for groups in range(1, len(blocks) + 1):
        size = math.ceil(len(blocks) / groups)
        cut = [blocks[start : start + size] for start in range(0, len(blocks), size)]
        if all(sum(block.width for block in group) <= room for group in cut):
            return cut
    return [[block] for block in blocks]


def _tabular(table: Table, blocks: Sequence[_Block]) -> Tex:
    parts = [part for block in blocks for part in block.parts]
    lines = [rf"\begin{{tabular}}{{@{{}}l{''.join(part.kind for part in parts)}@{{}}}}"]
    lines += [r"\toprule", *_headings(blocks), r"\midrule"]
    cells = zip(*(part.cells for part in parts), strict=True)
    for number, (heading, rows) in enumerate(table.groups):
        lines += [r"\addlinespace"] if number else []
        lines.append(
            rf"\multicolumn{{{len(parts) + 1}}}{{@{{}}l}}{{\itshape {escape(heading)}}} \\"
        )
        lines += [_line(row, next(cells)) for row in rows]
    return Tex("\n".join([*lines, r"\bottomrule", r"\end{tabular}"]))


def _line(row: Row, cells: Sequence[Tex]) -> str:
    return " & ".join([escape(row.label), *cells]) + r" \\"


def _headings(blocks: Sequence[_Block]) -> list[str]:
    """Return one line of data sets, and where the paper's numbers stand beside ours a second."""
    first = [rf"\multicolumn{{{len(b.parts)}}}{{c}}{{{escape(b.heading)}}}" for b in blocks]
    lines = [" & ".join(["", *first]) + r" \\"]
    if any(part.heading for block in blocks for part in block.parts):
        lines += ["".join(_rules(blocks))]
        second = [f"{{{escape(part.heading)}}}" for block in blocks for part in block.parts]
        lines.append(" & ".join(["", *second]) + r" \\")
    return lines


def _rules(blocks: Sequence[_Block]) -> Iterable[str]:
    start = 2
    for block in blocks:
        yield rf"\cmidrule(lr){{{start}-{start + len(block.parts) - 1}}}"
        start += len(block.parts)


def legend(table: Table) -> Tex:
    """Return what the numbers mean, and the star where there is one, for a caption."""
    star = rf" $\star$ {escape(wording.BEST_MEANS)}." if table.has_best else ""
    return Tex(f"{prose(wording.MEANS)}{star}")
