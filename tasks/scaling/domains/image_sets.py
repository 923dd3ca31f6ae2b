"""Natural images with their classes: ImageNet as published at small sizes, and CIFAR-10."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

import numpy as np

from models.language.corpora import load_split
from repro.data import DataFile, locate
from repro.errors import UserError
from tasks.archives import Archive

Part = Literal["train", "test"]
CIFAR = ("uoft-cs/cifar10", "plain_text")
_CIFAR_SIDE = 32

#: Published beside the loader of TensorFlow Datasets (imagenet_resized/checksums.tsv).
_HASHES = {
    "Imagenet8_train_npz.zip": "b18b72ca559afee05ad3325d12222db345fc2c557f23129d47fa439bddb4ee69",
    "Imagenet8_val_npz.zip": "001df303a5524b85045a4f6f43c79e097497cd64847cdcf5f17dd0fa416a2c23",
    "Imagenet16_train_npz.zip": "dea57cdc1d4e252a9e4b76d3b0783486c13b572b883b25fae9283f19695e63b9",
    "Imagenet16_val_npz.zip": "6dda90de8f6fd43b204422578b4be05d3f658d7792b344de4da768a71c02c4c4",
    "Imagenet32_train_npz.zip": "94226337ecc1b0309d9fcd0167127aaadc931587035fbcb53925235edbaec4fc",
    "Imagenet32_val_npz.zip": "013990e6dec1237dcd1f9beadbab81ead6604cc119af5cacbfb59ae28148377a",
}


class Images(NamedTuple):
    """n images as tokens in raster order, red, green and blue of a pixel in turn.

    ``tokens``  (n, 3 · side²) bytes; ``labels`` (n,), the classes from 0
    """

    tokens: np.ndarray
    labels: np.ndarray


class ImageSet(Protocol):
    """A set of images at one size."""

    @property
    def side(self) -> int:
        """Pixels a side."""

    @property
    def classes(self) -> int:
        """Kinds of images."""

    @property
    def files(self) -> tuple[DataFile, ...]:
        """What is needed of named files."""

    def read(self, part: Part) -> Images:
        """Return a part. What cannot be had or read: ``UserError``."""


@dataclass(frozen=True)
class DownsampledImageNet:
    """ImageNet at 8, 16 or 32 pixels, averaged over boxes by its authors (Chrabaszcz et al., 2017).

    Their archives of NumPy files, of which none is a pickle: ``data`` (n, 3 · side²) with all of
    red first, then green, then blue; ``labels`` from 1. What is tested on is the validation part.
    """

    side: int
    classes: int = 1000

    @property
    def files(self) -> tuple[DataFile, ...]:
        """The training archive and the validation archive."""
        return self._file("train"), self._file("val")

    def read(self, part: Part) -> Images:
        """Return a part."""
        return _read_archive(self._file("train" if part == "train" else "val"), self.side)

    def _file(self, part: str) -> DataFile:
        name = f"Imagenet{self.side}_{part}_npz.zip"
        return DataFile(
            name,
            (),
            _HASHES[name],
            "ImageNet's terms of access: research and education, not commercial",
            "https://image-net.org/download-images (an account; Downsampled image data)",
        )


@dataclass(frozen=True)
class Cifar10:
    """CIFAR-10 from the Hugging Face hub, averaged over boxes where ``side`` is below 32.

    50,000 images and 10,000 to test on; no licence is stated. A model of the paper's smallest sizes
    sees each dozens of times: a stand-in for who has no account with ImageNet.
    """

    side: int
    classes: int = 10
    files: tuple[DataFile, ...] = ()

    def read(self, part: Part) -> Images:
        """Return a part."""
        whole = _cifar(part)
        return Images(averaged(whole.tokens, _CIFAR_SIDE, self.side), whole.labels)


IMAGE_SETS: dict[str, ImageSet] = {
    **{f"imagenet_{side}": DownsampledImageNet(side) for side in (8, 16, 32)},
    **{f"cifar10_{side}": Cifar10(side) for side in (8, 16, 32)},
}


@lru_cache(maxsize=2)
def read_images(name: str, part: Part) -> Images:
    """Return a part of a set of ``IMAGE_SETS``; kept for the next model that is trained on it."""
    return IMAGE_SETS[name].read(part)


def averaged(tokens: np.ndarray, side: int, smaller: int) -> np.ndarray:
    """Return images (n, 3 · side²) at a size that divides theirs, (n, 3 · smaller²), rounded."""
    times = side // smaller
    if times == 1:
        return tokens
    boxes = tokens.reshape(-1, smaller, times, smaller, times, 3)
    means = np.rint(boxes.mean((2, 4), dtype=np.float32)).astype(np.uint8)
    return np.asarray(means.reshape(len(tokens), -1))


@lru_cache(maxsize=2)
def _cifar(part: Part) -> Images:
    name, configuration = CIFAR
    rows = load_split(name, part, configuration)
    if not {"img", "label"} <= set(rows.column_names):
        raise UserError(f"{name} has no columns img and label but {', '.join(rows.column_names)}")
    try:
        pixels = [np.asarray(image.convert("RGB")).reshape(-1) for image in rows["img"]]
        tokens = np.stack(pixels)
    except (AttributeError, OSError, ValueError) as error:
        raise UserError(f"{name}: an image could not be read: {error}") from error
    if tokens.shape[1] != 3 * _CIFAR_SIDE**2:
        raise UserError(f"{name}: an image has not {_CIFAR_SIDE} pixels a side")
    return Images(tokens, np.asarray(rows["label"], dtype=np.int64))


def _read_archive(file: DataFile, side: int) -> Images:
    path = locate(file)
    archive = Archive(path)
    names = sorted((n for n in archive.names if n.endswith(".npz")), key=_number)
    if not names:
        raise UserError(f"{path} holds no .npz file: it is not {file.name} as published")
    parts = [_read_batch(f"{path}, {name}", archive, name, side) for name in names]
    return Images(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _number(name: str) -> tuple[int, str]:
    """Return the last number in a name, so that batch 10 comes after batch 9."""
    found = re.findall(r"\d+", name)
    return int(found[-1]) if found else 0, name


def _read_batch(place: str, archive: Archive, name: str, side: int) -> Images:
    try:
        with np.load(io.BytesIO(archive.read(name)), allow_pickle=False) as batch:
            data, labels = batch["data"], batch["labels"]
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{place} has no arrays data and labels ({error}); get it again") from error
    if data.dtype != np.uint8 or data.shape != (len(labels), 3 * side**2):
        raise UserError(f"{place} does not hold images of {side} pixels a side but {data.shape}")
    pixels = data.reshape(-1, 3, side, side).transpose(0, 2, 3, 1)
    return Images(pixels.reshape(len(data), -1), labels.astype(np.int64) - 1)
