"""Learning rates by step: a linear warm-up, then a cosine, a line or a constant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from repro.errors import UserError

Decay = Literal["cosine", "linear", "constant"]


@dataclass(frozen=True)
class Schedule:
    """The share of the highest rate at each step.

    ``steps``   of the whole run; ``warmup``: the rate grows linearly over the first of them
    ``decay``   what follows, down to the share ``last`` at the final step
    """

    steps: int
    warmup: int = 0
    decay: Decay = "cosine"
    last: float = 0.1

    def __post_init__(self) -> None:
        if self.decay not in get_args(Decay):
            _refuse(f"decay is {self.decay!r}; it must be one of {', '.join(get_args(Decay))}")
        if self.steps < 1 or not 0 <= self.warmup <= self.steps:
            _refuse(f"warmup {self.warmup} does not fit into {self.steps} steps")
        if not 0 <= self.last <= 1:
            _refuse(f"last is {self.last}; it is a share of the highest rate, from 0 to 1")

    def share(self, step: int) -> float:
        """Return the share at ``step``, 0 … ``steps`` − 1."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        after = self.steps - 1 - self.warmup
        done = min(1.0, (step - self.warmup) / after) if after > 0 else 1.0
        if self.decay == "constant":
            return 1.0
        left = 0.5 * (1 + math.cos(math.pi * done)) if self.decay == "cosine" else 1 - done
        return self.last + (1 - self.last) * left


def _refuse(problem: str) -> None:
    raise UserError(f"models.language.Schedule: {problem}")
