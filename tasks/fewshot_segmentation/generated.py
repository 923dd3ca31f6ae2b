"""The generated data sets: classes from fixed pools, scenes drawn anew for each seed.

Two pools of textures never change: 60 for development, of which a seed takes 10 base classes and
8 other ones for validation, and 60 for the test, of which a seed takes 12. Pilots and tuning draw
tasks from the development pool alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.data import DataFile
from tasks.fewshot_segmentation.sampling import Numbers
from tasks.fewshot_segmentation.scenes import ScenesInMemory
from tasks.fewshot_segmentation.seeds import derived_seed, generator
from tasks.fewshot_segmentation.shapes import Textures, draw_textures, render
from tasks.fewshot_segmentation.sources import BaseScenes, ClassScenes, Split

POOL = 60
BASE_CLASSES = 10
VALIDATION_CLASSES = 8
TEST_CLASSES = 12
BASE_SCENES = 60  # for each base class, for training
HELD_OUT_SCENES = 10  # for each base class, to choose the checkpoint
TASK_SCENES = 25  # for each class that tasks are of

_BASE_NAME = "textured_shapes"


@dataclass(frozen=True)
class TexturedShapes:
    """Generated shapes; ``shifted`` draws the test's tasks from the shifted domain."""

    shifted: bool = False
    base_name = _BASE_NAME
    files: tuple[DataFile, ...] = ()
    epochs = 20

    def base(self, seed: int, side: int) -> BaseScenes:
        """Return scenes of a seed's base classes; ``side`` is not used: they have 64 pixels."""
        del side
        classes = _development(seed)[:BASE_CLASSES]
        random = generator(derived_seed(_BASE_NAME, seed, "base scenes"))
        scenes = render(classes_of("development", classes), BASE_SCENES + HELD_OUT_SCENES, random)
        place = np.arange(len(scenes.labels)) % (BASE_SCENES + HELD_OUT_SCENES)
        return BaseScenes(
            scenes=scenes,
            classes=tuple(range(1, BASE_CLASSES + 1)),
            train=np.flatnonzero(place < BASE_SCENES),
            validation=np.flatnonzero(place >= BASE_SCENES),
        )

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return scenes of a seed's test classes, or of its validation classes, unshifted."""
        del side
        random = generator(derived_seed(_BASE_NAME, seed, split, "scenes", self.shifted))
        if split == "validation":
            chosen = _development(seed)[BASE_CLASSES : BASE_CLASSES + VALIDATION_CLASSES]
            return _all_classes(render(classes_of("development", chosen), TASK_SCENES, random))
        order = generator(derived_seed(_BASE_NAME, seed, "test classes")).permutation(POOL)
        textures = classes_of("test", order[:TEST_CLASSES])
        return _all_classes(render(textures, TASK_SCENES, random, shifted=self.shifted))


def classes_of(pool: str, numbers: Numbers) -> Textures:
    """Return classes of a pool, ``development`` or ``test``; the pools are the same for all."""
    everything = draw_textures(POOL, generator(derived_seed(_BASE_NAME, "pool", pool)))
    return everything.chosen(numbers)


def _development(seed: int) -> Numbers:
    return generator(derived_seed(_BASE_NAME, seed, "development classes")).permutation(POOL)


def _all_classes(scenes: ScenesInMemory) -> ClassScenes:
    return ClassScenes(scenes, tuple(range(1, scenes.classes + 1)))
