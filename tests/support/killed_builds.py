"""Builds that end in the middle of a training, as a killed job does."""

from __future__ import annotations

import math

import pytest

from models.language import Training, training


class KilledError(Exception):
    """Stands for the end of a job's time."""


def kill_after(patch: pytest.MonkeyPatch, updates: int) -> None:
    """Let trainings keep a checkpoint after each update, and end the build at the one after."""
    patch.setattr(training, "CHECKPOINT_EVERY", -math.inf)
    patch.setattr(training, "TIMES_KEEPING", -math.inf)
    original, made = Training.update, []

    def update(self: Training, batch: object) -> None:
        if len(made) == updates:
            raise KilledError
        original(self, batch)  # type: ignore[arg-type]
        made.append(self.step)

    patch.setattr(Training, "update", update)


def steps_of(patch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every later update adds its step."""
    original, made = Training.update, []

    def update(self: Training, batch: object) -> None:
        original(self, batch)  # type: ignore[arg-type]
        made.append(self.step)

    patch.setattr(Training, "update", update)
    return made
