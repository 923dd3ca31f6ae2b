"""Tiny copies of PASCAL VOC, SBD, COCO and Omniglot in their publishers' byte formats."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

VOC_ROOT = "VOCdevkit/VOC2012"
SIZE = (120, 90)  # width and height of every picture


def picture(kind: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (90, 120, 3) and a label map with a large object of class ``kind``."""
    random = np.random.RandomState(seed)
    label = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    top, left = random.randint(5, 15, 2)
    label[top : top + 60, left : left + 60] = kind
    image = random.randint(0, 60, (SIZE[1], SIZE[0], 3))
    image[label > 0] += np.array([37 * kind % 180, 91 * kind % 180, 53 * kind % 180])
    return image.clip(0, 255).astype(np.uint8), label


def _jpeg(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _palette_png(label: np.ndarray) -> bytes:
    image = Image.fromarray(label)
    image.putpalette([value for k in range(256) for value in (k, 255 - k, k // 2)])
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _mat(label: np.ndarray) -> bytes:
    stream = io.BytesIO()
    boundaries = np.zeros((20, 1), dtype=object)
    savemat(stream, {"GTcls": {"Segmentation": label, "Boundaries": boundaries}})
    return stream.getvalue()


def write_pascal(folder: Path, per_class: int = 3, boundary: bool = True) -> dict[str, int]:
    """Write VOC's tar, SBD's tgz and both lists; return the class of each image.

    Half of the images have a label map in VOC, the others in SBD alone. VOC's maps have a boundary
    of 255; where both have one, SBD's is wrong on purpose.
    """
    kinds: dict[str, int] = {}
    lists: dict[str, list[str]] = {"train": [], "val": []}
    with (
        tarfile.open(folder / "VOCtrainval_11-May-2012.tar", "w") as voc,
        tarfile.open(folder / "benchmark.tgz", "w:gz") as sbd,
    ):
        for part, names in lists.items():
            for number in range(20 * per_class):
                kind, name = number % 20 + 1, f"2008_{part == 'val':d}{number:05d}"
                image, label = picture(kind, seed=len(kinds))
                kinds[name] = kind
                names.append(f"JPEGImages/{name}.jpg SegmentationClassAug/{name}.png")
                _add(voc, f"{VOC_ROOT}/JPEGImages/{name}.jpg", _jpeg(image))
                if number % 2:
                    own = label.copy()
                    own[(label > 0) & (np.roll(label, 4, 0) == 0)] = 255 if boundary else kind
                    _add(voc, f"{VOC_ROOT}/SegmentationClass/{name}.png", _palette_png(own))
                wrong = np.full_like(label, kind % 20 + 1)
                mat = _mat(wrong if number % 2 else label)
                _add(sbd, f"benchmark_RELEASE/dataset/cls/{name}.mat", mat)
                _add(sbd, f"benchmark_RELEASE/dataset/inst/{name}.mat", b"not read")
    for part, names in lists.items():
        (folder / f"{part}.txt").write_text("\n".join(names) + "\n")
    return kinds


def write_coco(folder: Path, per_class: int = 2) -> None:
    """Write COCO's image zips and annotations, with categories whose identifiers have gaps."""
    identifiers = [k + k // 8 for k in range(1, 81)]
    categories = [{"id": i, "name": f"class {k}"} for k, i in enumerate(identifiers, 1)]
    with zipfile.ZipFile(folder / "annotations_trainval2014.zip", "w") as annotations:
        for part in ("train", "val"):
            content = {"categories": categories[::-1], "images": [], "annotations": []}
            with zipfile.ZipFile(folder / f"{part}2014.zip", "w") as images:
                for number in range(80 * per_class):
                    kind = number % 80 + 1
                    name = f"COCO_{part}2014_{number + 1:012d}.jpg"
                    image, label = picture(kind, seed=number)
                    rows, columns = np.nonzero(label)
                    top, left = int(rows.min()), int(columns.min())
                    bottom, right = int(rows.max()), int(columns.max())
                    content["images"].append(
                        {"id": number + 1, "file_name": name, "width": 120, "height": 90}
                    )
                    outline = [left, top, right, top, right, bottom, left, bottom]
                    content["annotations"].append(
                        _object(number, identifiers[kind - 1], [[float(v) for v in outline]])
                    )
                    crowd = {"counts": [0, 10800], "size": [90, 120]}
                    content["annotations"].append(
                        {**_object(number, identifiers[0], crowd), "iscrowd": 1}
                    )
                    images.writestr(f"{part}2014/{name}", _jpeg(image))
                content["images"].append(
                    {"id": 9999, "file_name": "empty.jpg", "width": 120, "height": 90}
                )
            annotations.writestr(f"annotations/instances_{part}2014.json", json.dumps(content))


def _object(image: int, category: int, segmentation: object) -> dict[str, object]:
    return {
        "id": image,
        "image_id": image + 1,
        "category_id": category,
        "segmentation": segmentation,
        "iscrowd": 0,
    }


def write_folder(folder: Path, classes: int = 5, per_class: int = 14) -> Path:
    """Write a user's folder: images, masks, classes.txt."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(classes * per_class):
        image, label = picture(number % classes + 1, seed=number)
        (folder / "images" / f"{number:03d}.jpg").write_bytes(_jpeg(image))
        Image.fromarray(label).save(folder / "masks" / f"{number:03d}.png")
    names = "\n".join(f"thing {k + 1}" for k in range(classes))
    (folder / "classes.txt").write_text(names + "\n")
    return folder


def write_omniglot(folder: Path) -> None:
    """Write both of Omniglot's small zips: 20 drawings of each character, one bit a pixel."""
    alphabets = {"small1": {"First": 15, "Second": 12}, "small2": {"Second": 4, "Third": 16}}
    for name, there in alphabets.items():
        random = np.random.RandomState(len(name) + len(there))
        with zipfile.ZipFile(folder / f"images_background_{name}.zip", "w") as archive:
            for alphabet, count in there.items():
                for character in range(1, count + 1):
                    for drawing in range(1, 21):
                        page = np.ones((105, 105), dtype=bool)
                        row, column = random.randint(20, 70, 2)
                        page[row : row + 6, 15:90] = page[15:90, column : column + 6] = False
                        stream = io.BytesIO()
                        Image.fromarray(page).save(stream, "PNG")
                        place = f"images_background_{name}/{alphabet}/character{character:02d}"
                        archive.writestr(
                            f"{place}/{character:04d}_{drawing:02d}.png", stream.getvalue()
                        )
