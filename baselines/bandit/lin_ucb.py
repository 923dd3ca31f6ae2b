"""LinUCB with disjoint models (Li, Chu, Langford and Schapire, WWW 2010)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.bandit.ridge import RidgeLearner
from tasks.bandit.protocol import Choice, Floats, Problem


@dataclass(frozen=True)
class LinUCB:
    """Play argmin_a x·θ_a − α √(xᵀ A_a⁻¹ x), θ_a the ridge regression of the arm's losses on x.

    ``exploration``     α
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

    def select(self, x: Floats) -> Choice:
        predicted = self.predicted(x)
        arms = (predicted - self.exploration * np.sqrt(self.variance(x))).argmin(axis=1)
        return Choice(arms, predicted[self.rows, arms])
