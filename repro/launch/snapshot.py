"""A copy of the code that jobs run from: editing while they wait changes nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from repro.files import explained, make_directory, sha256_of_file, sha256_of_json, write_text
from repro.paths import PACKAGES, ROOT
from repro.trials import provenance

_SKIPPED = ("__pycache__", ".mypy_cache", ".ruff_cache")


def take_snapshot(folder: Path, root: Path = ROOT) -> Path:
    """Copy the packages of ``root`` below ``folder``, unless their present state is there already.

    Returns the copy, which is named by its content. Its fingerprints are those of ``root``, and it
    knows the commit that it was taken of.
    """
    commit = provenance.commit()
    hashes = [[path.relative_to(root).as_posix(), sha256_of_file(path)] for path in _sources(root)]
    copy = folder / sha256_of_json([commit, hashes])[:16]
    if copy.is_dir():
        return copy
    make_directory(folder)
    unfinished = folder / f".{copy.name}.{os.getpid()}.{time.monotonic_ns()}"
    try:
        with explained(unfinished):
            _copy(root, unfinished)
            write_text(unfinished / provenance.COMMIT_FILE, commit or "")
        unfinished.rename(copy)
    except OSError:
        if not copy.is_dir():  # else another process took the same one at the same time
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return copy


def _sources(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and not set(_SKIPPED) & set(path.parts):
                yield path


def _copy(root: Path, target: Path) -> None:
    for path in _sources(root):
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
