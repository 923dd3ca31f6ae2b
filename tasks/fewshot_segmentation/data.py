"""Every data set of the task by name."""

from __future__ import annotations

from pathlib import Path

from repro.data import DataFile
from repro.errors import UserError, did_you_mean
from tasks.fewshot_segmentation.coco import CocoFold, CocoToPascal
from tasks.fewshot_segmentation.folder import UserFolder, check_folder, is_user_folder
from tasks.fewshot_segmentation.generated import TexturedShapes
from tasks.fewshot_segmentation.glyphs import OmniglotGlyphs
from tasks.fewshot_segmentation.networks import IMAGENET
from tasks.fewshot_segmentation.pascal import PascalFold
from tasks.fewshot_segmentation.sources import Source

FOLDS = range(4)

SOURCES: dict[str, Source] = {
    "textured_shapes": TexturedShapes(),
    "shifted_shapes": TexturedShapes(shifted=True),
    "omniglot_glyphs": OmniglotGlyphs(),
    **{f"pascal_5i_fold{fold}": PascalFold(fold) for fold in FOLDS},
    **{f"coco_20i_fold{fold}": CocoFold(fold) for fold in FOLDS},
    **{f"coco_to_pascal_fold{fold}": CocoToPascal(fold) for fold in FOLDS},
}


def known_datasets() -> tuple[str, ...]:
    """Return every name that :func:`source_of` takes, beside ``file:<folder>``."""
    return tuple(SOURCES)


def source_of(dataset: str) -> Source:
    """Return a data set. Raises ``UserError`` for an unknown name."""
    if is_user_folder(dataset):
        return UserFolder(dataset)
    if dataset not in SOURCES:
        near = did_you_mean(dataset, SOURCES)
        raise UserError(f"unknown data set {dataset!r}{near}; or file:<folder>")
    return SOURCES[dataset]


def data_files(dataset: str) -> tuple[DataFile, ...]:
    """Return the files to fetch for ``dataset``; none where it is generated or a user's.

    For photographs also the weights of both ResNets.
    """
    if is_user_folder(dataset):
        return ()
    files = source_of(dataset).files
    photographs = dataset.startswith(("pascal", "coco"))
    return (*files, *IMAGENET.values()) if photographs else files


def check_dataset(dataset: str, shots: int) -> None:
    """Raise ``UserError`` where a name is unknown or a user's folder cannot be used."""
    if is_user_folder(dataset):
        check_folder(dataset, shots)
    else:
        source_of(dataset)


def folder_of(dataset: str) -> Path:
    """Return the folder that ``file:<folder>…`` names."""
    return UserFolder(dataset).path
