"""Every data set of the task by name: the files it needs, and one trial's split of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.context import RunContext
from repro.data import DataFile
from repro.errors import UserError, did_you_mean
from tasks.regression import images, tables
from tasks.regression.folds import draw_folds
from tasks.regression.generated import NOISES, generated_split
from tasks.regression.images import DataFolder
from tasks.regression.split import Examples, RegressionSplit, standardise
from tasks.regression.user_file import parse_user_file
from tasks.tables.bundled import BundledFile
from tasks.tables.idx import MNIST_TEST, MNIST_TRAIN
from tasks.tables.user_file import identity_of_file, is_user_file

__all__ = ["RegressionSplit", "check_dataset", "data_files", "known_datasets", "load_split"]


#: Fetched and verified, shipped with a library, or supplied by the user.
Source = DataFile | BundledFile | DataFolder


@dataclass(frozen=True)
class FiniteSet:
    """A set of fixed size: ``parse(*paths)`` reads its files or its folder."""

    parse: Callable[..., Examples]
    inputs: tuple[Source, ...]

    def load(self, context: RunContext) -> Examples:
        """Return all examples; the hashes of what is read go into the trial's record."""
        return self.parse(*(_path(source, context) for source in self.inputs))


FINITE_SETS = {
    "diabetes": FiniteSet(tables.parse_diabetes, tables.DIABETES),
    "california_housing": FiniteSet(tables.parse_california_housing, (tables.CALIFORNIA_HOUSING,)),
    "bike_sharing": FiniteSet(tables.parse_bike_sharing, (tables.BIKE_SHARING,)),
    "appliance_energy": FiniteSet(tables.parse_appliance_energy, (tables.APPLIANCE_ENERGY,)),
    "beijing_pm25": FiniteSet(tables.parse_beijing_pm25, (tables.BEIJING_PM25,)),
    "rotated_mnist": FiniteSet(images.parse_rotated_mnist, (MNIST_TRAIN, MNIST_TEST)),
    "utk_face": FiniteSet(images.parse_utk_face, (images.UTK_FACE,)),
}


def known_datasets() -> tuple[str, ...]:
    """Return every name that ``load_split`` takes, beside ``file:<path>``."""
    return (*FINITE_SETS, *NOISES)


def data_files(dataset: str) -> tuple[DataFile, ...]:
    """Return the files to fetch for ``dataset``; none where it is bundled, generated or a user's.

    Raises ``UserError`` for an unknown name.
    """
    _require_known(dataset)
    if dataset not in FINITE_SETS:
        return ()
    return tuple(f for f in FINITE_SETS[dataset].inputs if isinstance(f, DataFile))


def check_dataset(dataset: str) -> None:
    """Raise ``UserError`` where a name is unknown, a user's file unusable or a folder missing."""
    _require_known(dataset)
    if is_user_file(dataset):
        parse_user_file(dataset)
    elif dataset in FINITE_SETS:
        for source in FINITE_SETS[dataset].inputs:
            if not isinstance(source, DataFile):
                source.locate()


def load_split(dataset: str, context: RunContext) -> RegressionSplit:
    """Return one trial's training, validation and test part of ``dataset``, standardised.

    ``dataset`` is a name of :func:`known_datasets`, or ``file:<path>[?target=<column>]``. The test
    part depends on the data set alone; the split of the rest on ``context.seed("split")``, and the
    draw of a generated set on ``context.seed("data")``. Raises ``UserError`` for an unknown name
    and for files that are missing or cannot be used.
    """
    _require_known(dataset)
    if dataset in NOISES:
        return generated_split(dataset, context)
    if is_user_file(dataset):
        examples, identity = parse_user_file(dataset), identity_of_file(dataset)
    else:
        examples, identity = FINITE_SETS[dataset].load(context), dataset
    folds = draw_folds(len(examples.y), identity, context.seed("split"))
    return standardise(
        examples.rows(folds.train), examples.rows(folds.validation), examples.rows(folds.test)
    )


def _path(source: Source, context: RunContext) -> Path:
    if isinstance(source, DataFile):
        return context.data(source)
    return context.found_data(source.name, source.locate())


def _require_known(dataset: str) -> None:
    if dataset not in known_datasets() and not is_user_file(dataset):
        near = did_you_mean(dataset, known_datasets())
        raise UserError(f"unknown data set {dataset!r}{near}; or file:<path>")
