"""The classification tables: where their files come from, and how each becomes inputs and classes.

Nominal columns become one 0/1 column for each value, a missing value counting as a value; a missing
number is −1, as in the released code of NeuralUCB, NeuralTS and EE-Net. Classes are numbered in the
sorted order of their names.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repro.data import DataFile
from repro.errors import UserError
from tasks.tables.bundled import BundledFile
from tasks.tables.idx import read_idx_images, read_idx_labels

if TYPE_CHECKING:
    import pandas

MISSING_NUMBER = -1.0


class ClassTable(NamedTuple):
    """A table of labelled rows.

    ``x``       (n, d): inputs in the table's own units
    ``labels``  (n,): classes 0 … ``classes`` − 1
    """

    x: npt.NDArray[np.floating[Any]]
    labels: npt.NDArray[np.intp]
    classes: int


def _raw(path: str) -> str:
    return f"https://raw.githubusercontent.com/{path}"


_ARFF = "renatopp/arff-datasets/c59f172882592bb58982cc54d2d3c8a2b57e9b73/classification"
_ADULT = "vukk/lfr/ed62ba97952b233be794314ce2ed748877edfeeb/data/adult-delve/Source"
_UCI_LICENCE = "CC BY 4.0 (UCI repository, as third parties state it)"

MUSHROOM = DataFile(
    name="mushroom.arff",
    urls=(_raw(f"{_ARFF}/mushroom.arff"),),
    sha256="b5021e39a8a8a0fbf85b20f08308dffbfbb9bc8e5e70c39b97e5d498896e3a5f",
    licence=_UCI_LICENCE,
    source="https://archive.ics.uci.edu/dataset/73/mushroom",
)
LETTER = DataFile(
    name="letter.arff",
    urls=(_raw(f"{_ARFF}/letter.arff"),),
    sha256="4207f96c1a503ce702d555d6ad692bdf0b9171358b324aadef1400b39d0df0c3",
    licence=_UCI_LICENCE,
    source="https://archive.ics.uci.edu/dataset/59/letter+recognition",
)
ADULT = (
    DataFile(
        name="adult.data.gz",
        urls=(_raw(f"{_ADULT}/adult.data.gz"),),
        sha256="fb986d3609cdf068a1c234ed2695603b74c66c4be723467d9d69542024847442",
        licence=_UCI_LICENCE,
        source="https://archive.ics.uci.edu/dataset/2/adult",
    ),
    DataFile(
        name="adult.test.gz",
        urls=(_raw(f"{_ADULT}/adult.test.gz"),),
        sha256="74aa81a0e0880467a50de97be6ba8130df14a3ef8c0c3a14de2a9a997d068fbf",
        licence=_UCI_LICENCE,
        source="https://archive.ics.uci.edu/dataset/2/adult",
    ),
)
#: The hash is the one that scikit-learn's own loader verifies.
COVERTYPE = DataFile(
    name="covtype.data.gz",
    urls=("https://ndownloader.figshare.com/files/5976039",),
    sha256="614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771",
    licence=_UCI_LICENCE,
    source="https://archive.ics.uci.edu/dataset/31/covertype",
)
#: The hash is the one in the Git LFS pointer of the repository that the address names.
MAGIC = DataFile(
    name="magic04.data",
    urls=(
        "https://media.githubusercontent.com/media/garyForeman/MAGIC-Gamma/"
        "8b22cdd9600df701cfee4f6b5ab9c25475a68f89/data/magic04.data",
    ),
    sha256="830a8a559fcde5a301f495afc3e553fa0b979c324af982a6ed78bb65b72e2867",
    licence=_UCI_LICENCE,
    source="https://archive.ics.uci.edu/dataset/159/magic+gamma+telescope",
)
#: Nobody here has seen the file: its hash is recorded at the first download.
SHUTTLE = DataFile(
    name="shuttle.tst",
    urls=("https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/shuttle/shuttle.tst",),
    sha256=None,
    licence=_UCI_LICENCE,
    source="https://archive.ics.uci.edu/dataset/148/statlog+shuttle",
)

DIGITS = BundledFile("digits.csv.gz", "bandit")
BREAST_CANCER = BundledFile("breast_cancer.csv", "bandit")
WINE = BundledFile("wine_data.csv", "bandit")

_ADULT_COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)


def parse_digits(path: Path) -> ClassTable:
    """Return scikit-learn's digits: 1,797 images of 8 × 8 pixels, 10 classes."""
    table = np.loadtxt(path, delimiter=",")
    return _numbered(table[:, :-1], table[:, -1])


