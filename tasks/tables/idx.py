"""MNIST in its publisher's format: idx files of unsigned bytes, gzipped."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.data import DataFile
from repro.errors import UserError

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
_LICENCE = "CC BY-SA 3.0, as third parties state it (LeCun, Cortes, Burges)"

#: Two zero bytes, 8 for unsigned bytes, the number of axes.
_MAGIC = {1: b"\x00\x00\x08\x01", 3: b"\x00\x00\x08\x03"}
_AXIS_BYTES = 4  # each axis' length is a big-endian 32-bit integer


def _mnist(name: str, sha256: str | None) -> DataFile:
    urls = tuple(f"{mirror}/{name}" for mirror in _MIRRORS)
    return DataFile(name, urls, sha256, _LICENCE, "http://yann.lecun.com/exdb/mnist/")


#: The hash of the training images is the one that several independent projects publish.
MNIST_TRAIN = _mnist(
    "train-images-idx3-ubyte.gz",
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
)
MNIST_TEST = _mnist(
    "t10k-images-idx3-ubyte.gz",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
)
MNIST_TEST_LABELS = _mnist(
    "t10k-labels-idx1-ubyte.gz",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)


def read_idx_images(path: Path) -> npt.NDArray[Any]:
    """Return the images of a gzipped idx3 file: (n, height, width), bytes."""
    return _read(path, 3, "images")


def read_idx_labels(path: Path) -> npt.NDArray[Any]:
    """Return the labels of a gzipped idx1 file: (n,), bytes."""
    return _read(path, 1, "labels")


def _read(path: Path, axes: int, what: str) -> npt.NDArray[Any]:
    with gzip.open(path) as stream:
        content = stream.read()
    header = 4 + axes * _AXIS_BYTES
    shape = np.frombuffer(content[4:header], dtype=">u4").tolist()
    if content[:4] != _MAGIC[axes] or len(content) != header + math.prod(shape):
        raise UserError(
            f"{path} is not a whole idx{axes} file of {what}; delete it and fetch it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
