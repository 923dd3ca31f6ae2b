"""Scenes: images with a class for each pixel, and sets of them that are read by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

#: Label of pixels that count nowhere: boundaries, padding, classes that training may not see.
IGNORED = 255

#: ImageNet's channel means and standard deviations, by which every image is shifted and scaled.
CHANNEL_MEAN = (0.485, 0.456, 0.406)
CHANNEL_SD = (0.229, 0.224, 0.225)

Bytes = npt.NDArray[np.uint8]
Areas = npt.NDArray[np.int64]


class Scenes(NamedTuple):
    """Some scenes of a set.

    ``images``  (n, 3, H, H), standardised
    ``labels``  (n, H, H), int64: 0 is background, 255 is ignored, the others are classes
    """

    images: Tensor
    labels: Tensor


class SceneSet(Protocol):
    """Images and labels, read by number when they are needed.

    ``areas``  (n, classes + 1): how many pixels of each class each image has, in its own size
    ``least_area``  pixels that a class must have in an image to count as present there
    """

    @property
    def areas(self) -> Areas:
        """Pixels of each class in each image; column 0 is background."""

    @property
    def least_area(self) -> int:
        """Fewest pixels of a class that is present."""

    def read(self, numbers: Sequence[int]) -> Scenes:
        """Return the scenes with these numbers, in their order."""


@dataclass(frozen=True)
class ScenesInMemory:
    """Bytes: ``images`` (n, H, H, 3), ``labels`` (n, H, H). A class present has 1 % of pixels."""

    images: Bytes
    labels: Bytes
    classes: int

    @cached_property
    def areas(self) -> Areas:
        """Pixels of each class in each image."""
        return np.stack([class_areas(label, self.classes) for label in self.labels])

    @property
    def least_area(self) -> int:
        """One hundredth of an image."""
        return int(self.labels[0].size) // 100

    def read(self, numbers: Sequence[int]) -> Scenes:
        """Return the scenes with these numbers."""
        chosen = np.asarray(numbers, dtype=np.intp)
        return to_scenes(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class SomeScenes:
    """The scenes with ``numbers`` as a set of their own, numbered from 0."""

    scenes: SceneSet
    numbers: npt.NDArray[np.intp]

    @cached_property
    def areas(self) -> Areas:
        """Pixels of each class in each image."""
        return self.scenes.areas[self.numbers]

    @property
    def least_area(self) -> int:
        """That of the whole set."""
        return self.scenes.least_area

    def read(self, numbers: Sequence[int]) -> Scenes:
        """Return the scenes with these numbers."""
        return self.scenes.read(self.numbers[np.asarray(numbers, dtype=np.intp)].tolist())


def class_areas(label: Bytes, classes: int) -> Areas:
    """Return how many pixels of each class 0 … ``classes`` a label map has."""
    counts: Areas = np.bincount(label.ravel(), minlength=IGNORED + 1)[: classes + 1]
    return counts


def present(scenes: SceneSet, classes: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Return (n, len(classes)): whether each class has enough pixels in each image."""
    found: npt.NDArray[np.bool_] = scenes.areas[:, list(classes)] >= scenes.least_area
    return found


def to_scenes(images: Bytes, labels: Bytes) -> Scenes:
    """Return bytes (n, H, H, 3) and (n, H, H) as tensors, images standardised."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in (CHANNEL_MEAN, CHANNEL_SD))
    classes = torch.from_numpy(np.ascontiguousarray(labels)).long()
    return Scenes((pixels - mean) / sd, classes)
