"""Thompson sampling with linear payoffs, disjoint models (Agrawal and Goyal, ICML 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.bandit.ridge import RidgeLearner
from tasks.bandit.protocol import Choice, Floats, Problem


@dataclass(frozen=True)
class LinTS:
    """Play argmin_a x·θ̃_a with θ̃_a ~ N(θ_a, v² A_a⁻¹), θ_a the ridge regression of the arm.

    Arms have models of their own, so that the x·θ̃_a are independent and normal with variance
    v² xᵀ A_a⁻¹ x: they are drawn as such.

    ``exploration``     v
    ``regularisation``  λ, the start λ I of A_a
    """

    exploration: float = 0.1
    regularisation: float = 1.0

    def start(self, problem: Problem) -> RidgeLearner:
        """Return the learner."""
        return _Learner(problem, self.regularisation, self.exploration)


@dataclass
class _Learner(RidgeLearner):
    exploration: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.normals = self.problem.normals("posterior", self.problem.arms)

    def select(self, x: Floats) -> Choice:
        predicted = self.predicted(x)
        deviation = self.exploration * np.sqrt(self.variance(x))
        arms = (predicted + deviation * self.normals[self.round]).argmin(axis=1)
        return Choice(arms, predicted[self.rows, arms])
