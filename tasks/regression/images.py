"""The image regressions: the angle of a rotated digit, and the age of a face."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.errors import UserError
from tasks.regression.folds import dataset_seed, generator
from tasks.regression.split import Array, Examples
from tasks.tables.idx import read_idx_images

LARGEST_ANGLE = 45.0  # degrees, either way


def parse_rotated_mnist(*paths: Path) -> Examples:
    """Return every digit turned by an angle of its own, and that angle in degrees.

    Angles are drawn once for the data set, uniformly from (−45°, 45°), counter-clockwise positive;
    turned by bilinear interpolation, corners filled with black. Inputs are (n, 1, 28, 28), bytes.
    The paper does not say how its angles were drawn.
    """
    digits = np.concatenate([read_idx_images(path) for path in paths])
    random = generator(dataset_seed("rotated_mnist", "angles"))
    angles = random.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, len(digits))
    return Examples(_rotate(digits, angles)[:, None], angles)


def _rotate(digits: Array, angles: Array) -> Array:
    from scipy import ndimage

    turned = np.empty_like(digits)
    for digit, angle, out in zip(digits, angles, turned, strict=True):
        ndimage.rotate(digit, angle, reshape=False, order=1, output=out)
    return turned


@dataclass(frozen=True)
class DataFolder:
    """A folder that may not be downloaded for the user: found by name in ``REPRO_DATA``.

    What a trial records of it is one SHA-256 over the names and sizes of its files: which files
    they were, not that their bytes are the published ones.
    """

    name: str
    licence: str
    source: str

    def locate(self) -> Path:
        """Return the folder. Raises ``UserError`` that says where to get it and where to put it."""
        named = os.environ.get("REPRO_DATA", "")
        for root in [Path(part).expanduser() for part in named.split(os.pathsep) if part]:
            for found in [root / self.name, *sorted(root.rglob(self.name))]:
                if found.is_dir():
                    return found
        raise UserError(
            f"{self.name} is not on this machine and is never downloaded ({self.licence}): get it "
            f"from {self.source} and put the folder {self.name} into the folder that REPRO_DATA "
            f"names ({named or 'not set'})"
        )


UTK_FACE = DataFolder(
    name="UTKFace",
    licence="for non-commercial research only",
    source="https://susanqq.github.io/UTKFace/ (aligned and cropped faces)",
)

FACE_SIZE = 32  # pixels

#: <age>_<gender>_<race>_<date and time>.jpg, or .jpg.chip.jpg in the aligned set
_FACE_NAME = re.compile(r"(\d{1,3})_\d_\d_\d+\.jpg(\.chip\.jpg)?")


def parse_utk_face(folder: Path) -> Examples:
    """Return the faces at 32 × 32 pixels as (n, 3, 32, 32) bytes, and the age in years.

    The size is a choice of ours (the files have 200 × 200): it fits the small convolutional encoder
    that all methods share. Files whose name lacks one of the four fields have no sure label and are
    left out. Sorted by name.
    """
    faces = _faces(folder)
    x = np.stack([_read_face(path) for path, _ in faces])
    return Examples(x, np.array([age for _, age in faces], dtype=np.float64))


def _faces(folder: Path) -> list[tuple[Path, int]]:
    named = ((path, _FACE_NAME.fullmatch(path.name)) for path in folder.rglob("*.jpg"))
    faces = [(path, int(match[1])) for path, match in named if match]
    if not faces:
        raise UserError(
            f"{folder} holds no image named <age>_<gender>_<race>_<date>.jpg: unpack the aligned "
            f"and cropped faces of UTKFace there"
        )
    return sorted(faces, key=lambda face: face[0].name)


def _read_face(path: Path) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.draft("RGB", (FACE_SIZE, FACE_SIZE))  # decodes at a fraction of the size: faster
            small = image.convert("RGB").resize((FACE_SIZE, FACE_SIZE))
    except (UnidentifiedImageError, OSError) as error:
        raise UserError(f"{path} cannot be read as an image ({error}); unpack it again") from error
    return np.asarray(small).transpose(2, 0, 1)
