"""NeuralUCB, diagonal (Zhou, Li and Gu, ICML 2020; released code: uclaml/NeuralUCB)."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.bandit.diagonal_bandit import DiagonalBandit, DiagonalLearner
from tasks.bandit.neural import NeuralLearner
from tasks.bandit.protocol import Problem


@dataclass(frozen=True)
class NeuralUCB(DiagonalBandit):
    """Play argmin_a f(x_a) − σ_a, with σ_a² = λ ν Σ_j g_{a,j}² / U_j.

    f predicts losses, so the bound is a lower one; for rewards 1 − f it is the authors' upper one.
    With the log loss f is the logit of the loss, and the bound is on the logit's scale.
    Parameters: see ``DiagonalBandit``.
    """

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return _Learner(
            problem, self.loss, self.learning_rate, self.training,
            exploration=self.exploration, regularisation=self.regularisation,
        )  # fmt: skip


@dataclass
class _Learner(DiagonalLearner):
    def widths(self) -> float:
        return -1.0
