"""How a mistake in a spec is said: file, key path, what is wrong, the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from repro.errors import UserError, did_you_mean


class Checker:
    """Raises a ``UserError`` with the file and the key path for the first thing that is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise the error for ``key``."""
        raise UserError(f"{self._path}: {key}: {problem}")

    def require(self, holds: bool, key: str, problem: str) -> None:
        """Check that a condition on the value of ``key`` holds."""
        if not holds:
            self.fail(key, problem)

    def known(self, key: str, names: Iterable[str], valid: Iterable[str], what: str) -> None:
        """Check that every one of ``names`` is among ``valid``."""
        valid = list(valid)
        for name in names:
            if name not in valid:
                self.fail(key, f"unknown {what} {name!r}{did_you_mean(name, valid)}")
