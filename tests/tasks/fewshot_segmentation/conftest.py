"""Folders with tiny copies of the published data, found through REPRO_DATA."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import segmentation_files

from repro.data import DataFile
from tasks.fewshot_segmentation import coco, glyphs, pascal


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


def _any_hash(monkeypatch: pytest.MonkeyPatch, module: object, *names: str) -> None:
    """Let a stand-in pass for a file whose published hash is known."""
    for name in names:
        file: DataFile = getattr(module, name)
        monkeypatch.setattr(module, name, replace(file, sha256=None))


@pytest.fixture
def pascal_files(found: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """PASCAL's files; the class of each image."""
    _any_hash(monkeypatch, pascal, "TRAIN_LIST", "VALIDATION_LIST")
    files = (pascal.VOC, pascal.SBD, pascal.TRAIN_LIST, pascal.VALIDATION_LIST)
    monkeypatch.setattr(pascal.PascalFold, "files", files)
    monkeypatch.setattr(coco.CocoToPascal, "files", (*coco.FILES, *files))
    return segmentation_files.write_pascal(found, per_class=4)


@pytest.fixture
def coco_files(found: Path) -> Path:
    """COCO's files."""
    segmentation_files.write_coco(found)
    return found


@pytest.fixture
def omniglot_files(found: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Omniglot's two files."""
    _any_hash(monkeypatch, glyphs, "DEVELOPMENT", "TEST")
    monkeypatch.setattr(glyphs.OmniglotGlyphs, "files", (glyphs.DEVELOPMENT, glyphs.TEST))
    segmentation_files.write_omniglot(found)
    return found


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    """A user's folder with five classes."""
    return segmentation_files.write_folder(tmp_path / "mine")
