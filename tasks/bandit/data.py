"""Every data set of the task by name: the files it needs, its order, its noise, its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.context import RunContext
from repro.data import DataFile
from repro.errors import UserError, did_you_mean
from tasks.bandit import tables
from tasks.bandit.tables import ClassTable
from tasks.tables.bundled import BundledFile
from tasks.tables.idx import MNIST_TEST, MNIST_TEST_LABELS
from tasks.tables.user_file import class_target, identity_of_file, is_user_file, read_user_table

#: A user's target with more values than this is no class.
MOST_CLASSES = 50

Order = Literal["shuffled", "sorted"]


@dataclass(frozen=True)
class TableSource:
    """A table: ``parse(*paths)`` reads its files."""

    parse: Callable[..., ClassTable]
    files: tuple[DataFile | BundledFile, ...]


SOURCES = {
    "digits": TableSource(tables.parse_digits, (tables.DIGITS,)),
    "breast_cancer": TableSource(tables.parse_bundled_csv, (tables.BREAST_CANCER,)),
    "wine": TableSource(tables.parse_bundled_csv, (tables.WINE,)),
    "mushroom": TableSource(tables.parse_arff, (tables.MUSHROOM,)),
    "letter": TableSource(tables.parse_arff, (tables.LETTER,)),
    "shuttle": TableSource(tables.parse_shuttle, (tables.SHUTTLE,)),
    "covertype": TableSource(tables.parse_covertype, (tables.COVERTYPE,)),
    "adult": TableSource(tables.parse_adult, tables.ADULT),
    "magic_telescope": TableSource(tables.parse_magic, (tables.MAGIC,)),
    "mnist": TableSource(tables.parse_mnist, (MNIST_TEST, MNIST_TEST_LABELS)),
}

_SORTED = "_sorted"
_NOISY = "_noisy"

#: Shares of labels that are replaced by another class, in a set whose name ends in ``_noisy``.
NOISE_LEVELS = (0.0, 0.1, 0.2, 0.3)


@dataclass(frozen=True)
class DatasetName:
    """What a data set's name says.

    ``table``   the table's name, or ``file:…``
    ``order``   ``sorted``: all rows of one class, then all of the next
    ``noisy``   whether it is played at every level of ``NOISE_LEVELS``, and not at 0 alone
    """

    table: str
    order: Order = "shuffled"
    noisy: bool = False

    @classmethod
    def of(cls, dataset: str) -> DatasetName:
        """Read a name: ``digits``, ``digits_sorted``, ``digits_noisy``, or ``file:<path>``."""
        if is_user_file(dataset):
            return cls(dataset)
        if dataset.endswith(_SORTED):
            return cls(dataset.removesuffix(_SORTED), "sorted")
        if dataset.endswith(_NOISY):
            return cls(dataset.removesuffix(_NOISY), noisy=True)
        return cls(dataset)

    @property
    def noise_levels(self) -> tuple[float, ...]:
        """The levels of label noise at which the set is played."""
        return NOISE_LEVELS if self.noisy else NOISE_LEVELS[:1]


def known_datasets() -> tuple[str, ...]:
    """Return every name that ``load_table`` takes, beside ``file:<path>``."""
    return tuple(name + ending for ending in ("", _SORTED, _NOISY) for name in SOURCES)


def data_files(dataset: str) -> tuple[DataFile, ...]:
    """Return the files to fetch for ``dataset``; none where it is bundled or a user's.

    Raises ``UserError`` for an unknown name.
    """
    _require_known(dataset)
    name = DatasetName.of(dataset).table
    files = () if is_user_file(name) else SOURCES[name].files
    return tuple(file for file in files if isinstance(file, DataFile))


def check_dataset(dataset: str) -> None:
    """Raise ``UserError`` where a name is unknown or a user's file is no table of classes."""
    _require_known(dataset)
    if is_user_file(dataset):
        _user_table(dataset)
        return
    for file in SOURCES[DatasetName.of(dataset).table].files:
        if isinstance(file, BundledFile):
            file.locate()


def load_table(dataset: str, contexts: Sequence[RunContext]) -> tuple[ClassTable, str]:
    """Return the table of ``dataset``, and what names it whatever its order, noise and path.

    It is read once; each context notes the files. Raises ``UserError`` for an unknown name and for
    files that are missing or cannot be used.
    """
    _require_known(dataset)
    if is_user_file(dataset):
        return _user_table(dataset), identity_of_file(dataset)
    name = DatasetName.of(dataset).table
    source = SOURCES[name]
    paths = [[_path(file, context) for file in source.files] for context in contexts]
    return source.parse(*paths[0]), name


def _user_table(dataset: str) -> ClassTable:
    table = read_user_table(dataset)
    labels = class_target(table, MOST_CLASSES)
    return ClassTable(table.inputs, labels, int(labels.max()) + 1)


def _path(file: DataFile | BundledFile, context: RunContext) -> Path:
    if isinstance(file, DataFile):
        return context.data(file)
    return context.found_data(file.name, file.locate())


def _require_known(dataset: str) -> None:
    if dataset not in known_datasets() and not is_user_file(dataset):
        near = did_you_mean(dataset, known_datasets())
        raise UserError(f"unknown data set {dataset!r}{near}; or file:<path>")
