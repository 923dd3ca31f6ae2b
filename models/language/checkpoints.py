"""Checkpoints of an artefact's builder: a killed build goes on from where they were kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from repro.context import RESUME_FILE

#: The name of a build's only, or first, training.
TRAINING = "training"


@dataclass
class FolderKeeper:
    """One checkpoint in a builder's directory, which the harness then leaves to the next attempt.

    The harness removes the file once the artefact is whole, and all that was begun where the
    builder's code has changed since.

    ``stage``     the training that a build is in, for those with more than one
    ``measured``  what was measured so far, kept with each checkpoint. Both, and the state that
                  :meth:`restore` returns, are as a killed build kept them last
    """

    directory: Path
    stage: str = TRAINING
    measured: dict[str, Any] = field(default_factory=dict)
    _state: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self._scratch.unlink(missing_ok=True)
        if self._path.exists():
            kept = torch.load(self._path, map_location="cpu", weights_only=False)
            self.stage, self.measured, self._state = kept["stage"], kept["measured"], kept["state"]

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """Keep ``state``, as of ``step``, and what is measured."""
        kept = {"stage": self.stage, "step": step, "state": state, "measured": self.measured}
        torch.save(kept, self._scratch)
        self._scratch.replace(self._path)

    def restore(self) -> dict[str, Any] | None:
        """Return the state that a killed build kept last, once; ``None`` for a fresh start."""
        state, self._state = self._state, None
        return state

    def begin(self, stage: str, state: dict[str, Any]) -> None:
        """Say that another training begins, and keep its ``state``."""
        self.stage = stage
        self.checkpoint(state, 0)

    def progress(self, done: float, total: float) -> None:
        """Do nothing: a build's own progress is not shown."""

    @property
    def _path(self) -> Path:
        return self.directory / RESUME_FILE

    @property
    def _scratch(self) -> Path:
        return self.directory / f"{RESUME_FILE}.part"