def parse_bundled_csv(path: Path) -> ClassTable:
    """Return a table of scikit-learn's with one line in front: rows, columns, names of classes."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return _numbered(table[:, :-1], table[:, -1])


def parse_arff(path: Path) -> ClassTable:
    """Return an ARFF file whose last attribute is the class."""
    import pandas
    from scipy.io import arff

    try:
        rows, _ = arff.loadarff(path)
    except Exception as error:  # a damaged file may lead the reader to any error
        reason = (str(error).strip() or "it ends too early").splitlines()[0]
        raise UserError(f"{path}: cannot be read as ARFF: {reason}; fetch it again") from error
    table = pandas.DataFrame(rows)
    for name in table.columns:
        if table[name].dtype == object:
            table[name] = table[name].str.decode("utf-8")
    return _from_frame(table)


def parse_adult(*paths: Path) -> ClassTable:
    """Return the census table: both published parts, six numbers and eight nominal columns.

    The test part starts with a line that is no row and ends each class with a full stop.
    """
    import pandas

    parts = []
    for path in paths:
        lines = _lines(path, gzip.decompress(path.read_bytes()).decode())
        rows = [line.rstrip(".") for line in lines if line.count(",") == len(_ADULT_COLUMNS) - 1]
        text = StringIO("\n".join(rows))
        parts.append(pandas.read_csv(text, names=_ADULT_COLUMNS, skipinitialspace=True))
    return _from_frame(pandas.concat(parts, ignore_index=True))


def parse_covertype(path: Path) -> ClassTable:
    """Return cartographic variables, 44 of them already 0/1, and one of 7 kinds of forest."""
    import pandas

    table = pandas.read_csv(path, header=None)
    return _from_frame(table)


def parse_magic(path: Path) -> ClassTable:
    """Return ten parameters of a shower image, and whether it is gamma (g) or hadron (h)."""
    import pandas

    return _from_frame(pandas.read_csv(path, header=None, skipinitialspace=True))


def parse_shuttle(path: Path) -> ClassTable:
    """Return nine numbers of a shuttle's radiators, and one of up to 7 classes.

    The published test part, 14,500 rows: more than the rounds that are played.
    """
    import pandas

    return _from_frame(pandas.read_csv(path, header=None, sep=r"\s+"))


def parse_mnist(images: Path, labels: Path) -> ClassTable:
    """Return the 10,000 test digits as 784 numbers between 0 and 1, 10 classes."""
    pixels, classes = read_idx_images(images), read_idx_labels(labels)
    if len(pixels) != len(classes):
        raise UserError(f"{images} has {len(pixels)} images, but {labels} {len(classes)} labels")
    return _numbered(pixels.reshape(len(pixels), -1).astype(np.float32) / 255.0, classes)


def _lines(path: Path, text: str) -> Sequence[str]:
    lines = [line.strip() for line in text.splitlines()]
    if not any(line.count(",") == len(_ADULT_COLUMNS) - 1 for line in lines):
        raise UserError(f"{path}: has no row of {len(_ADULT_COLUMNS)} columns; fetch it again")
    return lines


def _from_frame(table: pandas.DataFrame) -> ClassTable:
    """Take the last column as the class; one 0/1 column for each value of a nominal one."""
    from pandas.api.types import is_numeric_dtype

    columns = []
    for name in table.columns[:-1]:
        column = table[name]
        if is_numeric_dtype(column):
            columns.append(column.fillna(MISSING_NUMBER).to_numpy(np.float64)[:, None])
        else:
            values = sorted(column.unique())
            columns.append(np.stack([(column == v).to_numpy(np.float64) for v in values], axis=1))
    return _numbered(np.hstack(columns), table[table.columns[-1]].to_numpy())


def _numbered(x: npt.NDArray[Any], classes: npt.NDArray[Any]) -> ClassTable:
    names, labels = np.unique(classes, return_inverse=True)
    return ClassTable(x, labels.astype(np.intp), len(names))
