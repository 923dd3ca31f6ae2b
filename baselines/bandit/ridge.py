"""Ridge regression of each arm's loss on the context, kept up to date round by round."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tasks.bandit.protocol import Floats, Index, PlainLearner
from tasks.bandit.regression_loss import RegressionLoss


@dataclass
class RidgeLearner(PlainLearner):
    """A linear model on the disjoint encoding: one ridge regression for each arm.

    ``inverse``  (streams, arms, d, d): (λ I + Σ x xᵀ)⁻¹ over the rounds in which the arm was
                 played, by Sherman and Morrison's formula, float64
    ``weights``  (streams, arms, d): the ridge estimate
    """

    regularisation: float
    inverse: Floats = field(init=False)
    weights: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.loss = RegressionLoss("squared")
        streams, arms, d = self.problem.streams, self.problem.arms, self.problem.dimension
        self.inverse = np.tile(np.eye(d) / self.regularisation, (streams, arms, 1, 1))
        self.weights = np.zeros((streams, arms, d))
        self.rows = np.arange(streams)
        self.round = 0

    def predicted(self, x: Floats) -> Floats:
        """Return x · weights of every arm, (streams, arms)."""
        return np.asarray((self.weights @ x[:, :, None].astype(np.float64))[:, :, 0])

    def variance(self, x: Floats) -> Floats:
        """Return xᵀ inverse x of every arm, (streams, arms)."""
        x = x.astype(np.float64)
        streams, arms, d, _ = self.inverse.shape
        projected = self.inverse.reshape(streams, arms * d, d) @ x[:, :, None]
        projected = projected.reshape(streams, arms, d)
        return np.maximum((projected @ x[:, :, None])[:, :, 0], 0.0)

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:
        """Take in the losses of the arms played."""
        x = x.astype(np.float64)
        inverse = self.inverse[self.rows, arms]
        projected = (inverse @ x[:, :, None])[:, :, 0]
        gain = projected / (1.0 + (projected * x).sum(axis=1))[:, None]
        self.inverse[self.rows, arms] = inverse - gain[:, :, None] * projected[:, None, :]
        error = losses - (self.weights[self.rows, arms] * x).sum(axis=1)
        self.weights[self.rows, arms] += gain * error[:, None]
        self.round += 1

    def parameters(self) -> int:
        """Return the number of weights of one stream's models."""
        return self.problem.arms * self.problem.dimension
