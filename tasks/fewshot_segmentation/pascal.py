"""PASCAL-5ⁱ: PASCAL VOC 2012 with the annotations of SBD, twenty classes in four folds of five.

Shaban et al. (BMVC 2017) defined the folds; image lists are those that PFENet and RePRI use.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from repro.data import DataFile, locate
from repro.errors import UserError
from tasks.archives import Archive, files_of_compressed_tar
from tasks.fewshot_segmentation.image_files import SceneFiles
from tasks.fewshot_segmentation.label_maps import LabelMaps, kept_label_maps
from tasks.fewshot_segmentation.scenes import Bytes, SomeScenes
from tasks.fewshot_segmentation.sources import (
    LEAST_AREA,
    BaseScenes,
    ClassScenes,
    Split,
    with_any,
)

CLASSES = 20
FOLD_SIZE = 5

_LICENCE = "Flickr terms of use; annotations free for research"
_LISTS = (
    "https://raw.githubusercontent.com/mboudiaf/RePRI-for-Few-Shot-Segmentation/"
    "aa54b19b696623ff8a072a19c7392d43f4c914f7/lists/pascal"
)
VOC = DataFile(
    "VOCtrainval_11-May-2012.tar",
    ("http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",),
    None,
    _LICENCE,
    "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
)
SBD = DataFile(
    "benchmark.tgz",
    (
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/"
        "benchmark.tgz",
    ),
    None,
    _LICENCE,
    "Hariharan et al., Semantic Contours from Inverse Detectors (ICCV 2011)",
)
TRAIN_LIST = DataFile(
    "train.txt",
    (f"{_LISTS}/train.txt",),
    "87578cffe141c681b15bf0b07a4cc79019ed7af02335b5ca614ccd044827fc0b",
    "MIT",
    "mboudiaf/RePRI-for-Few-Shot-Segmentation",
)
VALIDATION_LIST = DataFile(
    "val.txt",
    (f"{_LISTS}/val.txt",),
    "25cdf9026986ab18d9c235d458f2b39bc44a29b801f3371624a22011bcee980c",
    "MIT",
    "mboudiaf/RePRI-for-Few-Shot-Segmentation",
)
FILES = (VOC, SBD, TRAIN_LIST, VALIDATION_LIST)

_ROOT = "VOCdevkit/VOC2012"


def novel_classes(fold: int) -> tuple[int, ...]:
    """Return the five novel classes of a fold: 5 i + 1 … 5 i + 5 in VOC's alphabetical order."""
    return tuple(range(FOLD_SIZE * fold + 1, FOLD_SIZE * (fold + 1) + 1))


@dataclass(frozen=True)
class Pascal:
    """The images of both lists, with VOC's own label maps where there are any, otherwise SBD's."""

    side: int

    @cached_property
    def lists(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the training and of the validation images."""
        train, validation = (
            read_list(locate(part).read_text()) for part in (TRAIN_LIST, VALIDATION_LIST)
        )
        return train, validation

    @cached_property
    def scenes(self) -> SceneFiles:
        """All images, those of the training list first."""
        names = self.lists[0] + self.lists[1]
        images = Archive(locate(VOC))
        maps = kept_label_maps("pascal_voc_sbd", self._label_maps(names, images), CLASSES)
        row = {name: place for place, name in enumerate(maps.names)}
        missing = next((name for name in names if name not in row), None)
        if missing is not None:
            raise UserError(
                f"{missing} has a label map neither in {VOC.name} nor in {SBD.name}: fetch both "
                f"again and delete the cache's label_maps/pascal_voc_sbd.zip"
            )
        areas = maps.areas[[row[name] for name in names]]
        reader = _Reader(names, images, maps)
        return SceneFiles(reader, names, areas, LEAST_AREA, self.side)

    def _label_maps(self, names: tuple[str, ...], voc: Archive) -> Iterator[tuple[str, Bytes]]:
        left = set(names)
        for name in names:
            own = f"{_ROOT}/SegmentationClass/{name}.png"
            if own in voc.names:
                left.remove(name)
                yield name, np.asarray(Image.open(io.BytesIO(voc.read(own))))
        for path, content in files_of_compressed_tar(locate(SBD), ".mat"):
            name = path.rpartition("/")[2].removesuffix(".mat")
            if "/cls/" in path and name in left:
                left.remove(name)
                yield name, read_semantic_boundaries(content)


@dataclass(frozen=True)
class _Reader:
    names: tuple[str, ...]
    images: Archive
    maps: LabelMaps

    def __call__(self, number: int) -> tuple[bytes, bytes]:
        name = self.names[number]
        return self.images.read(f"{_ROOT}/JPEGImages/{name}.jpg"), self.maps.png(name)


def read_list(text: str) -> tuple[str, ...]:
    """Return the names in a list: each line starts with ``JPEGImages/<name>.jpg``."""
    return tuple(
        line.split()[0].rpartition("/")[2].removesuffix(".jpg") for line in text.splitlines()
    )


def read_semantic_boundaries(content: bytes) -> Bytes:
    """Return the label map in a .mat file of SBD (``GTcls.Segmentation``)."""
    from scipy.io import loadmat

    # SciPy's annotations leave out that a stream will do.
    content_of: Any = io.BytesIO(content)
    label: Bytes = loadmat(content_of)["GTcls"]["Segmentation"][0, 0].astype(np.uint8)
    return label


@dataclass(frozen=True)
class PascalFold:
    """One fold of PASCAL-5ⁱ: base training on the training list, tasks from the validation list.

    Images with novel classes stay in base training, those pixels ignored, as in released code. A
    twentieth of the training list is held out, to choose the checkpoint by base classes and to
    tune on tasks of base classes.
    """

    fold: int
    files = FILES
    epochs = 100

    @property
    def base_name(self) -> str:
        """``pascal_5i_fold<i>``."""
        return f"pascal_5i_fold{self.fold}"

    @property
    def base_classes(self) -> tuple[int, ...]:
        """The other fifteen classes."""
        return tuple(c for c in range(1, CLASSES + 1) if c not in novel_classes(self.fold))

    def base(self, seed: int, side: int) -> BaseScenes:
        """Return the scenes with base classes; the held-out part is the same for every seed."""
        del seed
        pascal = Pascal(side)
        train = len(pascal.lists[0])
        usable = with_any(pascal.scenes.areas[:train], self.base_classes, LEAST_AREA)
        return BaseScenes.of_finite_set(self.base_name, pascal.scenes, usable, self.base_classes)

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return the validation list with novel classes, or the held-out part with base ones."""
        if split == "validation":
            return self.base(seed, side).held_out_tasks
        return novel_scenes(side, novel_classes(self.fold))


def novel_scenes(side: int, classes: tuple[int, ...]) -> ClassScenes:
    """Return the images of the validation list, for tasks of ``classes``."""
    pascal = Pascal(side)
    train, validation = (len(part) for part in pascal.lists)
    return ClassScenes(SomeScenes(pascal.scenes, np.arange(train, train + validation)), classes)
