"""A user's own images: a folder with images, masks of class numbers and a list of classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from repro.data import DataFile
from repro.errors import UserError, did_you_mean
from repro.files import sha256_of_json
from tasks.fewshot_segmentation.image_files import SceneFiles, decode_label
from tasks.fewshot_segmentation.scenes import IGNORED, SomeScenes, class_areas
from tasks.fewshot_segmentation.sources import (
    BaseScenes,
    ClassScenes,
    Split,
    with_any,
)

PREFIX = "file:"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
FEWEST_CLASSES = 4
FEWEST_BASE_IMAGES = 20
_LAYOUT = "images/<name>.jpg, masks/<name>.png and classes.txt"


def is_user_folder(dataset: str) -> bool:
    """Say whether ``dataset`` names a folder rather than a known set."""
    return dataset.startswith(PREFIX)


@dataclass(frozen=True)
class UserFolder:
    """``file:<folder>[?novel=<class>,<class>]``.

    ``images/``     image files
    ``masks/``      a PNG of the same name and size for each: 0 is background, k the class in line k
                    of the list, 255 ignored
    ``classes.txt`` one class name a line

    Novel classes are those named, otherwise the last quarter of the list. Images with one of them
    (at least a hundredth of the pixels) are for the test; base training never sees them.
    """

    dataset: str
    files: tuple[DataFile, ...] = ()
    epochs = 40

    @property
    def base_name(self) -> str:
        """A hash over the names and sizes of all files, and the novel classes."""
        entries = sorted(path for path in self.path.rglob("*") if path.is_file())
        content = [[str(p.relative_to(self.path)), p.stat().st_size] for p in entries]
        return f"{PREFIX}{sha256_of_json([content, self.novel])[:32]}"

    @property
    def path(self) -> Path:
        """The folder."""
        return _parts(self.dataset)[0]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes' names. Raises ``UserError`` where the list is missing or too short."""
        path = self.path / "classes.txt"
        if not path.is_file():
            raise UserError(f"{self.path}: there is no classes.txt; the folder needs {_LAYOUT}")
        names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        names = names[: len(names) - next((k for k, n in enumerate(names[::-1]) if n), len(names))]
        if len(names) < FEWEST_CLASSES or len(names) >= IGNORED:
            raise UserError(
                f"{path}: {len(names)} classes; it must name {FEWEST_CLASSES} to {IGNORED - 1}, "
                f"one a line"
            )
        if len(set(names)) < len(names) or "" in names:
            raise UserError(f"{path}: a class is named twice or not at all; give each its own name")
        return names

    @cached_property
    def novel(self) -> tuple[int, ...]:
        """Numbers of the novel classes."""
        wanted = _parts(self.dataset)[1]
        if not wanted:
            count = max(1, len(self.names) // 4)
            return tuple(range(len(self.names) - count + 1, len(self.names) + 1))
        for name in wanted:
            if name not in self.names:
                raise UserError(f"{self.path}: no class {name!r}{did_you_mean(name, self.names)}")
        if len(wanted) >= len(self.names):
            raise UserError(f"{self.dataset}: every class is novel, so none is left to train on")
        return tuple(sorted(self.names.index(name) + 1 for name in set(wanted)))

    @property
    def base_classes(self) -> tuple[int, ...]:
        """Numbers of all other classes."""
        return tuple(k for k in range(1, len(self.names) + 1) if k not in self.novel)

    def scenes(self, side: int) -> SceneFiles:
        """Return all images that have a mask; every mask is read and checked."""
        pairs = self._pairs()
        areas = np.stack([self._areas(mask) for _, mask in pairs])

        def read(number: int) -> tuple[bytes, bytes]:
            image, mask = pairs[number]
            return image.read_bytes(), mask.read_bytes()

        # Images may differ in size: a hundredth of the smallest keeps the rule simple to state.
        least = max(1, int(areas.sum(1).min()) // 100)
        return SceneFiles(read, [str(image) for image, _ in pairs], areas, least, side)

    def base(self, seed: int, side: int) -> BaseScenes:
        """Return the images without novel classes; the held-out part is the same for every seed."""
        del seed
        scenes = self.scenes(side)
        novel = with_any(scenes.areas, self.novel, scenes.least_area)
        usable = np.setdiff1d(with_any(scenes.areas, self.base_classes, scenes.least_area), novel)
        if len(usable) < FEWEST_BASE_IMAGES:
            raise UserError(
                f"{self.path}: {len(usable)} images show base classes and no novel one; base "
                f"training needs {FEWEST_BASE_IMAGES}"
            )
        return BaseScenes.of_finite_set(self.base_name, scenes, usable, self.base_classes)

    def tasks_from(self, split: Split, seed: int, side: int) -> ClassScenes:
        """Return the images with novel classes; for validation, all base images.

        A folder is small: tasks for tuning are of base classes that the network was trained on.
        """
        if split == "validation":
            base = self.base(seed, side)
            numbers = np.sort(np.concatenate([base.train, base.validation]))
            return ClassScenes(SomeScenes(base.scenes, numbers), self.base_classes)
        scenes = self.scenes(side)
        numbers = with_any(scenes.areas, self.novel, scenes.least_area)
        return ClassScenes(SomeScenes(scenes, numbers), self.novel)

    def _pairs(self) -> list[tuple[Path, Path]]:
        images = [
            path
            for path in sorted((self.path / "images").glob("*"))
            if path.suffix.lower() in IMAGE_SUFFIXES
        ]
        if not images:
            raise UserError(f"{self.path}: no image in images/; the folder needs {_LAYOUT}")
        pairs = [(image, self.path / "masks" / f"{image.stem}.png") for image in images]
        missing = next((mask for _, mask in pairs if not mask.is_file()), None)
        if missing is not None:
            raise UserError(f"{missing}: there is no such mask; each image needs one")
        return pairs

    def _areas(self, mask: Path) -> np.ndarray:
        label = np.asarray(decode_label(mask.read_bytes(), str(mask)))
        largest = int(label[label != IGNORED].max(initial=0))
        if largest > len(self.names):
            raise UserError(
                f"{mask}: holds class number {largest}, but classes.txt names {len(self.names)}; "
                f"0 is background and 255 is ignored"
            )
        return class_areas(label, len(self.names))


def check_folder(dataset: str, shots: int) -> None:
    """Raise ``UserError`` for the first thing in a user's folder that cannot be used.

    ``shots``  the most supports of a task: each novel class needs one image more
    """
    from tasks.fewshot_segmentation.sampling import require_enough

    folder = UserFolder(dataset)
    scenes = folder.scenes(side=64)
    folder.base(0, side=64)
    require_enough(scenes, folder.novel, shots)
    for image, mask in folder._pairs():
        if Image.open(image).size != Image.open(mask).size:
            raise UserError(f"{image}: image and mask differ in size; they must be of one size")


def _parts(dataset: str) -> tuple[Path, tuple[str, ...]]:
    name, question, option = dataset.removeprefix(PREFIX).partition("?")
    key, _, novel = option.partition("=")
    if question and (key != "novel" or not novel):
        raise UserError(
            f"{dataset}: {'?' + option!r} is not known; write file:<folder>?novel=<class>,<class>"
        )
    path = Path(name).expanduser()
    if not path.is_dir():
        raise UserError(f"{path}: not a folder; give one with {_LAYOUT} as file:<folder>")
    return path, tuple(part.strip() for part in novel.split(",") if part.strip())
