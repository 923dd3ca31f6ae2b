"""Uniform play: what is lost without learning."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tasks.bandit.protocol import Choice, Floats, History, Index, PlainLearner, Problem


@dataclass(frozen=True)
class Uniform:
    """Play every arm with the same probability."""

    def start(self, problem: Problem) -> PlainLearner:
        """Return the learner."""
        return _Learner(problem)


@dataclass
class _Learner(PlainLearner):
    round: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.uniforms = self.problem.uniforms("action")

    def select(self, x: Floats) -> Choice:  # noqa: ARG002
        return Choice((self.uniforms[self.round] * self.problem.arms).astype(np.intp))

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:  # noqa: ARG002
        self.round += 1

    def diagnose(self, history: History, rounds: int) -> dict[str, Floats]:  # noqa: ARG002
        """Return curvature 0: a loss without weights is flat."""
        return {"smallest_curvature": np.zeros(self.problem.streams)}
