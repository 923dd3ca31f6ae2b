"""Text that every Python has: the source of its standard library, split by file."""

from __future__ import annotations

import hashlib
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import Literal

Part = Literal["train", "validation", "test"]

#: Of 256 values of a file's hash, how many go to validation, and as many to test.
_HELD_OUT = 26
#: Test suites repeat themselves and installed packages are not the library.
_LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__")


def source_files() -> list[Path]:
    """Return the library's Python files, in the order of their names."""
    root = Path(sysconfig.get_paths()["stdlib"])
    return [
        path
        for path in sorted(root.rglob("*.py"))
        if not set(path.relative_to(root).parts) & set(_LEFT_OUT)
    ]


def part_of(text: str) -> Part:
    """Return the part of a file. Its content decides, so that equal files stay together."""
    place = hashlib.sha256(text.encode()).digest()[0]
    if place < _HELD_OUT:
        return "test"
    return "validation" if place < 2 * _HELD_OUT else "train"


@lru_cache(maxsize=1)
def _everything() -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8", errors="replace") for path in source_files())


@lru_cache(maxsize=1)
def hash_of_library() -> str:
    """Return the SHA-256 of all texts, in order: each Python release has another."""
    whole = hashlib.sha256()
    for text in _everything():
        whole.update(hashlib.sha256(text.encode()).digest())
    return whole.hexdigest()


def standard_library(part: Part) -> list[str]:
    """Return the texts of a part, a file each. Another patch release of Python has others."""
    return [text for text in _everything() if text and part_of(text) == part]
