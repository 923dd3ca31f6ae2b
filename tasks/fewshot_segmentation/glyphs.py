"""Canvases of real glyphs: handwritten characters of Omniglot on smooth colour noise.

Lake, Salakhutdinov and Tenenbaum (Science 2015). A class is a character. Base characters are of
five alphabets, the test's of the alphabets of the second file that the first one lacks.
"""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from repro.data import DataFile, locate
from tasks.archives import Archive
from tasks.fewshot_segmentation.sampling import Numbers
from tasks.fewshot_segmentation.scenes import Bytes, ScenesInMemory
from tasks.fewshot_segmentation.seeds import derived_seed, generator
from tasks.fewshot_segmentation.shapes import SIZE, smooth_background
from tasks.fewshot_segmentation.sources import BaseScenes, ClassScenes, Split

_ADDRESS = (
    "https://raw.githubusercontent.com/brendenlake/omniglot/"
    "057f034baf2ecb8530bc5710e5a23584d2a519cc/python"
)


def _file(name: str, sha256: str) -> DataFile:
    return DataFile(name, (f"{_ADDRESS}/{name}",), sha256, "MIT", "brendenlake/omniglot")


DEVELOPMENT = _file(
    "images_background_small1.zip",
    "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
)
TEST = _file(
    "images_background_small2.zip",
    "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
)

BASE_CLASSES = 15
VALIDATION_CLASSES = 10
TEST_CLASSES = 15
DRAWINGS = 20  # of each character; 16 of a base character are trained on
TRAINED_ON = 16
COPIES = 3  # scenes of each drawing in base training
GLYPH_SIDE = (26, 54)  # pixels
MOST_OTHERS = 1

Random = np.random.RandomState
Glyphs = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class OmniglotGlyphs:
    """Scenes of glyphs: characters, canvases and colours are drawn by the seed."""

    base_name = "omniglot_glyphs"
    files = (DEVELOPMENT, TEST)
    epochs = 20

    def base(self, seed: int, side: int) -> BaseScenes:
        """Return scenes of a seed's base characters; ``side`` is not used: they have 64 pixels."""
        del side
        glyphs = _development(seed)[:BASE_CLASSES]
        random = generator(derived_seed(self.base_name, seed, "base scenes"))
        scenes = compose(np.repeat(glyphs, COPIES, 1), random)
        place = np.arange(len(scenes.labels)) % (COPIES * DRAWINGS)
        return BaseScenes(
            scenes=scenes,
            classes=tuple(range(1, BASE_CLASSES + 1)),
            train=np.flatnonzero(place < COPIES * TRAINED_ON),
            validation=np.flatnonzero(place >= COPIES * TRAINED_ON),
        )

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return scenes of a seed's test characters, or of its validation characters."""
        del side
        if split == "validation":
            glyphs = _development(seed)[BASE_CLASSES : BASE_CLASSES + VALIDATION_CLASSES]
        else:
            known = {alphabet for alphabet, _ in characters(DEVELOPMENT)}
            there = [g for (alphabet, _), g in characters(TEST).items() if alphabet not in known]
            glyphs = _some(np.stack(there), seed, "test characters")[:TEST_CLASSES]
        scenes = compose(glyphs, generator(derived_seed(self.base_name, seed, split, "scenes")))
        return ClassScenes(scenes, tuple(range(1, scenes.classes + 1)))


def characters(file: DataFile) -> dict[tuple[str, str], Glyphs]:
    """Return the 20 drawings (20, 105, 105) of each (alphabet, character), in the file's order."""
    archive = Archive(locate(file))
    found: dict[tuple[str, str], list[Glyphs]] = defaultdict(list)
    for name in sorted(archive.names):
        if name.endswith(".png") and not name.startswith("__"):
            _, alphabet, character, _ = name.split("/")
            image = Image.open(io.BytesIO(archive.read(name)))
            found[alphabet, character].append(~np.asarray(image, dtype=bool))
    return {key: np.stack(drawings) for key, drawings in found.items()}


def compose(glyphs: Glyphs, random: Random) -> ScenesInMemory:
    """Return a scene for each drawing of ``glyphs`` (classes, drawings, 105, 105).

    Every second scene, on average, has a glyph of another class below it. A glyph's pixels are its
    strokes, thickened; its colour is drawn, so that it says nothing of the class.
    """
    classes, drawings = glyphs.shape[:2]
    n = classes * drawings
    images = np.round(255 * smooth_background(n, random)).astype(np.uint8)
    labels = np.zeros((n, SIZE, SIZE), dtype=np.uint8)
    for number in range(n):
        own, drawing = divmod(number, drawings)
        if random.randint(0, MOST_OTHERS + 1):
            other = (own + random.randint(1, classes)) % classes
            _draw(
                images[number],
                labels[number],
                glyphs[other, random.randint(drawings)],
                other,
                random,
            )
        _draw(images[number], labels[number], glyphs[own, drawing], own, random)
    return ScenesInMemory(images, labels, classes)


def _draw(image: Bytes, label: Bytes, glyph: Any, kind: int, random: Random) -> None:
    side = random.randint(*GLYPH_SIDE)
    stroke = Image.fromarray((255 * glyph).astype(np.uint8)).filter(ImageFilter.MaxFilter(5))
    mask = np.asarray(stroke.resize((side, side), Image.Resampling.BILINEAR)) > 100
    top, left = random.randint(0, SIZE - side + 1, 2)
    window = (slice(top, top + side), slice(left, left + side))
    noise = random.randint(-6, 7, (int(mask.sum()), 3))
    image[window][mask] = (random.randint(0, 256, 3) + noise).clip(0, 255)
    label[window][mask] = kind + 1


def _development(seed: int) -> Glyphs:
    return _some(np.stack(list(characters(DEVELOPMENT).values())), seed, "development characters")


def _some(glyphs: Glyphs, seed: int, purpose: str) -> Glyphs:
    order: Numbers = generator(derived_seed("omniglot_glyphs", seed, purpose)).permutation(
        len(glyphs)
    )
    return glyphs[order]
