"""Checkpoints of an artefact's builder, so that a training run that is killed goes on."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.context import RESUME_FILE
from repro.files import write_bytes


@dataclass(frozen=True)
class FolderKeeper:
    """Keeps the last state in an artefact's folder, from which the next attempt goes on.

    The harness removes the file once the artefact is whole, and all that was begun where the
    builder's code has changed since.
    """

    directory: Path

    def checkpoint(self, state: dict[str, Any], step: int) -> None:  # noqa: ARG002
        """Keep ``state`` in place of the last one."""
        write_bytes(self.directory / RESUME_FILE, pickle.dumps(state, protocol=5))

    def restore(self) -> dict[str, Any] | None:
        """Return the state kept, or ``None``."""
        try:
            state: dict[str, Any] = pickle.loads((self.directory / RESUME_FILE).read_bytes())
        except FileNotFoundError:
            return None
        return state

    def progress(self, done: float, total: float) -> None:
        """Say nothing: an artefact has a heartbeat of its own."""
