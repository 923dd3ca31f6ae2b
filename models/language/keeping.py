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
class BuildKeeper:
    """One checkpoint in a builder's directory, which the harness then leaves to the next attempt.

    ``stage``     of the build, for those that train more than once: a checkpoint is of one stage
    ``measured``  what was measured so far: kept with each checkpoint, and put back with it
    """

    directory: Path
    stage: str = TRAINING
    measured: list[Any] = field(default_factory=list)

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """Keep ``state``, as of ``step``, and what is measured."""
        kept = {"stage": self.stage, "step": step, "state": state, "measured": self.measured}
        torch.save(kept, self._scratch)
        self._scratch.replace(self._path)

    def restore(self) -> dict[str, Any] | None:
        """Return the state that was kept last, if of this stage; ``measured`` is as it was then."""
        self._scratch.unlink(missing_ok=True)
        kept = self._kept()
        if kept is None or kept["stage"] != self.stage:
            return None
        self.measured[:] = kept["measured"]
        state: dict[str, Any] = kept["state"]
        return state

    def progress(self, done: float, total: float) -> None:
        """Do nothing: a build's own progress is not shown."""

    def later_stage(self) -> bool:
        """Say whether what was kept last is of another stage: then this one is over."""
        kept = self._kept()
        return kept is not None and kept["stage"] != self.stage

    @property
    def _path(self) -> Path:
        return self.directory / RESUME_FILE

    @property
    def _scratch(self) -> Path:
        return self.directory / f"{RESUME_FILE}.part"

    def _kept(self) -> dict[str, Any] | None:
        if not self._path.exists():
            return None
        kept: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=False)
        return kept
