"""NeuralTS, diagonal (Zhang, Zhou, Li and Gu, ICLR 2021; released code: ZeroWeight/NeuralTS)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from baselines.bandit.diagonal_design import DiagonalDesign
from tasks.bandit.neural import NeuralLearner, Training
from tasks.bandit.protocol import Floats, Index, Problem
from tasks.bandit.regression_loss import LossName


@dataclass(frozen=True)
class NeuralTS:
    """Play argmin_a of draws from N(f(x_a), σ_a²), with σ_a² = λ ν Σ_j g_{a,j}² / U_j.

    Parameters as in NeuralUCB. With the log loss the draws are of logits.
    """

    learning_rate: float = 1.0
    exploration: float = 0.1
    regularisation: float = 0.1
    loss: LossName = "squared"
    training: Training = "online"

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return _Learner(
            problem, self.loss, self.learning_rate, self.training, self.exploration,
            self.regularisation,
        )  # fmt: skip


@dataclass
class _Learner(NeuralLearner):
    exploration: float = 0.0
    regularisation: float = 1.0
    design: DiagonalDesign = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.design = DiagonalDesign(self.networks, self.regularisation)
        self.normals = self.problem.normals("posterior", self.problem.arms)

    def choose(self, x: Floats, output: Floats) -> Index:
        variance = self.exploration * self.design.variance(x, self.activations)
        arms: Index = np.argmin(output + np.sqrt(variance) * self.normals[self.round], axis=1)
        self.design.add(x, arms, self.activations)
        return arms
