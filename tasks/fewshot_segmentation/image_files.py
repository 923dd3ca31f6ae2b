"""Scenes in image files: decoded, resized and padded to a square when they are read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, UnidentifiedImageError

from repro.errors import UserError
from tasks.fewshot_segmentation.scenes import IGNORED, Areas, Bytes, Scenes, to_scenes

#: The side that is not the longer one is rounded down to a multiple of this, as in released code.
MULTIPLE = 8

#: Gives the bytes of the image file and of the label file with a number.
FileReader = Callable[[int], tuple[bytes, bytes]]


@dataclass(frozen=True)
class SceneFiles:
    """Images and label maps in files.

    ``reader``  gives the bytes of the image and of the label map with a number
    ``names``   of the images, for messages
    ``side``    pixels of the square to which scenes are brought
    """

    reader: FileReader
    names: Sequence[str]
    areas: Areas
    least_area: int
    side: int
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(os.cpu_count() or 1)
    )

    def read(self, numbers: Sequence[int]) -> Scenes:
        """Return the scenes with these numbers; files are decoded side by side."""
        scenes = list(self._pool.map(self._read, numbers))
        return to_scenes(*(np.stack(part) for part in zip(*scenes, strict=True)))

    def _read(self, number: int) -> tuple[Bytes, Bytes]:
        image_bytes, label_bytes = self.reader(int(number))
        name = self.names[int(number)]
        image, label = decode_image(image_bytes, name), decode_label(label_bytes, name)
        if image.size != label.size:
            raise UserError(
                f"{name}: the image has {image.size} pixels and its mask {label.size}: they must "
                f"be of one size"
            )
        return squared(image, label, self.side)


def decode_image(content: bytes, name: str) -> Image.Image:
    """Return an image with three channels. Raises ``UserError`` where it cannot be read."""
    return _decoded(content, name).convert("RGB")


def decode_label(content: bytes, name: str) -> Image.Image:
    """Return a label map, one byte a pixel; of a palette image, the palette's indices."""
    label = _decoded(content, name)
    if label.mode not in ("P", "L", "1"):
        raise UserError(
            f"{name}: its mask has mode {label.mode}; a mask needs one channel of class numbers"
        )
    return Image.fromarray(np.asarray(label).astype(np.uint8))


def _decoded(content: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (UnidentifiedImageError, OSError) as error:
        raise UserError(f"{name} cannot be read as an image: {error}") from error
    return image


def squared(image: Image.Image, label: Image.Image, side: int) -> tuple[Bytes, Bytes]:
    """Return both at the size of the released code: (side, side, 3) and (side, side).

    The longer side becomes ``side`` pixels, the other keeps the ratio; both are rounded down to a
    multiple of 8. What is missing to a square, below or to the right, is black and ignored.
    """
    width, height = _new_size(image.size, side)
    pixels = np.zeros((side, side, 3), dtype=np.uint8)
    classes = np.full((side, side), IGNORED, dtype=np.uint8)
    pixels[:height, :width] = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    classes[:height, :width] = np.asarray(label.resize((width, height), Image.Resampling.NEAREST))
    return pixels, classes


def _new_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    ratio = side / max(size)
    # The longer side is rounded down as well, so that 417 pixels become 416 and one of padding.
    width, height = (max(MULTIPLE, int(n * ratio + 1e-9) // MULTIPLE * MULTIPLE) for n in size)
    return width, height
