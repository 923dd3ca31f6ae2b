"""COCO-20ⁱ: COCO 2014, eighty classes in four folds of twenty; and COCO → PASCAL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from repro.data import DataFile, locate
from tasks.archives import Archive
from tasks.fewshot_segmentation import pascal
from tasks.fewshot_segmentation.image_files import SceneFiles
from tasks.fewshot_segmentation.label_maps import LabelMaps, kept_label_maps
from tasks.fewshot_segmentation.scenes import Bytes
from tasks.fewshot_segmentation.sources import (
    LEAST_AREA,
    BaseScenes,
    ClassScenes,
    Split,
    with_any,
)

CLASSES = 80
FOLDS = 4

_SITE = "http://images.cocodataset.org"


def _file(name: str, folder: str) -> DataFile:
    licence = "annotations CC BY 4.0; images under Flickr's terms"
    return DataFile(name, (f"{_SITE}/{folder}/{name}",), None, licence, "https://cocodataset.org")


IMAGES = {part: _file(f"{part}2014.zip", "zips") for part in ("train", "val")}
ANNOTATIONS = _file("annotations_trainval2014.zip", "annotations")
FILES = (*IMAGES.values(), ANNOTATIONS)

#: PASCAL's classes, in its order, as numbers of COCO's classes in the order of their identifiers.
PASCAL_IN_COCO = (5, 2, 15, 9, 40, 6, 3, 16, 57, 20, 61, 17, 18, 4, 1, 59, 19, 58, 7, 63)


def novel_classes(fold: int) -> tuple[int, ...]:
    """Return the twenty novel classes of a fold: i + 1, i + 5, i + 9 and so on."""
    return tuple(range(fold + 1, CLASSES + 1, FOLDS))


def novel_pascal_classes(fold: int) -> tuple[int, ...]:
    """Return PASCAL's classes that a network of this fold of COCO has not been trained on."""
    novel = novel_classes(fold)
    return tuple(own for own, coco in enumerate(PASCAL_IN_COCO, start=1) if coco in novel)


@dataclass(frozen=True)
class CocoPart:
    """The annotated images of COCO's ``train`` or ``val`` part of 2014."""

    part: str
    side: int

    @cached_property
    def scenes(self) -> SceneFiles:
        """All images with an annotation, in the order of their numbers."""
        maps = kept_label_maps(f"coco_{self.part}2014", self._label_maps(), CLASSES)
        reader = _Reader(self.part, Archive(locate(IMAGES[self.part])), maps)
        return SceneFiles(reader, maps.names, maps.areas, LEAST_AREA, self.side)

    def _label_maps(self) -> Iterator[tuple[str, Bytes]]:
        archive = Archive(locate(ANNOTATIONS))
        content = json.loads(archive.read(f"annotations/instances_{self.part}2014.json"))
        yield from draw_label_maps(content)


@dataclass(frozen=True)
class _Reader:
    part: str
    images: Archive
    maps: LabelMaps

    def __call__(self, number: int) -> tuple[bytes, bytes]:
        name = self.maps.names[number]
        return self.images.read(f"{self.part}2014/{name}.jpg"), self.maps.png(name)


def draw_label_maps(content: dict[str, Any]) -> Iterator[tuple[str, Bytes]]:
    """Yield name and label map of each annotated image of an ``instances_….json``.

    Objects are drawn in the file's order, each over those before, crowds left out, as in the
    released script; it draws the first outline of each object alone, here all of them are.
    """
    place = {c["id"]: k for k, c in enumerate(sorted(content["categories"], key=_identifier), 1)}
    objects = defaultdict(list)
    for entry in content["annotations"]:
        if not entry["iscrowd"]:
            objects[entry["image_id"]].append(entry)
    for image in sorted(content["images"], key=_identifier):
        if image["id"] not in objects:
            continue
        label = Image.new("L", (image["width"], image["height"]))
        for entry in objects[image["id"]]:
            for outline in entry["segmentation"]:
                ImageDraw.Draw(label).polygon(outline, fill=place[entry["category_id"]])
        yield image["file_name"].removesuffix(".jpg"), np.asarray(label)


def _identifier(entry: dict[str, Any]) -> int:
    return int(entry["id"])


@dataclass(frozen=True)
class CocoFold:
    """One fold of COCO-20ⁱ: base training on the part ``train``, tasks from ``val``."""

    fold: int
    files = FILES
    epochs = 20

    @property
    def base_name(self) -> str:
        """``coco_20i_fold<i>``."""
        return f"coco_20i_fold{self.fold}"

    @property
    def base_classes(self) -> tuple[int, ...]:
        """The other sixty classes."""
        return tuple(c for c in range(1, CLASSES + 1) if c not in novel_classes(self.fold))

    def base(self, seed: int, side: int) -> BaseScenes:
        """Return the scenes with base classes; the held-out part is the same for every seed."""
        del seed
        scenes = CocoPart("train", side).scenes
        usable = with_any(scenes.areas, self.base_classes, LEAST_AREA)
        return BaseScenes.of_finite_set(self.base_name, scenes, usable, self.base_classes)

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return the part ``val`` with novel classes, or the held-out part with base ones."""
        if split == "validation":
            return self.base(seed, side).held_out_tasks
        return ClassScenes(CocoPart("val", side).scenes, novel_classes(self.fold))


@dataclass(frozen=True)
class CocoToPascal(CocoFold):
    """A base network of COCO's fold, tasks of PASCAL's classes that it has not been trained on."""

    files = (*FILES, *pascal.FILES)

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return PASCAL's validation list; for validation, COCO's held-out part."""
        if split == "validation":
            return super().tasks_from(split, seed, side)
        return pascal.novel_scenes(side, novel_pascal_classes(self.fold))
