"""SquareCB on a linear model (Foster and Rakhlin, ICML 2020)."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.bandit.ridge import RidgeLearner
from tasks.bandit.allocation import draw, inverse_gap_weighting
from tasks.bandit.protocol import Choice, Floats, Problem


@dataclass(frozen=True)
class LinearSquareCB:
    """Inverse gap weighting of the predictions of one ridge regression for each arm.

    ``gamma``           γ of the weighting: the larger, the less is explored
    ``regularisation``  λ of the ridge regressions
    """

    gamma: float = 100.0
    regularisation: float = 1.0

    def start(self, problem: Problem) -> RidgeLearner:
        """Return the learner."""
        return _Learner(problem, self.regularisation, self.gamma)


@dataclass
class _Learner(RidgeLearner):
    gamma: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.uniforms = self.problem.uniforms("action")

    def select(self, x: Floats) -> Choice:
        predicted = self.predicted(x)
        probabilities = inverse_gap_weighting(predicted, self.gamma)
        arms = draw(probabilities, self.uniforms[self.round])
        return Choice(arms, predicted[self.rows, arms])
