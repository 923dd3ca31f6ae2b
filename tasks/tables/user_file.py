"""A user's own table, CSV or ARFF: read and checked before anything is trained."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from repro.errors import UserError, did_you_mean
from repro.files import sha256_of_file

if TYPE_CHECKING:
    import pandas

PREFIX = "file:"
FEWEST_ROWS = 50
MOST_CATEGORIES = 20

FloatArray = npt.NDArray[np.floating[Any]]


def is_user_file(dataset: str) -> bool:
    """Say whether ``dataset`` names a file rather than a known set."""
    return dataset.startswith(PREFIX)


def identity_of_file(dataset: str) -> str:
    """Return ``file:<sha256>[?target=<column>]``: the test fold must not depend on the path."""
    path, target = _path_and_target(dataset)
    return f"{PREFIX}{sha256_of_file(path)}" + (f"?target={target}" if target else "")


@dataclass(frozen=True)
class UserTable:
    """A user's table, read and checked, but for what a task asks of the target.

    ``inputs``  (n, d), float64
    ``target``  (n,): the column as it was read; its index tells the row in the file
    """

    path: Path
    inputs: FloatArray
    target: pandas.Series[Any]


def read_user_table(dataset: str) -> UserTable:
    """Return inputs and target of ``file:<path>[?target=<column>]``.

    A CSV file (also gzipped) needs a header; ARFF is known by its suffix. The target is the named
    column, otherwise the last. An input that is not numeric becomes 0/1 columns, one for each of
    its at most 20 values, in sorted order. At least 50 rows; no empty or non-finite cell. What is
    wrong otherwise is a ``UserError`` that names file, column and line.
    """
    path, target = _path_and_target(dataset)
    table = _read(path)
    if len(table.columns) < 2:
        raise UserError(
            f"{path}: only one column ({table.columns[0]!r}); a comma must separate the columns, "
            f"and there must be at least one input beside the target"
        )
    if len(table) < FEWEST_ROWS:
        raise UserError(f"{path}: {len(table)} rows; at least {FEWEST_ROWS} are needed")
    name = _target_name(path, target, list(table.columns))
    return UserTable(path, _inputs(path, table.drop(columns=[name])), table[name])


def numeric_target(table: UserTable) -> FloatArray:
    """Return the target as (n,) numbers that are not all the same; else ``UserError``."""
    if not _is_numeric(table.target):
        _refuse_text(table.path, table.target, "the target must be numeric")
    values = _finite(table.path, table.target)
    if np.ptp(values) == 0:
        raise UserError(f"{table.path}: the target {table.target.name!r} is the same in every row")
    return values


def class_target(table: UserTable, most_classes: int) -> npt.NDArray[np.intp]:
    """Return the target as (n,) classes 0 … k-1, in the sorted order of its values.

    Raises ``UserError`` for an empty cell, for one class alone, and for more than ``most_classes``.
    """
    path, column = table.path, table.target
    if column.isna().any():
        _refuse_cell(path, column, int(np.argmax(column.isna())))
    if _is_numeric(column):
        _finite(path, column)
    values, classes = np.unique(column.to_numpy(), return_inverse=True)
    if len(values) < 2:
        raise UserError(f"{path}: the target {column.name!r} is the same in every row")
    if len(values) > most_classes:
        raise UserError(
            f"{path}: the target {column.name!r} has {len(values)} different values, and each "
            f"would be an arm (at most {most_classes}); name a column of classes: "
            f"file:<path>?target=<column>"
        )
    return classes.astype(np.intp)


def _path_and_target(dataset: str) -> tuple[Path, str]:
    name, question, option = dataset.removeprefix(PREFIX).partition("?")
    key, _, target = option.partition("=")
    if question and (key != "target" or not target):
        raise UserError(
            f"{dataset}: {'?' + option!r} is not known; write file:<path>?target=<column>"
        )
    path = Path(name).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise UserError(f"{path}: {what}; give a CSV or ARFF file as file:<path>")
    return path, target


def _read(path: Path) -> pandas.DataFrame:
    try:
        return _read_arff(path) if path.suffix.lower() == ".arff" else _read_csv(path)
    except UserError:
        raise
    except Exception as error:  # a damaged file may lead the readers to any error
        reason = (str(error).strip() or "it ends too early").splitlines()[0]
        raise UserError(f"{path}: cannot be read as a table: {reason}") from error


def _read_csv(path: Path) -> pandas.DataFrame:
    import pandas

    header = pandas.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
    _check_header(path, header.iloc[0].tolist())
    with warnings.catch_warnings():
        # A row longer than the header would lose its last cells with no more than a warning.
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        table = pandas.read_csv(
            path, index_col=False, skip_blank_lines=False, skipinitialspace=True, low_memory=False
        )
    # Blank lines are counted, so that errors name the right line, and only then dropped.
    return table.dropna(how="all").infer_objects()


def _check_header(path: Path, cells: list[str]) -> None:
    if all(_is_number(cell) for cell in cells):
        raise UserError(
            f"{path}: the first line holds numbers alone; put a line with the columns' names first"
        )
    if "" in (cell.strip() for cell in cells):
        nameless = [cell.strip() for cell in cells].index("") + 1
        raise UserError(
            f"{path}: column {nameless} has no name in the first line; name it, or remove it if it "
            f"is only a row number"
        )


def _read_arff(path: Path) -> pandas.DataFrame:
    import pandas
    from scipy.io import arff

    rows, _ = arff.loadarff(path)
    table = pandas.DataFrame(rows)
    for name in table.columns:
        if table[name].dtype == object:
            table[name] = table[name].str.decode("utf-8").replace("?", None)
    return table


def _target_name(path: Path, target: str, columns: list[str]) -> str:
    if target and target not in columns:
        raise UserError(f"{path}: no column {target!r}{did_you_mean(target, columns)}")
    return target or columns[-1]


def _inputs(path: Path, table: pandas.DataFrame) -> FloatArray:
    columns = [_encoded(path, table[name]) for name in table.columns]
    return np.column_stack(columns)


def _encoded(path: Path, column: pandas.Series[Any]) -> FloatArray:
    """Return a numeric column as it is, another as one 0/1 column for each of its values."""
    if _is_numeric(column):
        return _finite(path, column)
    if column.isna().any():
        _refuse_cell(path, column, int(np.argmax(column.isna())))
    values = sorted(column.unique())
    # "3.5 kg" among numbers is a damaged number, not a category.
    if sum(_is_number(value) for value in values) > len(values) / 2:
        _refuse_text(path, column, "mend the cell or remove the row")
    if len(values) > MOST_CATEGORIES:
        _refuse_text(
            path,
            column,
            f"and with {len(values)} different values (at most {MOST_CATEGORIES}) the column is "
            f"no category either: encode it or remove it",
        )
    return np.column_stack([(column == value).to_numpy(np.float64) for value in values])


def _finite(path: Path, column: pandas.Series[Any]) -> FloatArray:
    # Through text, because a whole number of more than 308 digits is inf there, not an error.
    cells = column if column.dtype.kind in "biuf" else column.map(lambda cell: float(str(cell)))
    values: FloatArray = cells.to_numpy(dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        _refuse_cell(path, column, int(np.argmin(finite)))
    return values


def _is_numeric(column: pandas.Series[Any]) -> bool:
    """Say whether every cell is a number, or empty; also where they were read as text.

    Whole numbers beyond 64 bits are, and so are the values of an ARFF attribute ``{0, 1}``.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(
        is_numeric_dtype(column) or is_bool_dtype(column) or all(_is_number(v) for v in column)
    )


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _refuse_text(path: Path, column: pandas.Series[Any], advice: str) -> None:
    position = next(i for i, value in enumerate(column) if not _is_number(value))
    raise UserError(
        f"{path}, {_where(path, column, position)}: column {column.name!r} holds "
        f"{column.iloc[position]!r}, which is "
        f"not a number; {advice}"
    )


def _refuse_cell(path: Path, column: pandas.Series[Any], position: int) -> None:
    value = column.iloc[position]
    what = "is empty or not a number" if value != value else f"holds {value}"
    raise UserError(
        f"{path}, {_where(path, column, position)}: column {column.name!r} {what}; every cell "
        f"needs a finite value: fill it or remove the row"
    )


def _where(path: Path, column: pandas.Series[Any], position: int) -> str:
    row = int(column.index[position])
    return f"row {row + 1}" if path.suffix.lower() == ".arff" else f"line {row + 2}"
