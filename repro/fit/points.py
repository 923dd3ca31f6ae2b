"""Reading points from a CSV file: the named columns, checked cell by cell."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.curves.forms import Numbers
from repro.errors import UserError, did_you_mean

#: What a column may hold; each is an option of the verb, whose value is the column's name.
PARAMETERS, TOKENS, COMPUTE, LOSS, SEED = "parameters", "tokens", "compute", "loss", "seed"
#: Those that count something.
COUNTS = (PARAMETERS, TOKENS, COMPUTE)


@dataclass(frozen=True)
class Points:
    """Points of a file, (points,) each.

    ``columns``  name of each column that was read, by what it holds
    ``numbers``  its values, without the seed's
    ``seeds``    which points belong together, as they are written; ``None`` without such a column
    """

    path: Path
    columns: dict[str, str]
    numbers: dict[str, Numbers]
    seeds: tuple[str, ...] | None

    def __len__(self) -> int:
        return self.numbers[LOSS].size

    def without_highest(self, count: int) -> Points:
        """Return the points without the ``count`` of highest loss; of equals, the first stay."""
        order = np.argsort(self.numbers[LOSS], kind="stable")
        kept = np.sort(order[: len(self) - count])
        seeds = None if self.seeds is None else tuple(self.seeds[index] for index in kept)
        numbers = {what: column[kept] for what, column in self.numbers.items()}
        return Points(self.path, self.columns, numbers, seeds)


def read_points(path: Path, columns: Mapping[str, str], positive: Collection[str]) -> Points:
    """Return the named ``columns`` of a CSV file with a header, by what they hold.

    Values must be finite, and above 0 for what ``positive`` has. What is wrong is a ``UserError``
    that names file, line and column; a line that is blank is passed over.
    """
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first name.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            places = _places(path, next(rows, []), columns)
            lines = list(_lines(path, rows, max(places.values())))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {_reason(path, error)}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8: save the table as CSV in UTF-8") from error
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num}: {error}: mend the line") from error
    if not lines:
        raise UserError(f"{path}: no line follows the header: a point per line is needed")
    cells = {
        what: [(line, row[place].strip()) for line, row in lines] for what, place in places.items()
    }
    numbers = {
        what: np.array(
            [_number(path, line, columns[what], cell, what in positive) for line, cell in column]
        )
        for what, column in cells.items()
        if what != SEED
    }
    seeds = _seeds(path, columns[SEED], cells[SEED]) if SEED in columns else None
    return Points(path, dict(columns), numbers, seeds)


def _reason(path: Path, error: OSError) -> str:
    if path.is_dir():
        return "it is a folder; give a CSV file"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return (error.strerror or str(error)).lower()


def _places(path: Path, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    names = [name.strip() for name in header]
    if not any(names):
        raise UserError(f"{path}: the first line is empty: it must name the columns")
    for what, name in columns.items():
        if name not in names and len(names) == 1 and (other := _separator(names[0])):
            raise UserError(
                f"{path}: the first line has {other} and no commas: save the table as CSV with "
                "commas between its columns"
            )
        if name not in names:
            raise UserError(f"{path}: no column {name!r} for --{what}{did_you_mean(name, names)}")
        if names.count(name) > 1:
            raise UserError(f"{path}: {names.count(name)} columns are called {name!r}: rename them")
    return {what: names.index(name) for what, name in columns.items()}


def _separator(header: str) -> str:
    """Return what else than a comma separates the columns of a header, in words; "" if nothing."""
    return next(
        (word for mark, word in (("\t", "tabs"), (";", "semicolons")) if mark in header), ""
    )


def _lines(path: Path, rows: Iterator[list[str]], last: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each line that is not blank, with its number in the file."""
    for row in rows:
        line: int = rows.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= last:
            raise UserError(
                f"{path}, line {line}: {len(row)} cells, but column {last + 1} is asked for; "
                f"complete or remove the line"
            )
        yield line, row


def _number(path: Path, line: int, name: str, cell: str, positive: bool) -> float:
    place = f"{path}, line {line}: column {name!r}"
    try:
        # Python's own separator: a table that has it means something else.
        value = float(cell if "_" not in cell else "")
    except ValueError:
        shown = f"holds {cell!r}, which is not a number" if cell else "is empty"
        raise UserError(f"{place} {shown}; mend the cell or remove the line") from None
    if not math.isfinite(value):
        raise UserError(f"{place} holds {cell}; every point needs finite numbers: remove the line")
    if positive and value <= 0:
        raise UserError(f"{place} holds {cell}, but its logarithm is taken: it must be above 0")
    return value


def _seeds(path: Path, name: str, cells: list[tuple[int, str]]) -> tuple[str, ...]:
    for line, cell in cells:
        if not cell:
            raise UserError(
                f"{path}, line {line}: column {name!r} is empty; every point needs a seed"
            )
    return tuple(cell for _, cell in cells)
