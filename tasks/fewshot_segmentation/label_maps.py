"""Label maps made once from a publisher's annotations, and kept in the cache as one zip of PNGs."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from repro.data import cache_directory
from repro.errors import UserError
from repro.files import make_directory
from tasks.archives import Archive
from tasks.fewshot_segmentation.scenes import Areas, Bytes, class_areas


class LabelMaps(NamedTuple):
    """``names`` of the images that have a label map, its PNG in ``archive``, and class areas."""

    names: tuple[str, ...]
    archive: Archive
    areas: Areas

    def png(self, name: str) -> bytes:
        """Return the label map of an image as a PNG file."""
        return self.archive.read(f"{name}.png")


def kept_label_maps(key: str, made: Iterable[tuple[str, Bytes]], classes: int) -> LabelMaps:
    """Return the label maps of ``key``, from the cache, or from ``made`` if they are not there.

    ``made`` gives name and label map of each image; it is not touched where the cache has them.
    Two processes that make them at once both end with a whole file.
    """
    folder = make_directory(cache_directory() / "label_maps")
    path = folder / f"{key}.zip"
    if not path.exists():
        _write(path, made, classes)
    archive = Archive(path)
    with np.load(io.BytesIO(archive.read("areas.npz"))) as table:
        return LabelMaps(tuple(table["names"].tolist()), archive, table["areas"])


def _write(path: Path, made: Iterable[tuple[str, Bytes]], classes: int) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    names, areas = [], []
    try:
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_STORED) as archive:
            for name, label in made:
                names.append(name)
                areas.append(class_areas(label, classes))
                archive.writestr(f"{name}.png", _png(label))
            if not names:
                raise UserError(f"{path.stem}: no annotated image was found; fetch the data again")
            archive.writestr("areas.npz", _table(names, np.stack(areas)))
        Path(scratch).replace(path)
    finally:
        Path(scratch).unlink(missing_ok=True)


def _png(label: Bytes) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(label).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _table(names: list[str], areas: Areas) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, names=np.array(names), areas=areas)
    return stream.getvalue()
