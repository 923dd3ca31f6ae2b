"""What every data set of the task gives: base scenes to train on, novel scenes to be tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from repro.data import DataFile
from tasks.fewshot_segmentation.sampling import Numbers
from tasks.fewshot_segmentation.scenes import IGNORED, SceneSet, SomeScenes
from tasks.fewshot_segmentation.seeds import derived_seed, generator

#: The released code's: a class with fewer pixels in an image, in its own size, is not used there.
LEAST_AREA = 2 * 32 * 32

#: Of a finite base set, what is held out to choose the checkpoint and to tune on.
HELD_OUT_SHARE = 0.05

#: Which classes tasks are of: novel ones, or such as pilots and tuning may look at.
Split = Literal["test", "validation"]


@dataclass(frozen=True)
class BaseScenes:
    """Scenes of the base classes.

    ``classes``  labels of the base classes in ``scenes``; they become 1, 2, … in training. All
                 others but background are ignored there
    ``train``, ``validation``  numbers of the scenes of each part
    """

    scenes: SceneSet
    classes: tuple[int, ...]
    train: Numbers
    validation: Numbers

    @staticmethod
    def of_finite_set(
        name: str, scenes: SceneSet, usable: Numbers, classes: tuple[int, ...]
    ) -> BaseScenes:
        """Return a base set whose held-out part is drawn by its ``name``, whatever the seed is."""
        random = generator(derived_seed(name, "held out"))
        return BaseScenes(scenes, classes, *held_out(usable, random))

    @property
    def held_out_tasks(self) -> ClassScenes:
        """The held-out scenes, for tasks of base classes."""
        return ClassScenes(SomeScenes(self.scenes, self.validation), self.classes)

    def training_labels(self, labels: Tensor) -> Tensor:
        """Return labels with base classes as 1, 2, …, background as 0, all else ignored."""
        table = torch.full((IGNORED + 1,), IGNORED, dtype=torch.int64)
        table[0] = 0
        table[list(self.classes)] = torch.arange(1, len(self.classes) + 1)
        return table.to(labels.device)[labels]


class ClassScenes(NamedTuple):
    """Scenes that tasks are drawn from, and the labels of the classes that they are of."""

    scenes: SceneSet
    classes: tuple[int, ...]


class Source(Protocol):
    """A data set of the task.

    ``base_name``  of its base set: sources with the same one share their base networks
    ``files``      to fetch before a trial
    ``epochs``     of base training where the task sets none
    """

    @property
    def base_name(self) -> str:
        """Name of the base set."""

    @property
    def files(self) -> tuple[DataFile, ...]:
        """What to fetch."""

    @property
    def epochs(self) -> int:
        """Passes over the base set."""

    def base(self, seed: int, side: int) -> BaseScenes:
        """Return the base scenes of a seed, at ``side`` pixels where their size is free."""

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return the scenes of the test's or the validation's classes."""


def held_out(numbers: Numbers, random: np.random.RandomState) -> tuple[Numbers, Numbers]:
    """Return the training and the held-out part of ``numbers``, at least one of each."""
    order = random.permutation(numbers)
    count = max(1, round(HELD_OUT_SHARE * len(order)))
    return np.sort(order[count:]), np.sort(order[:count])


def with_any(areas: np.ndarray, classes: Sequence[int], least_area: int) -> Numbers:
    """Return the numbers of images in which at least one of ``classes`` is large enough."""
    found: Numbers = np.flatnonzero((areas[:, list(classes)] >= least_area).any(1))
    return found
