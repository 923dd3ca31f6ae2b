"""Tables that scikit-learn ships."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from repro.errors import UserError


@dataclass(frozen=True)
class BundledFile:
    """A file that scikit-learn ships.

    Read from the installed package without importing it: the import takes longer than a trial.
    ``extra`` is the one of this project that installs scikit-learn for the task.
    """

    name: str
    extra: str

    def locate(self) -> Path:
        """Return the file's path. Raises ``UserError`` where scikit-learn is not installed."""
        package = importlib.util.find_spec("sklearn")
        if package is None or package.origin is None:
            raise UserError(
                f"{self.name} comes with scikit-learn, which is not installed; run "
                f"pip install -e '.[{self.extra}]'"
            )
        return Path(package.origin).parent / "datasets" / "data" / self.name
