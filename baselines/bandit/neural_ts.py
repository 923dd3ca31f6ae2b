"""NeuralTS, diagonal (Zhang, Zhou, Li and Gu, ICLR 2021; released code: ZeroWeight/NeuralTS)."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.bandit.diagonal_bandit import DiagonalBandit, DiagonalLearner
from tasks.bandit.neural import NeuralLearner
from tasks.bandit.protocol import Floats, Problem


@dataclass(frozen=True)
class NeuralTS(DiagonalBandit):
    """Play argmin_a of draws from N(f(x_a), σ_a²), with σ_a² = λ ν Σ_j g_{a,j}² / U_j.

    With the log loss the draws are of logits. Parameters: see ``DiagonalBandit``.
    """

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return _Learner(
            problem, self.loss, self.learning_rate, self.training,
            exploration=self.exploration, regularisation=self.regularisation,
        )  # fmt: skip


@dataclass
class _Learner(DiagonalLearner):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.normals = self.problem.normals("posterior", self.problem.arms)

    def widths(self) -> Floats:
        drawn: Floats = self.normals[self.round]
        return drawn
